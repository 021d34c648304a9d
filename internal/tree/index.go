package tree

import "slices"

// change alters the versions in force of an item, and where it is indexed.
func (t *Tree) change(n *node, alter func()) {
	was := min(len(n.current), 1)
	if n.dir != nil {
		alter()
		t.count(n, min(len(n.current), 1)-was)
	} else if was == 0 || len(n.current) == 1 { // it may appear or vanish
		t.detach(n)
		alter()
		t.attach(n)
		t.count(n.parent, min(len(n.current), 1)-was)
	} else {
		alter()
	}
	t.touch(n.parent)
}

// count adds to the number of items alive in a folder, and in all above it.
func (t *Tree) count(d *node, more int) {
	if more == 0 {
		return
	}
	for ; d != nil; d = d.parent {
		if (d.dir.live > 0) == (d.dir.live+more > 0) {
			d.dir.live += more
			continue
		}
		t.detach(d)
		d.dir.live += more
		t.attach(d)
	}
}

// attach puts an item into the index of the folder where it is.
func (t *Tree) attach(n *node) {
	if n.parent == nil {
		return
	}
	dir := n.parent.dir
	if !n.visible() {
		dir.dead = push(dir.dead, n)
		return
	}
	t.touch(n.parent)
	dir.children = push(dir.children, n)
	if n.next != nil {
		return
	}
	if f := fold(n.name); f != n.name {
		if dir.folded == nil {
			dir.folded = map[string][]string{}
		}
		dir.folded[f] = append(dir.folded[f], n.name)
	}
}

// detach takes an item out of the index of the folder where it is.
func (t *Tree) detach(n *node) {
	if n.parent == nil {
		return
	}
	dir := n.parent.dir
	if !n.visible() {
		pull(dir.dead, n)
		return
	}
	t.touch(n.parent)
	if pull(dir.children, n) {
		return
	}
	if f := fold(n.name); f != n.name {
		if dir.folded[f] = slices.DeleteFunc(dir.folded[f], func(s string) bool { return s == n.name }); len(dir.folded[f]) == 0 {
			delete(dir.folded, f)
		}
	}
}

// push adds an item to those of its name.
func push(index map[string]*node, n *node) map[string]*node {
	if index == nil {
		index = map[string]*node{}
	}
	n.next = index[n.name]
	index[n.name] = n
	return index
}

// pull takes an item out, and reports whether others have its name.
func pull(index map[string]*node, n *node) (others bool) {
	first := index[n.name]
	if first == n {
		first = n.next
	} else {
		before := first
		for before.next != n {
			before = before.next
		}
		before.next = n.next
	}
	n.next = nil
	if first == nil {
		delete(index, n.name)
		return false
	}
	index[n.name] = first
	return true
}

// maxLog bounds the folders whose changes are remembered.
const maxLog = 100_000

// changeLog remembers which folders changed when.
type changeLog struct {
	revision uint64
	lines    []logLine
	latest   map[ID]uint64 // the revision of a folder's last change
	lost     uint64        // changes up to this revision may be forgotten
}

type logLine struct {
	revision uint64
	folder   ID
}

// touch notes that something in a folder may be shown differently.
func (t *Tree) touch(folder *node) {
	l := &t.log
	l.revision++
	l.latest[folder.id] = l.revision
	if n := len(l.lines); n > 0 && l.lines[n-1].folder == folder.id {
		l.lines[n-1].revision = l.revision
		return
	}
	l.lines = append(l.lines, logLine{l.revision, folder.id})
	if len(l.lines) > 2*maxLog {
		l.compact()
	}
}

// compact forgets lines that a later one repeats, then the oldest.
func (l *changeLog) compact() {
	l.lines = slices.DeleteFunc(l.lines, func(line logLine) bool { return l.latest[line.folder] != line.revision })
	for over := len(l.lines) - maxLog; over > 0; over-- {
		l.lost = l.lines[0].revision
		delete(l.latest, l.lines[0].folder)
		l.lines = l.lines[1:]
	}
	l.lines = slices.Clone(l.lines)
}

// Revision counts changes of what is shown.
func (t *Tree) Revision() uint64 { return t.log.revision }

// Changed returns folders in which something may be shown differently since a revision;
// known is false if that is not remembered, so that all may. If a folder that is shown in
// one of them has other Folders than before, everything below it may differ, too.
func (t *Tree) Changed(since uint64) (folders []ID, known bool) {
	l := &t.log
	if since < l.lost || since > l.revision {
		return nil, false
	}
	at, _ := slices.BinarySearchFunc(l.lines, since, func(line logLine, since uint64) int {
		if line.revision <= since {
			return -1
		}
		return 1
	})
	for _, line := range l.lines[at:] {
		if l.latest[line.folder] == line.revision {
			folders = append(folders, line.folder)
		}
	}
	return folders, true
}
