package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/tree"
)

// listed is what a folder shows under one path.
type listed struct {
	kind   fs.FileMode // type bits; 0: a file
	blob   moot.Blob
	target string // of a link
}

// listing returns what is below a folder and can be written on this machine, by path.
func (fs *Files) listing(ctx context.Context, in inside) (map[string]listed, error) {
	all, frozen := map[string]listed{}, map[string]inside{}
	if in.list.ID != (moot.BlobID{}) {
		frozen["."] = in
	} else if err := fs.o.Index.View(ctx, func(t *tree.Tree) error {
		for name, s := range t.Walk(in.Name) {
			rel, _ := relative(name, in.Name)
			all[rel] = listed{kindOf(s), s.Blob, s.Target}
			if s.Manifest {
				f := fs.of(name, s)
				frozen[rel] = inside{File: f, name: f.Name, list: f.Blob}
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for at, one := range frozen {
		if err := fs.each(ctx, one, func(rel string, r record) bool {
			if rel != "" {
				all[path.Join(at, rel)] = r.listed()
			}
			return true
		}); err != nil {
			return nil, err
		}
	}
	for rel := range all {
		if localName(rel) != nil {
			delete(all, rel)
		}
	}
	return all, nil
}

func kindOf(s tree.Shown) fs.FileMode {
	switch {
	case s.Type == tree.Folder || s.Manifest:
		return fs.ModeDir
	case s.Type == tree.Link:
		return fs.ModeSymlink
	}
	return 0
}

func (r record) listed() listed {
	switch r.Kind {
	case kindFolder:
		return listed{kind: fs.ModeDir}
	case kindSymlink:
		return listed{kind: fs.ModeSymlink, target: r.Target}
	}
	return listed{blob: moot.Blob{ID: moot.BlobID(r.ID), Size: r.Size}}
}

// sameNames reports whether a directory has the names that are directly in a folder, and
// no others.
func sameNames(dir string, all map[string]listed) bool {
	names, err := os.ReadDir(dir)
	n := 0
	for _, one := range names {
		if strings.HasPrefix(one.Name(), tempPrefix) {
			continue
		}
		n++
		if _, there := all[one.Name()]; !there {
			return false
		}
	}
	for rel := range all {
		if !strings.Contains(rel, "/") {
			n--
		}
	}
	return err == nil && n == 0
}

// holds reports whether a directory has all that is in a folder, with the same bytes, and
// nothing else.
func holds(ctx context.Context, dir string, all map[string]listed) (bool, error) {
	n := 0
	err := filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || at == dir {
			return err
		}
		rel, err := filepath.Rel(dir, at)
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(rel, tempPrefix) && e.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(rel, tempPrefix):
			return nil
		}
		want, known := all[filepath.ToSlash(rel)]
		n++
		if !known || e.Type() != want.kind {
			return errOther
		}
		return want.compare(ctx, at)
	})
	if errors.Is(err, errOther) {
		return false, nil
	}
	return err == nil && n == len(all), osError(err)
}

// errOther: something on the disk is not what the folder has.
var errOther = moot.Errorf(moot.Conflict, "it has other content")

// compare returns errOther if a file or link has other content.
func (l listed) compare(ctx context.Context, at string) error {
	switch l.kind {
	case fs.ModeSymlink:
		if to, err := os.Readlink(at); err != nil || filepath.ToSlash(to) != l.target {
			return errOther
		}
	case 0:
		f, err := os.Open(at)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.Size() != l.blob.Size {
			return errOther
		}
		if b, err := blob.Hash(ended{ctx, f}); err != nil || b != l.blob {
			return firstOf(err, errOther)
		}
	}
	return nil
}

// ended reads until a context ends.
type ended struct {
	ctx context.Context //nolint:containedctx // of one file
	in  io.Reader
}

func (e ended) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.in.Read(p)
}
