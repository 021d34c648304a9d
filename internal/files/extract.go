package files

import (
	"context"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// extract writes a folder under a temporary name in the same directory, then renames it.
// An os.Root confines it, whatever the manifest contains.
func (fs *Files) extract(ctx context.Context, f File, count func(int)) error {
	tmp, err := os.MkdirTemp(filepath.Dir(f.Path), tempPrefix)
	if err != nil {
		return osError(err)
	}
	defer os.RemoveAll(tmp)
	if err := fs.unpack(ctx, f, tmp, count); err != nil {
		return err
	}
	if err := syncAll(tmp); err != nil {
		return osError(err)
	}
	if err := os.Remove(f.Path); err != nil && !os.IsNotExist(err) { // an empty directory
		return osError(err)
	}
	if err := os.Rename(tmp, f.Path); err != nil {
		return osError(err)
	}
	return osError(durable.SyncFolder(filepath.Dir(f.Path)))
}

// abreast is how many large files of a folder are fetched at once.
const abreast = 4

// maxFolders bounds the memory that a manifest can make a reader use.
const maxFolders = 1 << 20

// unpacker writes what a manifest lists.
type unpacker struct {
	files   *Files
	root    *os.Root
	count   func(int)
	folders []record // whose modes and times are set at the end
	made    map[string]bool

	pack   moot.BlobID // being read
	from   io.ReadCloser
	offset int64
	buf    []byte
}

func (fs *Files) unpack(ctx context.Context, f File, dir string, count func(int)) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return osError(err)
	}
	defer root.Close()
	u := &unpacker{files: fs, root: root, count: count, made: map[string]bool{".": true}, buf: make([]byte, packBelow)}
	defer u.closePack()
	in, err := fs.manifest(ctx, f.Blob.ID)
	if err != nil {
		return err
	}
	defer in.Close()
	large, ctx := errgroup.WithContext(ctx)
	large.SetLimit(abreast)
	for r, recErr := range records(in) {
		if err = recErr; err == nil {
			err = u.writeRecord(ctx, r, large)
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			break
		}
	}
	if failed := large.Wait(); failed != nil {
		err = failed // what ended the context
	}
	if err != nil {
		return osError(err)
	}
	if err := u.finishFolders(); err != nil {
		return osError(err)
	}
	if err := os.Chmod(dir, orFolder(f.Mode)); err != nil || f.ModTime.IsZero() {
		return osError(err)
	}
	return osError(os.Chtimes(dir, f.ModTime, f.ModTime))
}

func orFolder(mode os.FileMode) os.FileMode {
	if mode.Perm() == 0 {
		return 0o755
	}
	return mode.Perm()
}

// writeRecord writes what one record describes.
func (u *unpacker) writeRecord(ctx context.Context, r record, large *errgroup.Group) error {
	if r.Kind == kindFolder {
		u.folders = append(u.folders, r)
		return u.makeFolder(r.Path)
	}
	if err := u.makeFolder(path.Dir(r.Path)); err != nil {
		return err
	}
	switch {
	case r.Kind == kindSymlink && filepath.Separator != '/' && strings.ContainsAny(r.Target, `\:`):
		return moot.Errorf(moot.Invalid, "%q is a link that cannot be made on this machine", r.Path)
	case r.Kind == kindSymlink:
		return u.root.Symlink(filepath.FromSlash(r.Target), r.Path)
	case r.Pack == nil:
		large.Go(func() error { return u.large(ctx, r) })
		return nil
	}
	return u.small(ctx, r)
}

// makeFolder makes a directory and those above it. None of them may be a link: a link
// in the way would put what is below it, links among them, elsewhere than checked.
func (u *unpacker) makeFolder(dir string) error {
	if u.made[dir] {
		return nil
	}
	if len(u.made) > maxFolders || len(u.folders) > maxFolders {
		return moot.Errorf(moot.TooLarge, "the folder holds more than %d folders", maxFolders)
	}
	if err := u.makeFolder(path.Dir(dir)); err != nil {
		return err
	}
	err := u.root.Mkdir(dir, 0o755)
	if os.IsExist(err) { // where names that differ only in case are one
		var info os.FileInfo
		if info, err = u.root.Lstat(dir); err == nil && !info.IsDir() {
			err = moot.Errorf(moot.Invalid, "a damaged folder: %.200q is not a folder", dir)
		}
	}
	u.made[dir] = err == nil
	return err
}

// large fetches a file that is a blob of its own.
func (u *unpacker) large(ctx context.Context, r record) error {
	return u.file(r, func(w io.Writer) error { return u.files.copyBlob(ctx, moot.BlobID(r.ID), w, u.count) })
}

// small reads a file from its pack.
func (u *unpacker) small(ctx context.Context, r record) error {
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
	return u.file(r, func(w io.Writer) error {
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

// file writes one file with its mode and time.
func (u *unpacker) file(r record, fill func(io.Writer) error) error {
	f, err := u.root.OpenFile(r.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = fill(f); err == nil {
		err = f.Chmod(os.FileMode(r.Mode).Perm())
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = u.chtime(r)
	}
	return err
}

func (u *unpacker) chtime(r record) error {
	if r.ModTime == 0 {
		return nil
	}
	t := time.Unix(0, r.ModTime)
	return u.root.Chtimes(r.Path, t, t)
}

// finishFolders sets what writing into a folder would change, the deepest first.
func (u *unpacker) finishFolders() error {
	for _, r := range slices.Backward(u.folders) {
		if err := u.root.Chmod(r.Path, os.FileMode(r.Mode).Perm()); err != nil {
			return err
		}
		if err := u.chtime(r); err != nil {
			return err
		}
	}
	return nil
}
