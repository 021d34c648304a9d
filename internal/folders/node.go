package folders

import (
	"io/fs"
	"path"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// record is what disk and space have agreed on at one path.
type record struct {
	Item     tree.ID        // zero: nothing yet, it is on this disk only
	Folders  []tree.ID      // of a folder: all that are shown as one
	Parent   tree.ID        // where the space has it
	Name     string         // how the space calls it
	Versions []tree.Version // shown here
	Blob     moot.Blob
	Target   string // of a link
	Mode     fs.FileMode
	ModTime  time.Time
	Copy     bool      // a version that lost a conflict
	Since    time.Time // when it came to this disk
	Stat     localdir.Stat
	Next     *next // what is being put in place
}

// next is content on its way to the disk. It is recorded first, so that after a crash it
// is not taken for an edit.
type next struct {
	Item     tree.ID
	Versions []tree.Version
	Blob     moot.Blob
}

// node is one name on the disk.
type node struct {
	id       int64 // row in the database; 0: none yet
	parent   *node // nil: the directory itself
	name     string
	kind     tree.Type
	children map[string]*node // of a folder
	record

	// What was observed and is not agreed on yet.
	seen  *localdir.Stat // differs from record.Stat
	moved bool           // from another place on this disk
	gone  bool           // no longer on the disk
}

// path of a node, relative to the directory; "" is the directory itself.
func (n *node) path() string {
	if n.parent == nil {
		return ""
	}
	return path.Join(n.parent.path(), n.name)
}

// pending reports whether something was observed that is not agreed on.
func (n *node) pending() bool { return n.seen != nil || n.moved || n.gone || n.Item == (tree.ID{}) }

// within reports whether a node is d or lies below it.
func (n *node) within(d *node) bool {
	for ; n != nil; n = n.parent {
		if n == d {
			return true
		}
	}
	return false
}

// attached reports whether a node, and each folder above it, has its name.
func (n *node) attached() bool {
	for ; n.parent != nil; n = n.parent {
		if n.parent.children[n.name] != n {
			return false
		}
	}
	return true
}

// local is everything in one directory, as it was last agreed on and observed. One
// goroutine changes it; others may ask where a blob lies.
type local struct {
	mu    sync.RWMutex // held while nodes change their places or what they hold
	root  *node
	items map[tree.ID][]*node // by record.Item, and each of record.Folders
	blobs map[moot.BlobID]map[*node]struct{}
	// offered lies on the disk and is about to be stated: others may ask for it at once.
	offered map[moot.BlobID]place
	count   int
	bytes   int64

	// strays are recorded where another node is: they were moved by the user when the
	// program ended, and are looked for.
	strays []*node

	unsaved  map[*node]struct{}
	dropped  []int64 // rows of nodes that are no more
	intended bool    // an intent is stored
}

func newLocal() *local {
	return &local{
		root:  &node{kind: tree.Folder, children: map[string]*node{}},
		items: map[tree.ID][]*node{}, blobs: map[moot.BlobID]map[*node]struct{}{}, unsaved: map[*node]struct{}{},
	}
}

// add makes a node for a name.
func (l *local) add(parent *node, name string, kind tree.Type) *node {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := newNode(kind)
	n.parent, n.name = parent, name
	parent.children[name] = n
	l.count++
	return n
}

func newNode(kind tree.Type) *node {
	n := &node{kind: kind}
	if kind == tree.Folder {
		n.children = map[string]*node{}
	}
	return n
}

// agree records what disk and space have in common at a node.
func (l *local) agree(n *node, r record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(n)
	n.record = r
	l.index(n)
	l.unsaved[n] = struct{}{}
}

func (l *local) index(n *node) {
	if n.Item != (tree.ID{}) {
		l.items[n.Item] = append(l.items[n.Item], n)
	}
	for _, id := range n.Folders {
		if id != n.Item {
			l.items[id] = append(l.items[id], n)
		}
	}
	if n.kind == tree.File && n.Stat.Inode != 0 {
		if l.blobs[n.Blob.ID] == nil {
			l.blobs[n.Blob.ID] = map[*node]struct{}{}
		}
		l.blobs[n.Blob.ID][n] = struct{}{}
		l.bytes += n.Blob.Size
	}
}

// forget takes a node out of the indexes.
func (l *local) forget(n *node) {
	for _, id := range append([]tree.ID{n.Item}, n.Folders...) {
		list := l.items[id]
		for i, other := range list {
			if other == n {
				list = append(list[:i:i], list[i+1:]...)
				break
			}
		}
		if len(list) == 0 {
			delete(l.items, id)
		} else {
			l.items[id] = list
		}
	}
	if places := l.blobs[n.Blob.ID]; places != nil {
		if _, there := places[n]; there {
			l.bytes -= n.Blob.Size
			delete(places, n)
		}
		if len(places) == 0 {
			delete(l.blobs, n.Blob.ID)
		}
	}
}

// move gives a node, with all below it, another place.
func (l *local) move(n, parent *node, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(n.parent.children, n.name)
	n.parent, n.name = parent, name
	parent.children[name] = n
	l.unsaved[n] = struct{}{}
}

// swap lets two nodes change their places.
func (l *local) swap(a, b *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a.parent, a.name, b.parent, b.name = b.parent, b.name, a.parent, a.name
	a.parent.children[a.name] = a
	b.parent.children[b.name] = b
	l.unsaved[a], l.unsaved[b] = struct{}{}, struct{}{}
}

// replace puts a node in the place of another one, which is no more.
func (l *local) replace(old, n *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	parent, name := old.parent, old.name
	l.takeOut(old)
	if n.parent.children[n.name] == n {
		delete(n.parent.children, n.name)
	}
	n.parent, n.name = parent, name
	parent.children[name] = n
}

// remove takes out a node and all below it.
func (l *local) remove(n *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.takeOut(n)
}

// detach takes a name away; what is below it stays where it is known.
func (l *local) detach(n *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n.parent.children[n.name] == n {
		delete(n.parent.children, n.name)
	}
	l.count--
}

func (l *local) takeOut(n *node) {
	for _, c := range n.children {
		l.takeOut(c)
	}
	l.forget(n)
	delete(l.unsaved, n)
	if n.id != 0 {
		l.dropped = append(l.dropped, n.id)
	}
	if n.parent.children[n.name] == n {
		delete(n.parent.children, n.name)
	}
	l.count--
}

// at returns the node at a path, or nil.
func (l *local) at(p string) *node {
	n := l.root
	for p != "" && n != nil {
		var name string
		name, p = cut(p)
		n = n.children[name]
	}
	return n
}

// cut splits a path after its first name.
func cut(p string) (first, rest string) {
	for i := range len(p) {
		if p[i] == '/' {
			return p[:i], p[i+1:]
		}
	}
	return p, ""
}

// each calls f for a node and all below it, parents first.
func (n *node) each(f func(*node)) {
	f(n)
	for _, c := range n.children {
		c.each(f)
	}
}

// place is where a blob lies in a directory.
type place struct {
	path string
	stat localdir.Stat
	size int64
}

// offer has files served that are about to be stated; none ends it.
func (l *local) offer(list []outgoing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offered = make(map[moot.BlobID]place, len(list))
	for _, o := range list {
		l.offered[o.blob.ID] = place{o.node.path(), o.stat, o.blob.Size}
	}
}

// contents returns the blobs that lie in the folder.
func (l *local) contents() []moot.Blob {
	l.mu.RLock()
	defer l.mu.RUnlock()
	list := make([]moot.Blob, 0, len(l.blobs))
	for id, nodes := range l.blobs {
		for n := range nodes {
			list = append(list, moot.Blob{ID: id, Size: n.Blob.Size})
			break
		}
	}
	return list
}

// places returns where a blob lies.
func (l *local) places(id moot.BlobID) (list []place) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if p, is := l.offered[id]; is {
		list = append(list, p)
	}
	for n := range l.blobs[id] {
		list = append(list, place{n.path(), n.Stat, n.Blob.Size})
	}
	return list
}
