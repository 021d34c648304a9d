package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// Get writes a file or folder, given by its name or an ID, to dest: "" means under the
// name's last part here, and an existing directory means inside it. What is there is
// replaced only once all of the new has been verified. A folder that was fetched to dest
// before, and is as it was, is left as it is. Kinds: NotFound, Unavailable, Conflict if
// something is in the way, Full.
func (fs *Files) Get(ctx context.Context, name, dest string, progress Progress) (Result, error) {
	in, err := fs.find(ctx, name)
	if err == nil {
		in.Path, err = fs.target(ctx, in, dest)
	}
	if err != nil {
		return Result{File: in.File}, moot.Wrap("get "+name, err)
	}
	done, err := fs.get(ctx, in, counter(progress, in.Content))
	return done, moot.Wrap("get "+name, err)
}

// get writes what was found to its path.
func (fs *Files) get(ctx context.Context, in inside, count func(int)) (done Result, err error) {
	done.File = in.File
	if in.Folder {
		if there, err := fs.there(ctx, in); err != nil || there {
			return done, err
		}
	}
	switch {
	case in.Folder && in.list.ID != (moot.BlobID{}):
		done.Skipped, err = fs.extract(ctx, in, count)
	case in.Folder:
		done.Skipped, err = fs.fetchFolder(ctx, in.File, count)
	case in.Link != "":
		done.Skipped, err = makeLink(in.File)
	default:
		done.Skipped, err = fs.fetch(ctx, in, count)
		err = fs.away(in.Blob.ID, in.Author, err)
	}
	return done, err
}

// target returns the path to write to: inside a directory, unless an earlier Get of the
// same folder has made it.
func (fs *Files) target(ctx context.Context, in inside, dest string) (string, error) {
	info, err := os.Stat(dest)
	if dest == "" || err == nil && info.IsDir() {
		if dest != "" && in.Folder && !emptyFolder(dest) {
			all, err := fs.listing(ctx, in)
			if err != nil || sameNames(dest, all) {
				return dest, err
			}
		}
		base := path.Base(in.Name)
		if err := localName(base); err != nil {
			return "", moot.WithHint(err, moot.HintOutput)
		}
		dest = filepath.Join(dest, base)
	} else if last := dest[len(dest)-1]; os.IsPathSeparator(last) {
		return "", moot.Errorf(moot.NotFound, "there is no directory %s", dest)
	}
	return dest, inTheWay(in.File, dest)
}

// inTheWay reports, with kind Conflict, what cannot be replaced by a file or link.
func inTheWay(f File, dest string) error {
	info, err := os.Lstat(dest)
	if err == nil && info.Mode()&os.ModeSymlink != 0 && f.Link == "" { // a link is written through by name only
		info, err = os.Stat(dest)
	}
	what := ""
	switch {
	case err != nil || f.Folder:
	case info.IsDir():
		what = "is a directory"
	case !info.Mode().IsRegular() && info.Mode()&os.ModeSymlink == 0: // a device or pipe must not be replaced by a file
		what = "is neither a file nor a directory"
	}
	if what == "" {
		return nil
	}
	return moot.WithHint(moot.Errorf(moot.Conflict, "%s %s", dest, what), moot.HintOutput)
}

// there reports whether a folder is at its path already. Kind Conflict if something else is.
func (fs *Files) there(ctx context.Context, in inside) (bool, error) {
	if _, err := os.Lstat(in.Path); err != nil || emptyFolder(in.Path) {
		return false, nil //nolint:nilerr // nothing is there, or what can be replaced
	}
	all, err := fs.listing(ctx, in)
	if err != nil {
		return false, err
	}
	same, err := holds(ctx, in.Path, all)
	if err == nil && !same {
		err = moot.WithHint(moot.Errorf(moot.Conflict, "%s is in the way", in.Path), moot.HintOutput)
	}
	if s, taken := newStaging(in.Path); taken == nil { // what a killed one has left
		s.close()
	}
	return same, err
}

func emptyFolder(dir string) bool {
	list, err := os.ReadDir(dir)
	return err == nil && len(list) == 0
}

// Open returns a stretch of a file's bytes, verified as they are read, and fetched in that
// order, also if it is the whole. Kind Invalid for a folder or link.
func (fs *Files) Open(ctx context.Context, name string, r moot.Range) (io.ReadCloser, moot.Blob, error) {
	in, err := fs.find(ctx, name)
	switch {
	case err != nil:
	case in.Folder:
		err = moot.Errorf(moot.Invalid, "%s is a folder: it cannot be read as one file", name)
	case in.Link != "":
		err = moot.Errorf(moot.Invalid, "%s is a link to %q, which is not followed", name, in.Link)
	}
	if err != nil {
		return nil, moot.Blob{}, err
	}
	rc, err := fs.open(ctx, in, r)
	if err != nil {
		return nil, moot.Blob{}, fs.away(in.Blob.ID, in.Author, err)
	}
	return rc, in.Blob, nil
}

