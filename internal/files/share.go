package files

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Progress receives how many of how many bytes are done.
type Progress func(done, total int64)

// ShareOptions shape how something is shared.
type ShareOptions struct {
	As       string   // the name; "" is the path's last part
	InPlace  bool     // refer to the file instead of copying it
	Force    bool     // also if the name was changed elsewhere meanwhile
	Bare     bool     // of a folder: without times and permissions, so that equal contents have equal IDs
	Progress Progress // may be nil
}

// Share puts a file or folder under a name. The bytes are durable before the name is
// given. A folder goes into one that exists: files of the same name are superseded, equal
// ones stay as they are. Kinds: NotFound, Invalid, Conflict, Full, Unavailable.
func (fs *Files) Share(ctx context.Context, path string, o ShareOptions) (Result, error) {
	f, err := fs.share(ctx, path, o)
	return f, moot.Wrap("share "+path, err)
}

func (fs *Files) share(ctx context.Context, path string, o ShareOptions) (done Result, err error) {
	if done.File, err = describe(path, o.As); err != nil {
		return done, err
	}
	if done.Folder {
		return fs.shareFolder(ctx, path, done.File, o)
	}
	if err := fs.storeFile(ctx, path, &done.File, o); err != nil {
		return done, err
	}
	if err := fs.o.Fresh(ctx); err != nil {
		return done, err
	}
	done.File, err = fs.supersede(ctx, done.File, o.Force, true)
	return done, err
}

// Store stores a file or folder in the node, without a name in the space; a folder as a
// frozen one.
func (fs *Files) Store(ctx context.Context, path string, o ShareOptions) (done Result, err error) {
	if done.File, err = describe(path, o.As); err == nil && done.Folder {
		done.Frozen = true
		done.Skipped, err = fs.storeFolder(ctx, path, &done.File, o)
	} else if err == nil {
		err = fs.storeFile(ctx, path, &done.File, o)
	}
	return done, moot.Wrap("store "+path, err)
}

// describe returns the attributes of what is to be shared.
func describe(path, as string) (File, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return File{}, osError(err)
	}
	info, err := os.Stat(abs)
	if err != nil {
		return File{}, osError(err)
	}
	f := File{Name: as, Mode: info.Mode().Perm(), ModTime: info.ModTime().UTC(), Folder: info.IsDir(), Content: info.Size()}
	if f.Name == "" {
		f.Name = filepath.Base(abs)
	}
	if !f.Folder && !info.Mode().IsRegular() {
		return f, moot.Errorf(moot.Invalid, "it is neither a file nor a folder")
	}
	return f, CheckName(f.Name)
}

// storeFile stores a file's bytes in the node.
func (fs *Files) storeFile(ctx context.Context, path string, f *File, o ShareOptions) (err error) {
	switch {
	case o.InPlace && fs.o.Linker == nil:
		return errNotInPlace()
	case o.InPlace:
		f.Blob, err = fs.o.Linker.Link(ctx, path)
	default:
		f.Blob, err = fs.putFile(ctx, path, counter(o.Progress, f.Content))
	}
	f.Content = f.Blob.Size
	return err
}

func errNotInPlace() error {
	return moot.WithHint(moot.Errorf(moot.Invalid, "a server keeps its own copies: only peers can share files in place"), moot.HintCopy)
}

// putFile stores a file's bytes.
func (fs *Files) putFile(ctx context.Context, path string, count func(int)) (moot.Blob, error) {
	in, err := os.Open(path)
	if err != nil {
		return moot.Blob{}, osError(err)
	}
	defer in.Close()
	return fs.node.Put(ctx, counting{in, count})
}

// counting reports the bytes that are read through it.
type counting struct {
	io.Reader
	count func(int)
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.count(n)
	return n, err
}

// counter adds up bytes for a Progress. Several may count at once.
func counter(p Progress, total int64) func(int) {
	var mu sync.Mutex
	var done int64
	return func(n int) {
		mu.Lock()
		defer mu.Unlock()
		done += int64(n)
		if p != nil && n > 0 {
			p(done, total)
		}
	}
}

// osError gives an error of the operating system its kind.
func osError(err error) error {
	switch {
	case err == nil:
		return nil
	case moot.KindOf(err) != moot.Internal:
		return err
	case durable.IsFull(err):
		return moot.Errorf(moot.Full, "no space is left: %w", err)
	case os.IsNotExist(err):
		return moot.Errorf(moot.NotFound, "%w", err)
	case os.IsPermission(err):
		return moot.Errorf(moot.Denied, "%w", err)
	}
	return moot.Errorf(moot.Internal, "%w", err)
}
