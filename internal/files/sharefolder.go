package files

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// shareFolder puts a folder's content into the one that has its name in the space.
func (fs *Files) shareFolder(ctx context.Context, root string, f File, o ShareOptions) (done Result, err error) {
	if o.InPlace && fs.o.Linker == nil {
		return Result{File: f}, errNotInPlace()
	}
	total, err := contentOf(root, o.Progress != nil)
	if err != nil {
		return Result{File: f}, err
	}
	c := &collector{files: fs, name: f.Name, inPlace: o.InPlace, count: counter(o.Progress, total)}
	if err := c.collect(ctx, root); err != nil {
		return Result{File: f}, err
	}
	f.Content, f.Files = 0, 0
	for _, one := range c.found {
		if !one.Folder {
			f.Content, f.Files = f.Content+one.Content, f.Files+1
		}
	}
	done = Result{File: f, Skipped: c.skipped}
	if err := fs.o.Fresh(ctx); err != nil {
		return done, err
	}
	if err := fs.thaw(ctx, f.Name); err != nil {
		return done, err
	}
	done.File, err = fs.mergeFolder(ctx, f, c.found, o.Force)
	return done, err
}

// thaw makes way for a folder where there is a frozen one.
func (fs *Files) thaw(ctx context.Context, name string) error {
	_, err := fs.edit(ctx, moot.Swap, func(t *tree.Tree, e *tree.Edit) error {
		if s, ok := at(t, name); ok && s.Manifest && !s.Conflict {
			return e.RemoveAll(name)
		}
		return nil
	})
	return err
}

// mergeFolder states what was found of a folder, but for what is the same in the space.
func (fs *Files) mergeFolder(ctx context.Context, f File, found []*File, force bool) (File, error) {
	var item tree.ID
	var old tree.Shown
	known := false
	done, err := fs.edit(ctx, mode(force), func(t *tree.Tree, e *tree.Edit) (err error) {
		if old, known = at(t, f.Name); known && old.Type == tree.Folder && old.Mode != f.Mode {
			e.Chmod(old.Item, f.Mode)
		}
		if item, err = e.Folder(f.Name, f.content(), f.Mode); err != nil {
			return err
		}
		for _, one := range found {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fs.mergeOne(t, e, one, known); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	if known {
		before := fs.of(f.Name, old)
		f.Item, f.By, f.Author, f.Time, f.Version = before.Item, before.By, before.Author, before.Time, before.Version
	}
	return fs.stated(f, item, done), nil
}

// mergeOne states one file, folder or link; known says that its folder may have it already.
func (fs *Files) mergeOne(t *tree.Tree, e *tree.Edit, f *File, known bool) error {
	if known {
		if s, ok := at(t, f.Name); ok {
			old := fs.of(f.Name, s)
			switch {
			case !old.Conflict && !f.Folder && same(old, *f, f.Link == ""):
				return nil
			case f.Folder && s.Type == tree.Folder:
				if s.Mode != f.Mode {
					e.Chmod(s.Item, f.Mode)
				}
				return nil
			}
		}
	}
	if f.Folder {
		_, err := e.Folder(f.Name, f.content(), f.Mode)
		return err
	}
	_, err := put(t, e, *f)
	return err
}
