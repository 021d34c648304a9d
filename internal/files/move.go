package files

import (
	"context"
	"path"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// MoveOptions shape a Move.
type MoveOptions struct {
	Force bool // also onto names that exist: their versions are superseded
}

// Move gives a file or folder another name; one that ends in a slash names the folder into
// which it goes. Kinds: NotFound, Invalid, and Conflict if the new name exists, the old one
// has several versions, or either changes meanwhile.
func (fs *Files) Move(ctx context.Context, from, to string, o MoveOptions) (File, error) {
	from = trimmed(from)
	if strings.HasSuffix(to, "/") {
		to = path.Join(to, path.Base(from))
	}
	f, err := fs.move(ctx, from, to, o)
	return f, moot.Wrap("move "+from, err)
}

func (fs *Files) move(ctx context.Context, from, to string, o MoveOptions) (File, error) {
	for _, name := range []string{from, to} {
		if err := CheckName(name); err != nil {
			return File{}, err
		}
	}
	if from == to {
		return File{}, moot.Errorf(moot.Invalid, "%q is its name already", to)
	}
	if err := fs.o.Fresh(ctx); err != nil {
		return File{}, err
	}
	var f File
	done, err := fs.edit(ctx, mode(o.Force), func(t *tree.Tree, e *tree.Edit) error {
		s, ok := t.Lookup(from)
		if !ok {
			return fs.noSuch(t, from)
		}
		old := exactPath(t, from, s)
		if s.Conflict && s.Type != tree.Folder {
			return moot.WithHint(moot.Errorf(moot.Conflict, "%q has several versions in force", old), moot.HintResolve)
		}
		if strings.HasPrefix(to, old+"/") && s.Type == tree.Folder {
			return moot.Errorf(moot.Invalid, "%q lies inside of %q", to, old)
		}
		f = fs.of(old, s)
		if f.Folder && !f.Frozen {
			sum(t, &f)
		}
		f.Name = to
		if err := giveWay(t, e, s, old, to, o); err != nil {
			return err
		}
		dir, base := path.Split(to)
		parent, err := e.Folder(trimmed(dir), tree.Content{}, 0)
		if err != nil {
			return err
		}
		items := s.Folders
		if s.Type != tree.Folder {
			items = sameItems(t, s)
		}
		return e.Move(items, parent, base)
	})
	if err != nil {
		return File{}, err
	}
	for i, op := range done.ops {
		if op.Kind == tree.Move {
			version := f.Version
			f = fs.statedBy(f, op.Item, done, i)
			f.Version = version
			break
		}
	}
	return f, nil
}

// sameItems returns the items that are shown as one because their content is equal.
func sameItems(t *tree.Tree, s tree.Shown) []tree.ID {
	items := []tree.ID{s.Item}
	seen := map[tree.ID]bool{s.Item: true}
	for _, v := range s.Same {
		if other, ok := t.Stated(v); ok && !seen[other.Item] {
			seen[other.Item] = true
			items = append(items, other.Item)
		}
	}
	return items
}

// giveWay ends what has a name already, if that is meant; folders become one.
func giveWay(t *tree.Tree, e *tree.Edit, s tree.Shown, from, to string, o MoveOptions) error {
	there, ok := at(t, to)
	if !ok || there.Item == s.Item {
		return nil
	}
	switch {
	case !o.Force:
		return errTaken(to)
	case (there.Type == tree.Folder) != (s.Type == tree.Folder):
		return moot.Errorf(moot.Conflict, "of %q and %q one is a folder, the other none", from, to)
	case there.Type != tree.Folder:
		return e.RemoveAll(to)
	}
	for name, moved := range t.Walk(from) {
		target := to + strings.TrimPrefix(name, from)
		old, ok := at(t, target)
		if !ok || moved.Type == tree.Folder && old.Type == tree.Folder {
			continue
		}
		if moved.Type == tree.Folder || old.Type == tree.Folder {
			return moot.Errorf(moot.Conflict, "of %q and %q one is a folder, the other none", name, target)
		}
		if err := e.RemoveAll(target); err != nil {
			return err
		}
	}
	return nil
}

func errTaken(name string) error {
	return moot.WithHint(moot.Errorf(moot.Conflict, "there is a %q already", name), moot.HintForce)
}
