package files

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// Remove takes a name away with all its versions; the history stays. Kinds: NotFound,
// Conflict for a folder that is not empty, or if the name changes meanwhile.
func (fs *Files) Remove(ctx context.Context, name string, o RemoveOptions) error {
	return moot.Wrap("remove "+name, fs.remove(ctx, trimmed(name), o))
}

func (fs *Files) remove(ctx context.Context, name string, o RemoveOptions) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if o.Now && fs.o.Forget == nil {
		return moot.Errorf(moot.Unavailable, "bytes cannot be given up at once here")
	}
	if err := fs.o.Fresh(ctx); err != nil {
		return err
	}
	var blobs []moot.Blob
	merge := false
	err := fs.o.Index.View(ctx, func(t *tree.Tree) error {
		s, ok := t.Lookup(name)
		merge = ok && s.Copy // the version beside which it is shown stays in force
		if o.Now && ok {
			blobs = everBelow(t, name, s)
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fs.edit(ctx, mode(merge), func(t *tree.Tree, e *tree.Edit) error {
		s, ok := t.Lookup(name)
		if !ok {
			return fs.noSuch(t, name)
		}
		exact := exactPath(t, name, s)
		if s.Type == tree.Folder && !o.Recursive && !empty(t, exact) {
			return moot.WithHint(moot.Errorf(moot.Conflict, "the folder %q is not empty", exact), moot.HintRecursive)
		}
		if s.Copy || !s.Conflict || s.Type == tree.Folder {
			return e.RemoveAll(exact)
		}
		for item, versions := range byItem(rivals(t, exact, s)) {
			e.Remove(item, versions...)
		}
		return nil
	})
	if err != nil || !o.Now {
		return err
	}
	return fs.o.Forget(ctx, blobs)
}

// noSuch tells that there is nothing of a name, and why.
func (fs *Files) noSuch(t *tree.Tree, name string) error {
	if in := fs.frozenAt(t, name); in.below != "" {
		return moot.Errorf(moot.Invalid, "%q is in a frozen folder, which changes as a whole only", name)
	}
	return errNoSuch(name)
}

func empty(t *tree.Tree, dir string) bool {
	for range t.Walk(dir) {
		return false
	}
	return true
}

func byItem(versions []tree.Found) map[tree.ID][]tree.Version {
	items := map[tree.ID][]tree.Version{}
	for _, v := range versions {
		items[v.Item] = append(items[v.Item], v.Version)
	}
	return items
}

// everBelow returns the blobs of all versions, in force or not, of a file, or of what is in
// a folder.
func everBelow(t *tree.Tree, name string, s tree.Shown) (blobs []moot.Blob) {
	add := func(name string, s tree.Shown) {
		if s.Type != tree.File {
			return
		}
		for _, v := range t.History(name) {
			if !v.Removed {
				blobs = append(blobs, v.Blob)
			}
		}
	}
	add(name, s)
	for at, s := range t.Walk(name) {
		add(at, s)
	}
	return blobs
}

// Resolve ends a conflict: of the versions in force only the one whose ID starts with
// version stays, or the current one if version is "". Kinds: NotFound, Invalid.
func (fs *Files) Resolve(ctx context.Context, name, version string) (File, error) {
	if err := CheckName(name); err != nil {
		return File{}, err
	}
	if err := fs.o.Fresh(ctx); err != nil {
		return File{}, err
	}
	var f File
	var item tree.ID
	done, err := fs.edit(ctx, moot.Swap, func(t *tree.Tree, e *tree.Edit) error {
		s, ok := t.Lookup(name)
		if !ok {
			return errNoSuch(name)
		}
		exact := exactPath(t, name, s)
		all := rivals(t, exact, s)
		if len(all) < 2 {
			return moot.WithHint(moot.Errorf(moot.Invalid, "%q has no conflict", name), moot.HintListConflicts)
		}
		chosen, err := choose(all, name, version)
		if err != nil {
			return err
		}
		item = chosen.Item
		f = fs.version(exact, item, chosen.Stated)
		for i, versions := range byItem(all) {
			if i == item {
				e.Replace(item, chosen.Content, chosen.Mode, versions...)
			} else {
				e.Remove(i, versions...)
			}
		}
		return nil
	})
	if err != nil {
		return File{}, moot.WithHint(err, moot.HintListConflicts)
	}
	return fs.stated(f, item, done), nil
}

// choose returns the one version whose ID starts with some digits, or the first.
func choose(all []tree.Found, name, digits string) (tree.Found, error) {
	if digits == "" {
		return all[0], nil
	}
	var chosen []tree.Found
	for _, v := range all {
		id, b := versionID(v.Version).String(), v.Blob.ID.String()
		if digits = strings.ToLower(digits); strings.HasPrefix(id, digits) || strings.HasPrefix(b, digits) {
			chosen = append(chosen, v)
		}
	}
	if len(chosen) != 1 {
		return tree.Found{}, moot.Errorf(moot.Invalid, "%q matches %d of the versions of %q", digits, len(chosen), name)
	}
	return chosen[0], nil
}

// Restore makes an old version current, or undoes a removal: version is the beginning of its
// ID; "" stands for what the last removal took away, of a folder all of it. Kinds: NotFound,
// Invalid.
func (fs *Files) Restore(ctx context.Context, name, version string) (File, error) {
	f, err := fs.restore(ctx, trimmed(name), version)
	return f, moot.Wrap("restore "+name, err)
}

func (fs *Files) restore(ctx context.Context, name, version string) (File, error) {
	if err := CheckName(name); err != nil {
		return File{}, err
	}
	if err := fs.o.Fresh(ctx); err != nil {
		return File{}, err
	}
	_, err := fs.edit(ctx, moot.Merge, func(t *tree.Tree, e *tree.Edit) error {
		if version != "" {
			return fs.restoreVersion(t, e, name, version)
		}
		return restoreLast(t, e, name)
	})
	if err != nil {
		return File{}, err
	}
	in, err := fs.byName(ctx, name)
	return in.File, err
}

func (fs *Files) restoreVersion(t *tree.Tree, e *tree.Edit, name, version string) error {
	var all []tree.Found
	for _, s := range t.History(name) {
		if v, ok := t.Stated(s.Version); ok && !s.Removed {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return errNoSuch(name)
	}
	chosen, err := choose(all, name, version)
	if err != nil {
		return err
	}
	f := fs.version(name, chosen.Item, chosen.Stated)
	s, ok := t.Lookup(name)
	if !ok || s.Type == tree.Folder {
		e.Replace(chosen.Item, chosen.Content, chosen.Mode)
		return nil
	}
	if f.Name = exactPath(t, name, s); s.Version == chosen.Version && !s.Conflict {
		return moot.Errorf(moot.Invalid, "it is the current version of %q", name)
	}
	_, err = put(t, e, f)
	return err
}

// removedTogether is how far apart the entries of one removal may be.
const removedTogether = 2 * time.Second

// restoreLast undoes the last removal at a name and below it.
func restoreLast(t *tree.Tree, e *tree.Edit, name string) error {
	s, ok := t.Lookup(name)
	if ok && s.Type != tree.Folder {
		return moot.Errorf(moot.Invalid, "%q has not been removed: say which version", name)
	}
	all := t.Gone(name)
	switch {
	case len(all) == 0 && ok:
		return moot.Errorf(moot.Invalid, "nothing has been removed from %q", name)
	case len(all) == 0:
		return errNoSuch(name)
	}
	last := slices.MaxFunc(all, func(a, b tree.Gone) int { return cmp.Compare(a.At, b.At) })
	for _, g := range all {
		if g.By == last.By && last.At.Wall().Sub(g.At.Wall()) <= removedTogether {
			e.Replace(g.Item, g.Content, g.Mode)
		}
	}
	return nil
}
