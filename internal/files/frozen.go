package files

import (
	"context"
	"os"
	"path"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/tree"
)

// inside is something that has a name, and where its bytes are if that is in a frozen folder.
type inside struct {
	File
	name  string      // of the frozen folder and what is in it, as far as it is asked for
	list  moot.Blob   // lists the frozen folder; zero: it is none, and lies in none
	below string      // path in the frozen folder; "" for all of it
	pack  moot.BlobID // the blob that contains the bytes from offset on; zero: they are a blob
	start int64
}

// frozenAt returns the frozen folder that a path leads to or into; a zero one if it does not.
func (fs *Files) frozenAt(t *tree.Tree, name string) inside {
	for end := 0; end < len(name); end++ {
		if end += strings.IndexByte(name[end:]+"/", '/'); end == 0 {
			continue
		}
		s, ok := t.Lookup(name[:end])
		if !ok {
			break
		}
		if s.Manifest {
			f := fs.of(exactPath(t, name[:end], s), s)
			below := strings.TrimPrefix(name[end:], "/")
			return inside{File: f, name: path.Join(f.Name, below), list: f.Blob, below: below}
		}
	}
	return inside{}
}

// each calls do for every record of a frozen folder that lies below a path, or is it, until
// do returns false.
func (fs *Files) each(ctx context.Context, in inside, do func(rel string, r record) bool) error {
	list, err := fs.manifest(ctx, in.list)
	if err != nil {
		return err
	}
	defer list.Close()
	for r, err := range records(list) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		rel, ok := relative(r.Path, in.below)
		if ok && !do(rel, r) {
			return nil
		}
	}
	return nil
}

// relative returns a path relative to a folder; "" for the folder itself.
func relative(name, dir string) (rel string, ok bool) {
	switch {
	case dir == "":
		return name, true
	case name == dir:
		return "", true
	}
	return strings.CutPrefix(name, dir+"/")
}

// below returns what is in a frozen folder below a path.
func (fs *Files) below(ctx context.Context, in inside) ([]File, error) {
	list := []File{}
	err := fs.each(ctx, in, func(rel string, r record) bool {
		if rel != "" {
			list = append(list, in.file(path.Join(in.name, rel), r))
		}
		return true
	})
	return list, err
}

// file returns what a record describes; who made it is who made the folder.
func (in inside) file(name string, r record) File {
	f := File{
		Name: name, Mode: os.FileMode(r.Mode).Perm(), By: in.By, Author: in.Author, Time: in.Time, Version: in.Version,
		Folder: r.Kind == kindFolder, Link: r.Target,
	}
	if r.ModTime != 0 {
		f.ModTime = time.Unix(0, r.ModTime).UTC()
	}
	if r.Kind == kindFile {
		f.Blob = moot.Blob{ID: moot.BlobID(r.ID), Size: r.Size}
		f.Content = r.Size
	}
	return f
}

// member returns what lies in a frozen folder at a path. Kind NotFound.
func (fs *Files) member(ctx context.Context, in inside) (inside, error) {
	found := inside{File: File{Name: in.name, Folder: true, Mode: 0o755}, name: in.name, list: in.list, below: in.below}
	known := false
	err := fs.each(ctx, in, func(rel string, r record) bool {
		known = true
		switch f := in.file(in.name, r); {
		case rel == "" && f.Folder:
			found.File = f
		case rel == "":
			found.File, found.list, found.start = f, moot.Blob{}, r.Offset
			if r.Pack != nil {
				found.pack = moot.BlobID(r.Pack)
			}
			return false
		case !f.Folder:
			found.Files++
			found.Content += f.Content
		}
		return true
	})
	if err == nil && !known {
		err = errNoSuch(in.name)
	}
	return found, err
}

// open opens a range of a file's bytes.
func (fs *Files) open(ctx context.Context, in inside, r moot.Range) (reader, error) {
	r = r.In(in.Blob.Size)
	id := in.Blob.ID
	if in.pack != (moot.BlobID{}) {
		id, r.Offset = in.pack, r.Offset+in.start
	}
	rc, err := fs.node.Get(ctx, id, r)
	if err != nil {
		return reader{}, err
	}
	return reader{blob.NewDecoder(rc, id, r), rc}, nil
}
