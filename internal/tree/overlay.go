package tree

import (
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// node returns an item of the tree, or one born here.
func (e *Edit) node(id ID) *node {
	if n := e.made[id]; n != nil {
		return n
	}
	return e.tree.nodes[id]
}

// spotOf returns where an item is.
func (e *Edit) spotOf(n *node) spot {
	if at, moved := e.moved[n]; moved {
		return at
	}
	return spot{n.parent, n.name}
}

func (e *Edit) put(n *node, to spot) {
	from := e.spotOf(n)
	if there := e.arrived[from.parent]; there != nil {
		there[from.name] = slices.DeleteFunc(there[from.name], func(o *node) bool { return o == n })
	}
	e.moved[n] = to
	e.arrive(n, to)
}

func (e *Edit) arrive(n *node, at spot) {
	if e.arrived[at.parent] == nil {
		e.arrived[at.parent] = nodesBy{}
	}
	e.arrived[at.parent][at.name] = append(e.arrived[at.parent][at.name], n)
}

// named returns the items shown under a name in folders that are shown as one.
func (e *Edit) named(union []*node, name string) (all []*node) {
	for _, u := range union {
		at := spot{u, name}
		for n := u.dir.children[name]; n != nil; n = n.next {
			if len(e.moved) == 0 || e.spotOf(n) == at {
				all = append(all, n)
			}
		}
		for _, n := range e.arrived[u][name] {
			if !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	return all
}

// foldersOf returns the folders among items: those of the tree first.
func (e *Edit) foldersOf(items []*node) []*node {
	folders := foldersOf(items)
	slices.SortStableFunc(folders, func(a, b *node) int {
		_, made := e.made[a.id]
		if _, other := e.made[b.id]; made == other {
			return 0
		}
		if made {
			return 1
		}
		return -1
	})
	return folders
}

// bear returns a new item in a folder. One whose chain of births would be too long is born
// in the root, and moved.
func (e *Edit) bear(parent *node, t Type, name string) *node {
	at, born := parent, name
	if !mayBear(parent, name) {
		at, born = e.tree.root, hex.EncodeToString(parent.id[:])+"-"+cut(name, MaxName-2*len(ID{})-1)
	}
	b := Birth{Parent: at.id, Type: t, Name: born, Nonce: e.nonce}
	for e.node(b.ID()) != nil { // one that was born here, and moved
		binary.BigEndian.PutUint64(b.Nonce[:], binary.BigEndian.Uint64(b.Nonce[:])+1)
	}
	n := newNode(b.ID(), at, t, born, b.Nonce)
	e.made[n.id] = n
	e.arrive(n, spot{at, born})
	if at != parent {
		e.ops = append(e.ops, &plannedOp{Op: Op{Kind: Move, Item: n.id, Parent: parent.id, Name: name}, node: n, parent: parent})
		e.put(n, spot{parent, name})
	}
	return n
}

// mayBear reports whether the births from the root to an item keep within the limits.
func mayBear(parent *node, name string) bool {
	levels, size := 1, len(name)
	for n := parent; n.origin != nil; n = n.origin {
		levels, size = levels+1, size+len(n.born)+1
	}
	return levels <= MaxLevels && size <= MaxPath
}

// state states a content; one that was stated here before is no more.
func (e *Edit) state(n *node, c Content, mode fs.FileMode, replaces []Version) {
	o := e.content[n]
	if o == nil {
		o = &plannedOp{Op: Op{Kind: SetContent, Item: n.id}, node: n}
		e.content[n] = o
		e.ops = append(e.ops, o)
	}
	o.Content = c
	if mode.Perm() != 0 {
		o.Mode = mode.Perm()
	}
	for _, v := range replaces {
		if !slices.Contains(o.Replaces, v) {
			o.Replaces = append(o.Replaces, v)
		}
	}
	if over := len(o.Replaces) - moot.MaxReplaces; over > 0 {
		e.remove(n, o.Replaces[moot.MaxReplaces:])
		o.Replaces = o.Replaces[:moot.MaxReplaces]
		delete(e.ended, n)
	}
}

func cutLast(path string) (folder, name string) {
	at := strings.LastIndexByte(path, '/')
	return path[:max(at, 0)], path[at+1:]
}
