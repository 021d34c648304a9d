package files

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// Get writes a file or folder, given by its name or a blob's ID, to dest: "" means
// under the name's last part here, and an existing directory means inside it. What
// is there is replaced only once all of the new has been verified. Kinds: NotFound,
// Unavailable, Conflict if a folder is in the way, Full.
func (fs *Files) Get(ctx context.Context, name, dest string, progress Progress) (Result, error) {
	f, err := fs.Lookup(ctx, name)
	if err == nil {
		f.Path, err = target(f, dest)
	}
	if err == nil && f.Folder {
		err = fs.extract(ctx, f, counter(progress, f.Content))
	} else if err == nil {
		err = fs.fetch(ctx, f, counter(progress, f.Content), fs.take, nil)
	}
	return Result{File: f}, moot.Wrap("get "+name, err)
}

// localName reports, with kind Invalid, that a slash separated name cannot be one on
// this machine.
func localName(name string) error {
	if _, err := filepath.Localize(name); err != nil {
		return moot.Errorf(moot.Invalid, "%q cannot be a file's name on this machine", name)
	}
	return nil
}

// target returns the path to write to.
func target(f File, dest string) (string, error) {
	info, err := os.Stat(dest)
	if dest == "" || err == nil && info.IsDir() {
		base := path.Base(f.Name)
		if err := localName(base); err != nil {
			return "", moot.WithHint(err, moot.HintOutput)
		}
		dest = filepath.Join(dest, base)
	} else if last := dest[len(dest)-1]; os.IsPathSeparator(last) {
		return "", moot.Errorf(moot.NotFound, "there is no directory %s", dest)
	}
	info, err = os.Stat(dest)
	switch {
	case err != nil:
	case f.Folder && !emptyFolder(dest):
		return "", moot.WithHint(moot.Errorf(moot.Conflict, "%s is in the way", dest), moot.HintOutput)
	case !f.Folder && !info.IsDir() && !info.Mode().IsRegular(): // a device or pipe must not be replaced by a file
		return "", moot.WithHint(moot.Errorf(moot.Conflict, "%s is neither a file nor a directory", dest), moot.HintOutput)
	case !f.Folder && info.IsDir():
		return "", moot.WithHint(moot.Errorf(moot.Conflict, "%s is a directory", dest), moot.HintOutput)
	}
	return dest, nil
}

func emptyFolder(dir string) bool {
	list, err := os.ReadDir(dir)
	return err == nil && len(list) == 0
}

// Open returns a stretch of a file's bytes, verified as they are read, and fetched in that
// order, also if it is the whole. Kind Invalid for a folder.
func (fs *Files) Open(ctx context.Context, name string, r moot.Range) (io.ReadCloser, moot.Blob, error) {
	f, err := fs.Lookup(ctx, name)
	if err == nil && f.Folder {
		err = moot.Errorf(moot.Invalid, "%s is a folder: it cannot be read as one file", name)
	}
	if err != nil {
		return nil, moot.Blob{}, err
	}
	r = r.In(f.Blob.Size)
	rc, err := fs.node.Get(ctx, f.Blob.ID, r)
	if err != nil {
		return nil, moot.Blob{}, err
	}
	return reader{blob.NewDecoder(rc, f.Blob.ID, r), rc}, f.Blob, nil
}

// tempPrefix starts the names of what is being written.
const tempPrefix = ".moot-"

// fetch writes a file: with take if that can, else under a temporary name in the same
// directory, fsynced and then renamed. ready is called right before the rename and can
// refuse it. take and ready may be nil.
func (fs *Files) fetch(ctx context.Context, f File, count func(int), take Fetcher, ready func(os.FileInfo) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(f.Path), tempPrefix)
	if err != nil {
		return osError(err) // before anything is downloaded
	}
	defer os.Remove(tmp.Name())
	if take != nil {
		f.Mode = orDefault(f.Mode)
		if done, err := take.Fetch(ctx, f, count); err != nil || done {
			tmp.Close()
			return err
		}
		count = func(int) {} // what remains is to copy what is here
	}
	err = fs.copyBlob(ctx, f.Blob.ID, tmp, count)
	if err == nil {
		err = osError(errors.Join(tmp.Chmod(orDefault(f.Mode)), tmp.Sync()))
	}
	if err = errors.Join(err, osError(tmp.Close())); err != nil {
		return firstKind(err)
	}
	return osError(install(tmp.Name(), f, ready))
}

// install gives what was written its time and its name.
func install(tmp string, f File, ready func(os.FileInfo) error) error {
	if !f.ModTime.IsZero() {
		if err := os.Chtimes(tmp, f.ModTime, f.ModTime); err != nil {
			return err
		}
	}
	if ready != nil {
		info, err := os.Stat(tmp) // before others can change it
		if err == nil {
			err = ready(info)
		}
		if err != nil {
			return err
		}
	}
	if err := os.Rename(tmp, f.Path); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(f.Path))
}

func orDefault(mode os.FileMode) os.FileMode {
	if mode.Perm() == 0 {
		return 0o644
	}
	return mode.Perm()
}

// firstKind undoes a join of one error, so that its kind is seen.
func firstKind(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) == 1 {
		return joined.Unwrap()[0]
	}
	return err
}

// copyBlob writes a whole blob, verified.
func (fs *Files) copyBlob(ctx context.Context, id moot.BlobID, w io.Writer, count func(int)) error {
	rc, err := fs.node.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.CopyBuffer(counted{w, count}, plain{blob.NewDecoder(rc, id, moot.Whole)}, make([]byte, 256<<10))
	if err == nil {
		_, _ = rc.Read(make([]byte, 1)) // the end of the slice: by then the node holds the blob, durably
	}
	return osError(err)
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
