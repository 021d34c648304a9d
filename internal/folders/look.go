package folders

import (
	"context"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// look is one observation of the disk: it compares folders with what was agreed on, and
// recognises what lies elsewhere now.
type look struct {
	*folder
	ctx   context.Context //nolint:containedctx // of one observation
	whole bool            // every folder is looked at
	fresh []*node         // names that are new on the disk
	lost  map[*node]bool  // nodes whose names are no longer there
	dirs  map[*node]bool  // folders looked at
}

// observe looks at folders – at all if dirs is nil – and leaves at each node what was
// seen. No removal is believed before everything was looked at where its new place may be.
func (f *folder) observe(ctx context.Context, dirs map[string]bool) error {
	l := &look{folder: f, ctx: ctx, whole: dirs == nil, lost: map[*node]bool{}, dirs: map[*node]bool{}}
	for _, n := range f.local.strays {
		l.lost[n] = true
	}
	f.local.strays = nil
	if err := l.all(dirs); err != nil {
		return err
	}
	l.recognise()
	if !l.whole && l.misses() {
		l.whole = true
		clear(l.dirs)
		if err := l.all(nil); err != nil {
			return err
		}
		l.recognise()
	}
	for n := range l.lost {
		f.lose(n)
	}
	for n := range f.todo { // moved into what has gone meanwhile
		if !n.gone && !n.attached() {
			f.lose(n)
		}
	}
	return nil
}

// misses reports whether something is gone that may lie elsewhere.
func (l *look) misses() bool {
	for n := range l.lost {
		if n.Item != (tree.ID{}) {
			return true
		}
	}
	return false
}

func (l *look) all(dirs map[string]bool) error {
	if l.whole {
		return l.lookAt(l.root())
	}
	for _, dir := range sortedKeys(dirs) {
		n := l.local.at(dir)
		if n == nil || n.kind != tree.Folder { // new, or gone: its folder tells
			n = l.nearest(dir)
		}
		if err := l.lookAt(n); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) root() *node { return l.local.root }

// nearest returns the folder above a path that is known.
func (l *look) nearest(dir string) *node {
	for dir != "" && dir != "." {
		dir = path.Dir(dir)
		if dir == "." {
			break
		}
		if n := l.local.at(dir); n != nil && n.kind == tree.Folder {
			return n
		}
	}
	return l.root()
}

// lookAt compares one folder with the disk, and with whole or if it is new all below it.
func (l *look) lookAt(d *node) error {
	if err := l.ctx.Err(); err != nil || l.dirs[d] {
		return err
	}
	l.dirs[d] = true
	names, err := l.dir.ReadDir(d.path())
	if moot.KindOf(err) == moot.NotFound && d.parent != nil {
		return nil // its own folder tells
	}
	if err != nil {
		l.failed(d.path(), err)
		return nil
	}
	l.readPatterns(d, names)
	there := make(map[string]bool, len(names))
	for _, one := range names {
		there[one.Name] = true
		if err := l.name(d, one); err != nil {
			return err
		}
	}
	for name, n := range d.children {
		if !there[name] && !n.moved && l.excepted(path.Join(d.path(), name)) { // removed for this disk alone
			n.each(l.unnotice)
			l.local.remove(n)
		} else if !there[name] && n.Stat.Inode != 0 && !n.gone {
			l.lost[n] = true
		} else if !there[name] && n.Item == (tree.ID{}) {
			l.vanish(n, func(c *node) { l.lost[c] = true })
		}
	}
	return nil
}

// name compares one name with what was agreed on.
func (l *look) name(d *node, one localdir.Named) error {
	if strings.HasPrefix(one.Name, tempPrefix) {
		return nil
	}
	at := path.Join(d.path(), one.Name)
	kind := kindOf(one.Stat)
	n := d.children[one.Name]
	switch {
	case one.Err != nil:
		l.failed(at, one.Err)
		return nil
	case kind == 0:
		l.refuse(at, "it is neither a file nor a folder nor a link")
		return nil
	case l.unwanted(at, kind == tree.Folder) && (n == nil || n.Item == (tree.ID{})):
		return nil
	case one.Stat.Mode.Perm() == 0 && kind != tree.Link: // a change without permissions states none
		l.refuse(at, "nobody has permissions for it")
		return nil
	case tree.CheckName(one.Name) != nil:
		l.failed(at, tree.CheckName(one.Name))
		return nil
	case tree.CheckPath(path.Join(l.settings.Name, at)) != nil:
		l.failed(at, tree.CheckPath(path.Join(l.settings.Name, at)))
		return nil
	}
	if n == nil && kind == tree.Folder && l.onlyIgnored(at) {
		return nil
	}
	l.forgive(at)
	if n != nil && n.kind != kind { // another thing under the same name
		l.lost[n] = true
		delete(d.children, one.Name)
		n = nil
	}
	if n == nil {
		n = l.local.add(d, one.Name, kind)
		l.fresh = append(l.fresh, n)
	}
	n.gone = false
	delete(l.lost, n)
	l.compare(n, one.Stat)
	if kind == tree.Folder && (l.whole || n.Stat.Inode == 0) {
		return l.lookAt(n)
	}
	return nil
}

// compare leaves at a node what differs from the agreement.
func (l *look) compare(n *node, s localdir.Stat) {
	if n.Stat.Inode != 0 && n.Stat.Unchanged(s) {
		n.seen = nil
		return
	}
	if n.kind == tree.Folder && n.Stat.Inode != 0 && n.Stat.Mode == s.Mode && n.Stat.Inode == s.Inode {
		n.seen = nil // what is in it tells for itself
		return
	}
	n.seen = &s
	l.notice(n)
}

// recognise finds lost nodes under new names: by inode and time of birth – of folders with
// all below them – and later, when they are hashed, by content.
func (l *look) recognise() {
	type identity struct {
		inode  uint64
		device uint64
		born   int64
	}
	of := func(s localdir.Stat) identity { return identity{s.Inode, s.Device, s.Born.UnixNano()} }
	fresh := map[identity]*node{}
	for _, n := range l.fresh {
		if n.seen != nil && n.Item == (tree.ID{}) && n.parent.children[n.name] == n {
			fresh[of(*n.seen)] = n
		}
	}
	lost := slices.SortedFunc(maps.Keys(l.lost), func(a, b *node) int { return strings.Compare(a.path(), b.path()) }) // folders first
	for _, n := range lost {
		to := fresh[of(n.Stat)]
		if to == nil || to.kind != n.kind || n.Item == (tree.ID{}) || to.within(n) || n.Copy || !l.lost[n] || !to.attached() {
			continue
		}
		delete(fresh, of(n.Stat))
		delete(l.lost, n)
		l.relink(n, to)
	}
	l.fresh = l.fresh[:0]
}

// relink gives a node the place of one that was taken for new, with what is below that.
func (l *look) relink(n, to *node) {
	l.local.mu.Lock()
	defer l.local.mu.Unlock()
	parent, name, seen, children := to.parent, to.name, to.seen, to.children
	if n.parent.children[n.name] == n {
		delete(n.parent.children, n.name)
	}
	l.local.count--
	l.local.dropRow(to)
	l.unnotice(to)
	n.parent, n.name = parent, name
	parent.children[name] = n
	n.moved, n.gone, n.seen = true, false, nil
	l.notice(n)
	if seen != nil {
		l.compare(n, *seen)
		if n.kind != tree.Folder && n.seen != nil && n.Stat.Size == seen.Size && n.Stat.ModTime.Equal(seen.ModTime) && n.Stat.Mode == seen.Mode {
			n.Stat, n.seen = *seen, nil // renaming changes but the time of change
		}
	}
	for _, c := range children { // what is below was taken for new
		old := n.children[c.name]
		switch {
		case old == nil || old.kind != c.kind || c.Item != (tree.ID{}):
			c.parent = n
			n.children[c.name] = c
			if old != nil {
				l.lost[old] = true
			}
			continue
		case c.kind == tree.Folder:
			l.adoptBelow(old, c)
		}
		if c.seen != nil {
			l.compare(old, *c.seen)
		}
		l.unnotice(c)
		l.local.dropRow(c)
		l.local.count--
	}
	if n.kind == tree.Folder {
		l.loseRest(n, children)
	}
}

// adoptBelow compares a known folder with what was seen of it under a new name.
func (l *look) adoptBelow(n, seen *node) {
	for _, c := range seen.children {
		old := n.children[c.name]
		if old == nil || old.kind != c.kind || c.Item != (tree.ID{}) {
			c.parent = n
			n.children[c.name] = c
			if old != nil {
				l.lost[old] = true
			}
			continue
		}
		if c.kind == tree.Folder {
			l.adoptBelow(old, c)
		}
		if c.seen != nil {
			l.compare(old, *c.seen)
		}
		l.unnotice(c)
		l.local.dropRow(c)
		l.local.count--
	}
	l.loseRest(n, seen.children)
}

// loseRest has the children of a folder that were not seen counted as lost.
func (l *look) loseRest(n *node, seen map[string]*node) {
	for name, c := range n.children {
		if _, there := seen[name]; !there && c.Stat.Inode != 0 && !c.gone {
			l.lost[c] = true
		}
	}
}

// lose marks a node, and all below it, as no longer on the disk.
func (f *folder) lose(n *node) {
	if n.Item == (tree.ID{}) && n.Next == nil {
		f.vanish(n, f.lose)
		return
	}
	n.each(func(c *node) {
		c.gone, c.seen = true, nil
		f.notice(c)
	})
}

// vanish forgets a node that was new and is gone again; what had been moved into it is lost.
func (f *folder) vanish(n *node, lost func(*node)) {
	for _, c := range n.children {
		if c.Item == (tree.ID{}) {
			f.vanish(c, lost)
		} else {
			lost(c)
		}
	}
	f.unnotice(n)
	f.local.detach(n)
}

func kindOf(s localdir.Stat) tree.Type {
	switch s.Type & fs.ModeType {
	case 0:
		return tree.File
	case fs.ModeDir:
		return tree.Folder
	case fs.ModeSymlink:
		return tree.Link
	}
	return 0
}
