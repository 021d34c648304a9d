package folders

import (
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// removals removes what the space shows no more, the deepest first.
func (x *applier) removals(p plan) {
	list := slices.Clone(p.stale)
	sortByPath(list)
	for _, n := range slices.Backward(list) {
		if x.ctx.Err() != nil {
			return
		}
		if n.parent.children[n.name] != n {
			continue // went with its folder
		}
		if !x.removeTree(n) {
			x.later = true
		}
	}
}

// removeTree removes a node and what is below it, unless something there was changed here
// or is not sent yet.
func (x *applier) removeTree(n *node) bool {
	if x.ignored(n.path(), n.kind == tree.Folder) { // it stays, and is not ours any more
		n.each(x.unnotice)
		x.local.remove(n)
		return true
	}
	for _, c := range n.children {
		if !x.removeTree(c) {
			return false
		}
	}
	at := n.path()
	if n.pending() {
		if n.gone || n.Stat.Inode == 0 && n.seen == nil {
			x.unnotice(n)
			x.local.remove(n)
			return true
		}
		return false
	}
	err := x.permitted(func() error {
		if n.kind == tree.Folder {
			return x.removeFolder(at)
		}
		return x.removeFile(n, at)
	}, n.parent)
	if err != nil && moot.KindOf(err) != moot.NotFound {
		x.couldNot(at, err)
		return false
	}
	x.changed(at)
	x.local.remove(n)
	x.forgive(at)
	x.report(Event{What: "removed", Path: at})
	return true
}

// removeFile takes a file out of the way, and removes it if it is what it was.
func (x *applier) removeFile(n *node, at string) error {
	s, err := x.dir.Stat(at)
	if err != nil {
		return err
	}
	if !n.Stat.Unchanged(s) {
		return moot.Errorf(moot.Conflict, "%s was changed here meanwhile", at)
	}
	aside := x.asideName(n, 0)
	if err := x.dir.Place(at, aside); err != nil {
		return err
	}
	if s, err := x.dir.Stat(aside); err != nil || !sameContent(n.Stat, s) {
		x.giveBack(aside, at)
		return moot.Errorf(moot.Conflict, "%s was changed here meanwhile", at)
	}
	x.discard(n, aside)
	return nil
}

// discard leaves the removal of a file that lies aside for the end of the batch.
func (x *applier) discard(n *node, aside string) {
	x.aside = append(x.aside, Old{Blob: n.Blob, Path: aside, File: n.kind == tree.File})
}

// Old is a file that was replaced or removed on this disk.
type Old struct {
	Blob moot.Blob
	Path string // in the directory
	File bool   // else a link
}

// removeAside removes what was replaced; the store retains its bytes if the space needs them.
func (x *applier) removeAside() {
	if len(x.aside) == 0 {
		return
	}
	if err := x.space.Retain(x.ctx, x.aside, x.dir.Open); err != nil {
		x.log.Warn("old versions were not retained on this machine", "dir", x.stored.dir, "error", err)
	}
	for _, o := range x.aside {
		if err := x.dir.Remove(o.Path); err != nil {
			x.log.Debug("remove what was replaced", "error", err)
		}
	}
	x.aside = x.aside[:0]
}

func firstErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// removeFolder removes a folder, or leaves it with what patterns exclude, if only that is
// left in it.
func (x *applier) removeFolder(at string) error {
	err := x.dir.RemoveFolder(at)
	if moot.KindOf(err) == moot.Conflict && x.onlyIgnored(at) {
		return nil
	}
	return err
}
