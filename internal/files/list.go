package files

import (
	"context"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// look reads the tree for a caller.
func (fs *Files) look(ctx context.Context, read func(*tree.Tree) error) error {
	if err := fs.o.Fresh(ctx); err != nil {
		return err
	}
	return fs.o.Index.View(ctx, read)
}

// List returns all files and links whose names start with prefix, by name. A frozen folder
// is one of them; its content is listed if the prefix leads into it.
func (fs *Files) List(ctx context.Context, prefix string) ([]File, error) {
	list := []File{}
	dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
	var in inside
	err := fs.look(ctx, func(t *tree.Tree) error {
		in = fs.frozenAt(t, trimmed(dir))
		list = fs.leaves(t, trimmed(dir))
		return nil
	})
	if err == nil && in.list.ID != (moot.BlobID{}) {
		list, err = fs.below(ctx, in)
	}
	return matching(list, func(f File) bool { return strings.HasPrefix(f.Name, prefix) }), err
}

// leaves returns all files and links below a folder.
func (fs *Files) leaves(t *tree.Tree, dir string) []File {
	list := []File{}
	for name, s := range t.Walk(dir) {
		if s.Type != tree.Folder {
			list = append(list, fs.of(name, s))
		}
	}
	return list
}

func matching(list []File, wanted func(File) bool) []File {
	found := []File{}
	for _, f := range list {
		if wanted(f) {
			found = append(found, f)
		}
	}
	return found
}

// ReadDir returns what is in a folder, by name; "" is the root. Folders have the sums of
// what is below them. Kinds: NotFound, Invalid if it is no folder.
func (fs *Files) ReadDir(ctx context.Context, name string) ([]File, error) {
	name = trimmed(name)
	list := []File{}
	var in inside
	err := fs.look(ctx, func(t *tree.Tree) error {
		s, ok := t.Lookup(name)
		if in = fs.frozenAt(t, name); in.list.ID != (moot.BlobID{}) {
			return nil
		}
		switch {
		case !ok:
			return errNoSuch(name)
		case s.Type != tree.Folder:
			return moot.Errorf(moot.Invalid, "%q is no folder", name)
		}
		base := ""
		if name != "" {
			base = exactPath(t, name, s)
		}
		for at, s := range t.Walk(base) {
			list = summed(list, base, fs.of(at, s))
		}
		return nil
	})
	if err != nil || in.list.ID == (moot.BlobID{}) {
		return list, err
	}
	all, err := fs.below(ctx, in)
	for _, f := range all {
		list = summed(list, in.name, f)
	}
	if err == nil && len(all) == 0 && in.below != "" {
		var empty inside
		if empty, err = fs.member(ctx, in); err == nil && !empty.Folder {
			err = moot.Errorf(moot.Invalid, "%q is no folder", name)
		}
	}
	return list, err
}

// summed adds to the rows of a folder what is next below it: a row of its own, or a part of
// the last one.
func summed(list []File, dir string, f File) []File {
	rel := f.Name
	if dir != "" {
		rel = strings.TrimPrefix(f.Name, dir+"/")
	}
	first, _, deeper := strings.Cut(rel, "/")
	if !deeper {
		return append(list, f)
	}
	if name := strings.TrimSuffix(f.Name, rel) + first; len(list) == 0 || list[len(list)-1].Name != name {
		list = append(list, File{Name: name, Folder: true, Mode: 0o755})
	}
	last := &list[len(list)-1]
	last.Content = plus(last.Content, f.Content)
	if !f.Folder || f.Frozen {
		last.Files++
	}
	return list
}

// sum fills in what is below a folder.
func sum(t *tree.Tree, f *File) {
	f.Content, f.Files = 0, 0
	for _, s := range t.Walk(f.Name) {
		switch {
		case s.Manifest:
			f.Content, f.Files = plus(f.Content, s.Total), f.Files+1
		case s.Type != tree.Folder:
			f.Content, f.Files = plus(f.Content, s.Blob.Size), f.Files+1
		}
	}
}

// Find returns what has names that contain all words, in any case, also in frozen folders
// whose lists are held here.
func (fs *Files) Find(ctx context.Context, words string) ([]File, error) {
	wanted := strings.Fields(strings.ToLower(words))
	contains := func(f File) bool {
		name := strings.ToLower(f.Name)
		for _, w := range wanted {
			if !strings.Contains(name, w) {
				return false
			}
		}
		return true
	}
	found := []File{}
	var frozen []File
	err := fs.look(ctx, func(t *tree.Tree) error {
		for name, s := range t.Walk("") {
			f := fs.of(name, s)
			if f.Frozen {
				frozen = append(frozen, f)
			}
			if contains(f) {
				found = append(found, f)
			}
		}
		return nil
	})
	for _, f := range frozen {
		if err != nil {
			break
		}
		if h, held := fs.o.Local.Have(ctx, f.Blob.ID); held == nil && h.Complete() {
			var all []File
			all, err = fs.below(ctx, inside{File: f, name: f.Name, list: f.Blob})
			found = append(found, matching(all, contains)...)
		}
	}
	return found, err
}

// History returns all versions of a name, the newest first. Kind NotFound if there never
// was one.
func (fs *Files) History(ctx context.Context, name string) ([]File, error) {
	name = trimmed(name)
	if err := CheckName(name); err != nil {
		return nil, err
	}
	var list []File
	err := fs.look(ctx, func(t *tree.Tree) error {
		for _, s := range t.History(name) {
			of, known := t.Stated(s.Version)
			f := fs.version(name, of.Item, s)
			if !known {
				f.Item = "" // a removal
			} else if i, ok := t.Item(of.Item); ok && i.Birth.Type == tree.Folder {
				f.Folder = true
			}
			list = append(list, f)
		}
		if len(list) == 0 {
			return errNoSuch(name)
		}
		return nil
	})
	return list, err
}

// Conflicts returns all versions of the names that have several.
func (fs *Files) Conflicts(ctx context.Context) (conflicts []File, err error) {
	err = fs.look(ctx, func(t *tree.Tree) error {
		for name, all := range t.Conflicts() {
			for _, v := range all {
				f := fs.version(name, v.Item, v.Stated)
				f.Conflict = true
				conflicts = append(conflicts, f)
			}
		}
		return nil
	})
	return conflicts, err
}
