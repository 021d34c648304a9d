package files

import (
	"encoding/binary"
	"encoding/hex"
	"path"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/tree"
)

// versionID names a version: by its entry's ID if it is the first operation in it, else by
// the BLAKE3 hash of that ID and the operation's index.
func versionID(v tree.Version) VersionID {
	if v.Op == 0 {
		return VersionID(v.Entry)
	}
	return VersionID(blob.IDOf(binary.BigEndian.AppendUint32(v.Entry[:], v.Op)))
}

// of returns what is shown under a name.
func (fs *Files) of(name string, s tree.Shown) File {
	f := fs.version(name, s.Item, s.Stated)
	f.Mode, f.Conflict, f.Copy = s.Mode, s.Conflict, s.Copy
	f.Folder = f.Folder || s.Type == tree.Folder
	return f
}

// version returns a version of an item as a file.
func (fs *Files) version(name string, item tree.ID, s tree.Stated) File {
	f := File{Name: name, Item: hex.EncodeToString(item[:]), Mode: s.Mode, Deleted: s.Removed}
	f.setContent(s.Content)
	if s.Version != (tree.Version{}) {
		f.Version, f.Time = versionID(s.Version), s.Time
		f.Author = s.Author
		if by, known := fs.o.Member(s.Author); known {
			f.By = by
		}
	}
	return f
}

func (f *File) setContent(c tree.Content) {
	f.Blob, f.Content, f.Link, f.ModTime = c.Blob, c.Blob.Size, c.Target, c.ModTime
	if c.Manifest {
		f.Folder, f.Frozen, f.Content = true, true, c.Total
	}
}

// content is the reverse of setContent.
func (f *File) content() tree.Content {
	c := tree.Content{Blob: f.Blob, Manifest: f.Frozen, Target: f.Link, ModTime: f.ModTime}
	if f.Frozen {
		c.Total = f.Content
	}
	return c
}

// kind is the type of the item that a file is a version of.
func (f *File) kind() tree.Type {
	switch {
	case f.Link != "":
		return tree.Link
	case f.Folder && !f.Frozen:
		return tree.Folder
	}
	return tree.File
}

// exactPath returns the path of what was found under a path whose names may be spelled in
// another way.
func exactPath(t *tree.Tree, name string, s tree.Shown) string {
	dir := path.Dir(name)
	if dir == "." {
		return s.Name
	}
	if up, ok := t.Lookup(dir); ok {
		if at, ok := t.Path(up.Item); ok {
			return path.Join(at, s.Name)
		}
	}
	return path.Join(dir, s.Name)
}

// at returns what has exactly this name.
func at(t *tree.Tree, name string) (tree.Shown, bool) {
	s, ok := t.Lookup(name)
	return s, ok && exactPath(t, name, s) == name
}

// rivals returns the versions in force of a name that has several, with their items.
func rivals(t *tree.Tree, name string, s tree.Shown) []tree.Found {
	if !s.Conflict {
		return nil
	}
	for at, all := range t.Conflicts() {
		if at == name {
			return all
		}
	}
	return nil
}

// trimmed is a name without the slash that tells a folder.
func trimmed(name string) string { return strings.TrimSuffix(name, "/") }

func errNoSuch(name string) error {
	return moot.WithHint(moot.Errorf(moot.NotFound, "there is no %q in this space", name), moot.HintListFiles)
}
