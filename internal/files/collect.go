package files

import (
	"context"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
)

// Limits of what is stored at once.
const (
	abreast    = 4       // large files, or batches of small ones
	batchFiles = 1000    // small files in a batch
	batchBytes = 4 << 20 // of small files in a batch
)

// collector stores what is in a directory, and describes it.
type collector struct {
	files   *Files
	name    string // of the folder in the space
	inPlace bool
	count   func(int)

	found   []*File // folders before what they contain
	skipped []Skipped

	small   [][]byte // content of small files that is to be stored
	smallOf []*File  // those files
	waiting int      // bytes in small
	storing *errgroup.Group
}

// collect stores the files below a directory, several at once.
func (c *collector) collect(ctx context.Context, dir string) error {
	root, err := filepath.EvalSymlinks(dir) // WalkDir would not enter a link
	if err != nil {
		return osError(err)
	}
	c.storing, ctx = errgroup.WithContext(ctx)
	c.storing.SetLimit(abreast)
	err = filepath.WalkDir(root, func(at string, d iofs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rel, relErr := filepath.Rel(root, at)
		if relErr != nil || rel == "." {
			return firstOf(err, relErr)
		}
		return c.examine(ctx, at, filepath.ToSlash(rel), d, err)
	})
	if err == nil {
		c.flush(ctx)
	}
	if failed := c.storing.Wait(); failed != nil {
		err = failed // what ended the walk
	}
	return osError(err)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// examine takes in one directory entry. What cannot be shared is skipped by name.
func (c *collector) examine(ctx context.Context, at, rel string, d iofs.DirEntry, err error) error {
	if err != nil {
		return c.unreadable(rel, err)
	}
	if why := c.unfit(rel, d); why != "" {
		c.skip(rel, why)
		if d.IsDir() {
			return filepath.SkipDir
		}
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return c.unreadable(rel, err)
	}
	f := &File{Name: c.name + "/" + rel, Mode: info.Mode().Perm(), ModTime: info.ModTime().UTC(), Folder: d.IsDir()}
	switch {
	case f.Folder:
	case d.Type() == iofs.ModeSymlink:
		if f.Link, err = os.Readlink(at); err == nil {
			f.Link = filepath.ToSlash(f.Link)
			f.Mode = 0
		}
	default:
		err = c.store(ctx, at, f, info.Size())
	}
	if err != nil {
		return c.unreadable(rel, err)
	}
	c.found = append(c.found, f)
	return nil
}

// unfit says why something cannot be in the space.
func (c *collector) unfit(rel string, d iofs.DirEntry) string {
	if d.IsDir() && strings.HasPrefix(d.Name(), tempPrefix) {
		return "it is what another command is writing, or has left behind"
	}
	if !utf8.ValidString(rel) {
		return "its name is not UTF-8"
	}
	if err := CheckName(c.name + "/" + rel); err != nil {
		return err.Error()
	}
	switch kind := d.Type(); {
	case kind.IsRegular(), kind.IsDir(), kind == iofs.ModeSymlink:
		return ""
	case kind&iofs.ModeNamedPipe != 0:
		return "it is a pipe"
	case kind&iofs.ModeSocket != 0:
		return "it is a socket"
	case kind&iofs.ModeDevice != 0:
		return "it is a device"
	}
	return "it is neither a file, a folder nor a link"
}

// unreadable skips what may not be read, or is there no more; other errors it returns.
func (c *collector) unreadable(rel string, err error) error {
	switch {
	case os.IsPermission(err):
		c.skip(rel, "it may not be read")
	case os.IsNotExist(err):
		c.skip(rel, "it was removed meanwhile")
	default:
		return err
	}
	return nil
}

func (c *collector) skip(rel, why string) { c.skipped = append(c.skipped, Skipped{rel, why}) }

// store stores a file's bytes: small ones with others, large ones while the walk goes on.
func (c *collector) store(ctx context.Context, path string, f *File, size int64) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	if size <= moot.MaxSmall {
		content, err := io.ReadAll(io.LimitReader(in, moot.MaxSmall+1))
		if err != nil || len(content) <= moot.MaxSmall {
			in.Close()
			if err == nil {
				c.add(ctx, f, content)
			}
			return err
		}
		if _, err := in.Seek(0, io.SeekStart); err != nil { // it has grown
			in.Close()
			return err
		}
	}
	c.storing.Go(func() (err error) {
		defer in.Close()
		if c.inPlace {
			f.Blob, err = c.files.o.Linker.Link(ctx, path)
		} else {
			f.Blob, err = c.files.node.Put(ctx, counting{in, c.count})
		}
		f.Content = f.Blob.Size
		return moot.Wrap(f.Name, err)
	})
	return nil
}

// add puts a small file into the batch.
func (c *collector) add(ctx context.Context, f *File, content []byte) {
	c.small, c.smallOf, c.waiting = append(c.small, content), append(c.smallOf, f), c.waiting+len(content)
	if len(c.small) >= batchFiles || c.waiting >= batchBytes {
		c.flush(ctx)
	}
}

// flush has the batch stored.
func (c *collector) flush(ctx context.Context) {
	small, of, bytes := c.small, c.smallOf, c.waiting
	c.small, c.smallOf, c.waiting = nil, nil, 0
	if len(small) == 0 {
		return
	}
	c.storing.Go(func() error {
		blobs, err := c.files.node.PutMany(ctx, small)
		if err != nil {
			return err
		}
		for i, b := range blobs {
			of[i].Blob, of[i].Content = b, b.Size
		}
		c.count(bytes)
		return nil
	})
}
