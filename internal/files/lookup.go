package files

import (
	"context"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// Lookup returns what a name stands for; the file with a blob's ID, or a version; or the one
// of these whose ID begins so. A whole ID goes first: a name that looks like one must not
// stand for other bytes. Kind NotFound.
func (fs *Files) Lookup(ctx context.Context, name string) (File, error) {
	in, err := fs.find(ctx, name)
	return in.File, err
}

// find is Lookup that also tells where the bytes are.
func (fs *Files) find(ctx context.Context, name string) (inside, error) {
	id, notID := moot.ParseBlobID(name)
	var unknown error
	if notID == nil {
		f, err := fs.byID(ctx, id)
		if err == nil || moot.KindOf(err) != moot.NotFound {
			return inside{File: f, list: f.frozenList()}, err
		}
		unknown = err
	}
	in, err := fs.byName(ctx, trimmed(name))
	switch {
	case moot.KindOf(err) != moot.NotFound && moot.KindOf(err) != moot.Invalid:
		return in, err
	case unknown != nil:
		return in, unknown
	case !isPrefix(name):
		return in, err
	}
	f, err := fs.byPrefix(ctx, name)
	return inside{File: f, list: f.frozenList()}, err
}

// frozenList is the blob that lists a frozen folder; else zero.
func (f *File) frozenList() moot.Blob {
	if f.Frozen {
		return f.Blob
	}
	return moot.Blob{}
}

func (fs *Files) byName(ctx context.Context, name string) (in inside, err error) {
	if err := CheckName(name); err != nil {
		return in, err
	}
	err = fs.look(ctx, func(t *tree.Tree) error {
		if in = fs.frozenAt(t, name); in.list.ID != (moot.BlobID{}) {
			return nil
		}
		s, ok := t.Lookup(name)
		if !ok {
			return errNoSuch(name)
		}
		in.File = fs.of(exactPath(t, name, s), s)
		if in.Folder {
			sum(t, &in.File)
		}
		return nil
	})
	if err != nil || in.list.ID == (moot.BlobID{}) || in.below == "" {
		return in, err
	}
	return fs.member(ctx, in)
}

// minPrefix is the length of the shortest beginning of an ID, in hexadecimal digits, that
// is taken for one.
const minPrefix = 6

func isPrefix(name string) bool {
	return len(name) >= minPrefix && len(name) <= 64 && strings.Trim(name, "0123456789abcdefABCDEF") == ""
}

// byPrefix returns a version, old or current, of the one blob whose ID begins so, or the one
// version whose own ID does.
func (fs *Files) byPrefix(ctx context.Context, prefix string) (found File, err error) {
	prefix = strings.ToLower(prefix)
	err = fs.o.Index.View(ctx, func(t *tree.Tree) error {
		blobs := t.Find(prefix)
		versions := versionsBy(t, prefix)
		switch {
		case len(blobs)+len(versions) == 0:
			return errNoSuch(prefix)
		case len(blobs)+len(versions) > 1:
			return moot.Errorf(moot.Invalid, "the IDs of several files or versions begin with %s", prefix)
		}
		found = fs.found(t, append(blobs, versions...)[0])
		return nil
	})
	return found, err
}

// versionsBy returns the versions whose IDs begin so.
func versionsBy(t *tree.Tree, prefix string) (found []tree.Found) {
	for v := range t.Versions() {
		if strings.HasPrefix(versionID(v.Version).String(), prefix) {
			found = append(found, v)
		}
	}
	return found
}

// found returns a version under the name that its item has, or had last.
func (fs *Files) found(t *tree.Tree, v tree.Found) File {
	name, ok := t.Path(v.Item)
	if i, known := t.Item(v.Item); !ok && known {
		name = i.Name
	}
	f := fs.version(name, v.Item, v.Stated)
	if i, known := t.Item(v.Item); known {
		f.Folder = f.Folder || i.Birth.Type == tree.Folder
		f.Conflict = len(i.Versions) > 1
	}
	return f
}

// byID returns a version, old or current, that has the blob, or that has this ID; else the
// bare blob.
func (fs *Files) byID(ctx context.Context, id moot.BlobID) (f File, err error) {
	known := false
	err = fs.look(ctx, func(t *tree.Tree) error {
		found := t.Find(id.String())
		if len(found) == 0 {
			found = versionsBy(t, id.String())
		}
		if known = len(found) > 0; known {
			f = fs.found(t, found[0])
		}
		return nil
	})
	if err != nil || known {
		return f, err
	}
	h, err := fs.node.Have(ctx, id)
	if err != nil {
		return File{}, err
	}
	return File{Name: id.String(), Blob: moot.Blob{ID: id, Size: h.Size}, Content: h.Size, Mode: 0o644}, nil
}
