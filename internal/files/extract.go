package files

import (
	"context"
	"io"
	"os"
	"path"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// writeFolder writes a folder beside its place, durably, and then gives it its name.
func writeFolder(ctx context.Context, f File, fill func(context.Context, *folderWriter) error) ([]Skipped, error) {
	s, err := newStaging(f.Path)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := fits(s.dir, f.Content); err != nil {
		return nil, err
	}
	w, err := newFolderWriter(s.content())
	if err != nil {
		return nil, osError(err)
	}
	err = fill(ctx, w)
	if err == nil {
		err = w.finish(entryOf{mode: f.Mode, modTime: f.ModTime})
	}
	if err = firstOf(err, w.close(), ctx.Err()); err != nil {
		return nil, osError(err)
	}
	if err := syncAll(s.content()); err != nil {
		return nil, osError(err)
	}
	if err := os.Remove(f.Path); err != nil && !os.IsNotExist(err) { // an empty directory
		return nil, osError(err)
	}
	err = s.install()
	if mode := orFolder(f.Mode); err == nil && mode&0o700 != 0o700 {
		err = osError(os.Chmod(f.Path, mode))
	}
	return w.skipped, err
}

// extract writes a frozen folder, or a folder in it.
func (fs *Files) extract(ctx context.Context, in inside, count func(int)) ([]Skipped, error) {
	return writeFolder(ctx, in.File, func(ctx context.Context, w *folderWriter) error { return fs.unpack(ctx, in, w, "", count) })
}

// unpack writes the content of a frozen folder into a folder; "" is the one that is written.
func (fs *Files) unpack(ctx context.Context, in inside, w *folderWriter, under string, count func(int)) error {
	if under != "" {
		if err := w.folder(entryOf{path: under, mode: in.Mode, modTime: in.ModTime}); err != nil {
			return err
		}
	}
	u := &unpacker{files: fs, out: w, left: in.Content, count: count, buf: make([]byte, packBelow)}
	defer u.closePack()
	large, ctx := errgroup.WithContext(ctx)
	large.SetLimit(abreast)
	var failed error
	err := fs.each(ctx, in, func(rel string, r record) bool {
		if r.Path = path.Join(under, rel); rel != "" {
			failed = u.writeRecord(ctx, r, large)
		}
		return failed == nil
	})
	err = firstOf(large.Wait(), failed, err) // the first is what ended the context
	if err == nil && u.left != 0 {
		err = errTotal()
	}
	return err
}

func errTotal() error {
	return moot.Errorf(moot.Invalid, "a damaged folder: its files have not as many bytes as was stated")
}

// unpacker writes what a manifest lists.
type unpacker struct {
	files *Files
	out   *folderWriter
	left  int64 // bytes that were stated, and not yet written
	count func(int)

	pack   moot.BlobID // being read
	from   io.ReadCloser
	offset int64
	buf    []byte
}

// writeRecord writes what one record describes.
func (u *unpacker) writeRecord(ctx context.Context, r record, large *errgroup.Group) error {
	e := entryOf{path: r.Path, mode: os.FileMode(r.Mode).Perm(), target: r.Target}
	if r.ModTime != 0 {
		e.modTime = time.Unix(0, r.ModTime)
	}
	if err := localName(r.Path); err != nil {
		u.out.skip(r.Path, "it cannot be a file's name on this machine")
		u.left -= r.Size
		return nil
	}
	if r.Kind == kindFolder {
		return u.out.folder(e)
	}
	if err := u.out.makeFolder(path.Dir(r.Path)); err != nil {
		return err
	}
	if r.Kind == kindSymlink {
		u.out.link(e)
		return nil
	}
	if u.left -= r.Size; u.left < 0 {
		return errTotal()
	}
	if r.Pack == nil {
		large.Go(func() error {
			return u.out.file(e, func(w io.Writer) error {
				return u.files.copyBlob(ctx, moot.Blob{ID: moot.BlobID(r.ID), Size: r.Size}, true, w, u.count)
			})
		})
		return nil
	}
	return u.small(ctx, e, r)
}

// small reads a file from its pack.
func (u *unpacker) small(ctx context.Context, e entryOf, r record) error {
	if r.Size > int64(len(u.buf)) {
		return moot.Errorf(moot.Invalid, "a damaged folder: %q is too large for a pack", r.Path)
	}
	if id := moot.BlobID(r.Pack); u.from == nil || id != u.pack || r.Offset != u.offset {
		if err := u.openPack(ctx, id, r.Offset); err != nil {
			return err
		}
	}
	content := u.buf[:r.Size]
	if _, err := io.ReadFull(u.from, content); err != nil {
		return u.brokenPack(r, err)
	}
	u.offset += r.Size
	if b, err := hashOf(content); err != nil || b.ID != moot.BlobID(r.ID) {
		return moot.Errorf(moot.Corrupt, "a damaged folder: %q is not what its pack holds", r.Path)
	}
	return u.out.file(e, func(w io.Writer) error {
		n, err := w.Write(content)
		u.count(n)
		return err
	})
}

func (u *unpacker) brokenPack(r record, err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return moot.Errorf(moot.Corrupt, "a damaged folder: the pack of %q is too short", r.Path)
	}
	return err
}

// openPack reads a pack from an offset on; the files in it are listed in order.
func (u *unpacker) openPack(ctx context.Context, id moot.BlobID, offset int64) error {
	u.closePack()
	r := moot.Range{Offset: offset, Length: -1}
	rc, err := u.files.node.Get(ctx, id, r)
	if err != nil {
		return err
	}
	u.from, u.pack, u.offset = reader{blob.NewDecoder(rc, id, r), rc}, id, offset
	return nil
}

func (u *unpacker) closePack() {
	if u.from != nil {
		u.from.Close()
		u.from = nil
	}
}
