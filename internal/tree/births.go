package tree

import (
	"encoding/binary"
	"io/fs"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
)

// birthDomain separates the IDs of items from other hashes.
const birthDomain = "moot item v1\x00"

// ID returns the ID of the item that was born there: the first 16 bytes of the BLAKE3 hash
// of the domain, the parent's ID, the type, the nonce, and the name after its length.
func (b Birth) ID() ID {
	buf := make([]byte, 0, 128)
	buf = append(buf, birthDomain...)
	buf = append(buf, b.Parent[:]...)
	buf = append(buf, byte(b.Type))
	buf = append(buf, b.Nonce[:]...)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(b.Name)))
	buf = append(buf, b.Name...)
	hash := blake3.Sum256(buf)
	return ID(hash[:16])
}

// node is an item.
type node struct {
	id      ID
	origin  *node // the folder where it was born; nil for the root
	born    string
	nonce   Nonce
	kind    Type
	parent  *node // the folder where it is
	name    string
	next    *node      // another item of this name in this folder
	dir     *directory // of a folder
	current []*statement
	mode    fs.FileMode
	modeAt  stamp
	past    *past // nil: nothing happened to it but its statements in force
}

// directory is what a folder has besides other items.
type directory struct {
	children map[string]*node    // shown, by name
	dead     map[string]*node    // removed, by name
	folded   map[string][]string // names of children that differ from their folded form, by that
	live     int                 // items alive in it and below, itself included
	born     moot.Time           // of the earliest entry that names it
	placed   *move               // what brought it where it is; nil: it was born there
}

// past is what an item has behind it.
type past struct {
	replaced []*statement
	removals []stamp
	place    *move // the newest of a file or link; of a folder: some move
}

func (n *node) birth() Birth {
	b := Birth{Type: n.kind, Name: n.born, Nonce: n.nonce}
	if n.origin != nil {
		b.Parent = n.origin.id
	}
	return b
}

// visible reports whether an item is alive, or a folder that has something alive in it.
func (n *node) visible() bool {
	if n.dir != nil {
		return n.dir.live > 0 || n.origin == nil
	}
	return len(n.current) > 0
}

// alive returns how many items alive move with this one.
func (n *node) alive() int {
	if n.dir != nil {
		return n.dir.live
	}
	return min(len(n.current), 1)
}

func (n *node) history() *past {
	if n.past == nil {
		n.past = &past{}
	}
	return n.past
}

// placedAt returns when a folder came where it is.
func (n *node) placedAt() moot.Time {
	if n.dir.placed != nil {
		return n.dir.placed.source.time
	}
	return n.dir.born
}

// bear returns the item of a birth, which is new if it was unknown.
func (t *Tree) bear(parent *node, kind Type, name string, nonce Nonce, at moot.Time) *node {
	id := Birth{Parent: parent.id, Type: kind, Name: name, Nonce: nonce}.ID()
	n := t.nodes[id]
	if n == nil {
		n = newNode(id, parent, kind, name, nonce)
		t.nodes[id] = n
		t.attach(n)
	}
	if n.dir != nil && (n.dir.born == 0 || at < n.dir.born) {
		n.dir.born = at
		t.touch(n.parent)
	}
	return n
}

func newNode(id ID, parent *node, kind Type, name string, nonce Nonce) *node {
	n := &node{id: id, origin: parent, born: name, nonce: nonce, kind: kind, parent: parent, name: name}
	if kind == Folder {
		n.dir = &directory{}
	}
	return n
}
