package folders

import (
	"context"
	"io/fs"
	"path"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// applier puts in place what the space shows: folders and moves first, then contents,
// attributes, and removals at last. It touches nothing that was changed here and not sent.
type applier struct {
	*folder
	ctx   context.Context //nolint:containedctx // of one pass
	later bool            // something has to wait for the next pass
	dirs  map[string]bool // folders in which the user was quicker: they are looked at again
	moved []string        // folders whose names are to be made durable
	set   []string        // files whose attributes are
	aside []Old           // files that were replaced
	// Folders that were lifted, and the permissions that they get back.
	lifted map[*node]fs.FileMode
}

// apply brings the directory to what the space shows.
func (f *folder) apply(ctx context.Context) error {
	var p plan
	var revision uint64
	err := f.space.View(ctx, func(t *tree.Tree) error {
		p, revision = f.compare(t), t.Revision()
		return nil
	})
	if err != nil {
		return err
	}
	x := &applier{folder: f, ctx: ctx, dirs: map[string]bool{}, lifted: map[*node]fs.FileMode{}}
	err = x.all(p)
	x.lower()
	if err != nil {
		return err
	}
	f.progress.applied = !x.later
	f.progress.revision = revision
	for d := range x.dirs {
		f.progress.again[d] = true
	}
	return ctx.Err()
}

func (x *applier) all(p plan) error {
	x.arrange(p)
	if err := x.contents(p); err != nil {
		return err
	}
	x.attributes(p)
	x.removals(p)
	if err := x.flush(); err != nil {
		return err
	}
	x.removeAside()
	return nil
}

// flush makes the names durable that were given, and attributes, before they are recorded.
func (x *applier) flush() error {
	for _, err := range x.sync(x.set) {
		if kind := moot.KindOf(err); kind != moot.NotFound && kind != moot.Conflict {
			return err
		}
	}
	err := x.flushFolders(x.moved)
	x.moved, x.set = x.moved[:0], x.set[:0]
	return err
}

// changed notes that names in the folder of a path have changed.
func (x *applier) changed(at string) { x.moved = append(x.moved, parentOf(at)) }

func parentOf(at string) string {
	if dir := path.Dir(at); dir != "." {
		return dir
	}
	return ""
}

// wait has something done in a later pass; with look the folder of a path is looked at
// before.
func (x *applier) wait(at string, look bool) {
	x.later = true
	if look {
		x.dirs[parentOf(at)] = true
	}
}

// arrange makes folders and moves nodes, each as soon as its place is free.
func (x *applier) arrange(p plan) {
	stale := make(map[*node]bool, len(p.stale))
	for _, n := range p.stale {
		stale[n] = true
	}
	var list []*want
	for _, w := range p.wants {
		if w.node == nil && w.row.Type == tree.Folder || w.node != nil && (w.node.parent != w.parent.node || w.node.name != w.name) {
			list = append(list, w)
		}
	}
	for len(list) > 0 && x.ctx.Err() == nil {
		var blocked []*want
		for _, w := range list {
			if !x.arrangeOne(w, stale) {
				blocked = append(blocked, w)
			}
		}
		if len(blocked) == len(list) && !x.exchange(&blocked) && !x.rename(&blocked) && !x.giveWay(&blocked) {
			break
		}
		list = blocked
	}
	for _, w := range list {
		x.wait(w.path(), false)
	}
}

// arrangeOne gives one want its place, unless another node has it.
func (x *applier) arrangeOne(w *want, stale map[*node]bool) (done bool) {
	parent := w.parent.node
	if parent == nil || w.node != nil && (parent.within(w.node) || w.node.pending()) {
		return false
	}
	at := path.Join(parent.path(), w.name)
	if other := parent.children[w.name]; other != nil {
		if !stale[other] || !x.removeTree(other) {
			return false
		}
	}
	if w.node == nil {
		return x.makeFolder(w, at)
	}
	from := w.node.path()
	if err := x.permitted(func() error { return x.dir.Place(from, at) }, w.node.parent, parent, w.node); err != nil {
		x.couldNot(at, err)
		return true
	}
	x.changed(from)
	x.changed(at)
	x.local.move(w.node, parent, w.name)
	x.restat(w.node, at)
	x.forgive(at)
	x.report(Event{What: "moved", Path: from, To: at})
	if w.row.Type == tree.Folder {
		x.agreeOnPlace(w)
	}
	return true
}

// makeFolder makes one folder.
func (x *applier) makeFolder(w *want, at string) bool {
	mode := w.row.Mode
	if mode == 0 {
		mode = 0o755
	}
	if err := x.permitted(func() error { return x.dir.Mkdir(at, mode|0o700) }, w.parent.node); err != nil {
		x.couldNot(at, err)
		return true
	}
	x.changed(at)
	s, err := x.dir.Stat(at)
	if err != nil {
		x.couldNot(at, err)
		return true
	}
	w.node = x.local.add(w.parent.node, w.name, tree.Folder)
	w.node.Stat = s
	x.agreeOnPlace(w)
	x.report(Event{What: "made", Path: at})
	return true
}

// agreeOn records that a want is met.
func (x *applier) agreeOn(w *want) {
	r := w.record(w.node.record, x.now())
	x.local.agree(w.node, r)
}

// agreeOnPlace records that a folder is where it is wanted; its permissions come after what
// is in it.
func (x *applier) agreeOnPlace(w *want) {
	r := w.record(w.node.record, x.now())
	r.Mode = w.node.Stat.Mode
	x.local.agree(w.node, r)
}

// couldNot records why something was not done: the user was quicker, or the disk refuses.
func (x *applier) couldNot(at string, err error) {
	switch moot.KindOf(err) {
	case moot.Conflict, moot.NotFound:
		x.wait(at, true)
	default:
		x.later = true
		x.failed(at, err)
	}
}

// exchange lets two nodes that wait for one another's place swap them.
func (x *applier) exchange(blocked *[]*want) bool {
	for i, w := range *blocked {
		if w.node == nil || w.parent.node == nil || w.node.pending() || w.parent.node.within(w.node) {
			continue
		}
		other := w.parent.node.children[w.name]
		if other == nil || other == w.node || other.pending() || other.within(w.node) || w.node.within(other) {
			continue
		}
		if !slices.ContainsFunc(*blocked, func(o *want) bool { return o.node == other }) {
			continue
		}
		a, b := w.node.path(), other.path()
		if err := x.permitted(func() error { return x.dir.Exchange(a, b) }, w.node.parent, other.parent, w.node, other); err != nil {
			x.couldNot(b, err)
			continue
		}
		x.changed(a)
		x.changed(b)
		x.local.swap(w.node, other)
		x.restat(w.node, b)
		x.restat(other, a)
		*blocked = slices.Delete(*blocked, i, i+1)
		return true
	}
	return false
}

// rename takes a folder that has the place of a new one, and waits for a place below it, for
// the new one: what is in it is moved in the next pass.
func (x *applier) rename(blocked *[]*want) bool {
	for i, w := range *blocked {
		if w.node != nil || w.parent.node == nil {
			continue
		}
		other := w.parent.node.children[w.name]
		at := slices.IndexFunc(*blocked, func(o *want) bool { return other != nil && o.node == other })
		if at < 0 || other.kind != tree.Folder || other.pending() {
			continue
		}
		(*blocked)[at].node = nil
		w.node = other
		x.agreeOnPlace(w)
		x.wait(w.path(), false)
		*blocked = slices.Delete(*blocked, i, i+1)
		return true
	}
	return false
}

// giveWay takes a file out of the place of a new folder that it is wanted below: its bytes
// are put there like others'.
func (x *applier) giveWay(blocked *[]*want) bool {
	for _, w := range *blocked {
		if w.node != nil || w.parent.node == nil {
			continue
		}
		other := w.parent.node.children[w.name]
		at := slices.IndexFunc(*blocked, func(o *want) bool { return other != nil && o.node == other })
		if at < 0 || other.kind == tree.Folder || !x.removeTree(other) {
			continue
		}
		(*blocked)[at].node = nil
		*blocked = slices.Delete(*blocked, at, at+1)
		return true
	}
	return false
}

// restat takes in that a file's time of change is another, because it was renamed.
func (x *applier) restat(n *node, at string) {
	s, err := x.dir.Stat(at)
	if err == nil && sameContent(n.Stat, s) {
		n.Stat = s
		return
	}
	x.wait(at, true)
}

// sameContent reports that a file, folder or link was but renamed.
func sameContent(a, b localdir.Stat) bool {
	return a.Mode == b.Mode && a.SameObject(b) && (a.IsDir() || a.SameContent(b))
}

// attributes sets modes and times, where they alone differ, of folders after those of what
// is in them.
func (x *applier) attributes(p plan) {
	for _, w := range slices.Backward(p.wants) {
		n := w.node
		if n == nil || n.parent != w.parent.node || n.name != w.name || n.Next != nil || n.Stat.Inode == 0 {
			continue
		}
		if n.pending() {
			x.later = true
			continue
		}
		if n.kind != tree.Folder && (n.Blob.ID != w.row.Blob.ID || n.Target != w.row.Target) {
			continue // its content is yet to come
		}
		x.attributesOf(w, n)
	}
}

func (x *applier) attributesOf(w *want, n *node) {
	at := n.path()
	var err error
	changed := false
	differs := w.row.Mode != n.Mode && w.row.Mode != 0 || !w.row.ModTime.Equal(n.ModTime)
	if n.kind == tree.File && n.Stat.Links > 1 && differs {
		if err := x.separate(w, at); err != nil {
			x.couldNot(at, err)
		}
		return
	}
	if w.row.Mode != n.Mode && w.row.Mode != n.Stat.Mode && n.kind != tree.Link && w.row.Mode != 0 {
		err, changed = x.dir.Chmod(at, w.row.Mode), true
	}
	if err == nil && n.kind != tree.Folder && !w.row.ModTime.Equal(n.ModTime) {
		_, err = x.dir.SetTime(at, w.row.ModTime)
		changed = true
	}
	if err != nil {
		x.couldNot(at, err)
		return
	}
	if changed {
		s, err := x.dir.Stat(at)
		if err != nil || s.Inode != n.Stat.Inode || n.kind != tree.Folder && s.Size != n.Stat.Size {
			x.wait(at, true)
			return
		}
		n.Stat = s
		if n.kind == tree.Folder {
			x.moved = append(x.moved, at)
		} else {
			x.set = append(x.set, at)
		}
		x.report(Event{What: "changed", Path: at})
	}
	delete(x.lifted, n)
	x.agreeOn(w)
}
