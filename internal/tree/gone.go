package tree

import (
	"iter"

	"github.com/mootspace/moot"
)

// Versions yields all versions, in force or not, in no order.
func (t *Tree) Versions() iter.Seq[Found] {
	return func(yield func(Found) bool) {
		for _, src := range t.sources {
			for _, s := range src.stated {
				if s != nil && !yield(Found{s.node.id, s.export()}) {
					return
				}
			}
		}
	}
}

// Gone is a version that a removal ended, of an item that is not in force.
type Gone struct {
	Found
	By moot.Key  // who removed it
	At moot.Time // when
}

// Gone returns what was removed of the items that have, or ever had, a path, and of all that
// lies below them.
func (t *Tree) Gone(path string) []Gone {
	var all []Gone
	for _, n := range t.ever(path) {
		all = n.gone(all, 0)
	}
	return all
}

func (n *node) gone(all []Gone, level int) []Gone {
	if n.past != nil && len(n.current) == 0 {
		for _, s := range n.past.replaced {
			if s.removed {
				all = append(all, Gone{Found{n.id, s.export()}, s.end.source.author, s.end.source.time})
			}
		}
	}
	if n.dir == nil || level > MaxLevels {
		return all
	}
	for _, index := range []map[string]*node{n.dir.children, n.dir.dead} {
		for _, first := range index {
			for c := first; c != nil; c = c.next {
				all = c.gone(all, level+1)
			}
		}
	}
	return all
}