// localName reports, with kind Invalid, that a slash separated name cannot be one on
// this machine.
func localName(name string) error {
	if _, err := filepath.Localize(name); err != nil {
		return moot.Errorf(moot.Invalid, "%q cannot be a file's name on this machine", name)
	}
	return nil
}

// makeLink makes a symbolic link.
func makeLink(f File) ([]Skipped, error) {
	s, err := newStaging(f.Path)
	if err != nil {
		return nil, err
	}
	defer s.close()
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, osError(err)
	}
	w := folderWriter{root: root}
	w.link(entryOf{path: filepath.Base(s.content()), modTime: f.ModTime, target: f.Link})
	if err := firstOf(w.makeLinks(), w.close()); err != nil {
		return nil, osError(err)
	}
	for i := range w.skipped {
		w.skipped[i].Path = f.Name
	}
	return w.skipped, s.install()
}

// fetch writes a file: with a Fetcher if that can, else beside its place, durably, from
// where it is then renamed.
func (fs *Files) fetch(ctx context.Context, in inside, count func(int)) (skipped []Skipped, err error) {
	s, err := newStaging(in.Path)
	if err != nil {
		return nil, err // before anything is downloaded
	}
	defer s.close()
	if err := fits(s.dir, in.Content); err != nil {
		return nil, err
	}
	in.Mode = orDefault(in.Mode)
	if fs.o.Fetcher != nil && in.pack == (moot.BlobID{}) {
		if done, err := fs.o.Fetcher.Fetch(ctx, in.File, count); err != nil || done {
			return nil, err
		}
		count = func(int) {} // what remains is to copy what is here
	}
	f, err := os.OpenFile(s.content(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, osError(err)
	}
	out := durable.NewSparse(f)
	err = fs.copyFile(ctx, in, out, count)
	if err == nil {
		err = osError(firstOf(out.Finish(), f.Chmod(in.Mode), f.Sync()))
	}
	if err = firstOf(err, osError(f.Close())); err != nil {
		return nil, err
	}
	why, err := setTime(in.ModTime, func(t time.Time) error { return os.Chtimes(s.content(), t, t) },
		func() (os.FileInfo, error) { return os.Stat(s.content()) })
	if err != nil {
		return nil, osError(err)
	}
	if why != "" {
		skipped = []Skipped{{in.Name, why}}
	}
	return skipped, s.install()
}

// fits reports, with kind Full, that there is no space for so many bytes.
func fits(dir string, size int64) error {
	free, err := durable.FreeSpace(dir)
	if err == nil && size > free {
		return moot.Errorf(moot.Full, "it has %d bytes, and there is space for %d", size, free)
	}
	return osError(err)
}

// copyFile writes the whole of a file, verified.
func (fs *Files) copyFile(ctx context.Context, in inside, w io.Writer, count func(int)) error {
	if in.pack == (moot.BlobID{}) {
		return fs.copyBlob(ctx, in.Blob, in.Item != "", w, count)
	}
	rc, err := fs.open(ctx, in, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	h := blob.NewHasher(nil)
	if _, err := io.Copy(io.MultiWriter(counted{w, count}, h), rc); err != nil {
		return osError(err)
	}
	b, err := h.Sum()
	if err == nil && b != in.Blob {
		err = moot.Errorf(moot.Corrupt, "a damaged folder: %q is not what its pack holds", in.Name)
	}
	return err
}

// copyBlob writes a whole blob, verified. If its size is stated, one of another size is
// refused before anything is written.
func (fs *Files) copyBlob(ctx context.Context, b moot.Blob, stated bool, w io.Writer, count func(int)) error {
	rc, err := fs.node.Get(ctx, b.ID, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	d := blob.NewDecoder(rc, b.ID, moot.Whole)
	if size, err := d.Size(); err != nil {
		return osError(err)
	} else if stated && size != b.Size {
		return errOtherSize(b, size)
	}
	_, err = io.CopyBuffer(counted{w, count}, plain{d}, make([]byte, 256<<10))
	if err == nil {
		_, _ = rc.Read(make([]byte, 1)) // the end of the slice: by then the node holds the blob, durably
	}
	return osError(err)
}

func errOtherSize(b moot.Blob, size int64) error {
	return moot.Errorf(moot.Corrupt, "blob %s has %d bytes, and not %d as was stated", b.ID, size, b.Size)
}

// plain hides other methods, so that io.CopyBuffer uses the buffer: few, large writes.
type plain struct{ io.Reader }

func (p plain) Read(b []byte) (n int, err error) {
	n, err = io.ReadFull(p.Reader, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// counted reports the bytes that are written through it.
type counted struct {
	io.Writer
	count func(int)
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.count(n)
	return n, err
}
