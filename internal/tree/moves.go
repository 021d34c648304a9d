package tree

import "slices"

// spot is a name in a folder.
type spot struct {
	parent *node
	name   string
}

// move gives an item another place.
type move struct {
	stamp
	node *node
	to   spot
	// Of a folder: where it was before, and what had brought it there; whether the move is
	// one into itself, which is skipped.
	from    spot
	before  *move
	skipped bool
}

func (m *move) compareTo(o *move) int { return m.compare(o.stamp) }

// relocate takes in a move. Those of folders wait for replay.
func (t *Tree) relocate(m *move) {
	n, past := m.node, m.node.history()
	if past.place == nil {
		past.place = m
		t.former[spot{n.origin, n.born}] = append(t.former[spot{n.origin, n.born}], n)
	}
	t.former[m.to] = append(t.former[m.to], n)
	switch {
	case n.dir != nil:
		t.late = append(t.late, m)
	case m.compareTo(past.place) >= 0:
		past.place = m
		t.put(n, m.to)
	}
}

// replay applies moves of folders that have come in, in the one order of all: those that
// are later are undone first, and done again.
func (t *Tree) replay() {
	if len(t.late) == 0 {
		return
	}
	slices.SortFunc(t.late, (*move).compareTo)
	at, _ := slices.BinarySearchFunc(t.moves, t.late[0], (*move).compareTo)
	for _, m := range slices.Backward(t.moves[at:]) {
		t.undo(m)
	}
	t.moves = append(t.moves, t.late...)
	t.late = nil
	slices.SortFunc(t.moves[at:], (*move).compareTo)
	for _, m := range t.moves[at:] {
		t.do(m)
	}
}

func (t *Tree) do(m *move) {
	n := m.node
	m.skipped = within(m.to.parent, n)
	if m.skipped {
		return
	}
	m.from, m.before = spot{n.parent, n.name}, n.dir.placed
	t.put(n, m.to)
	n.dir.placed = m
}

func (t *Tree) undo(m *move) {
	if m.skipped {
		return
	}
	t.put(m.node, m.from)
	m.node.dir.placed = m.before
}

// within reports whether an item is a folder or lies in it.
func within(n, folder *node) bool {
	for ; n != nil; n = n.parent {
		if n == folder {
			return true
		}
	}
	return false
}

// put moves an item in the index.
func (t *Tree) put(n *node, to spot) {
	live := n.alive()
	t.detach(n)
	if n.parent != to.parent {
		t.count(n.parent, -live)
	}
	from := n.parent
	n.parent, n.name = to.parent, to.name
	t.attach(n)
	if from != to.parent {
		t.count(n.parent, live)
	}
}
