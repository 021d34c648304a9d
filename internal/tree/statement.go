package tree

import (
	"bytes"
	"cmp"
	"io/fs"
	"slices"

	"github.com/mootspace/moot"
)

// source is an entry that was taken in.
type source struct {
	id     moot.EntryID
	author moot.Key
	time   moot.Time
	stated []*statement // by operation; nil where it states no content
}

// stamp is an operation of an entry: who said something when.
type stamp struct {
	source *source
	op     uint32
}

// compare orders stamps: the older first, ties broken by author, ID and operation.
func (s stamp) compare(o stamp) int {
	if s.source == o.source {
		return cmp.Compare(s.op, o.op)
	}
	if c := cmp.Compare(s.source.time, o.source.time); c != 0 {
		return c
	}
	return cmp.Or(bytes.Compare(s.source.author[:], o.source.author[:]), bytes.Compare(s.source.id[:], o.source.id[:]))
}

// statement is a version of an item's content.
type statement struct {
	stamp
	node *node
	Content
	mode    fs.FileMode
	end     stamp // the earliest that replaced or removed it; its source is nil while the version is in force
	removed bool  // by a removal
}

func newestFirst(a, b *statement) int { return b.compare(a.stamp) }

func (s *statement) version() Version { return Version{s.source.id, s.op} }

func (s *statement) export() Stated {
	return Stated{Version: s.version(), Author: s.source.author, Time: s.source.time, Content: s.Content, Mode: s.mode}
}

// replacement is one of a version that is not known yet.
type replacement struct {
	node    *node
	op      uint32
	by      stamp
	removed bool
}

func (t *Tree) source(e *moot.Entry, ops int) *source {
	s := &source{id: e.ID, author: e.Author, time: e.Time, stated: make([]*statement, ops)}
	t.sources[e.ID] = s
	return s
}

// state adds a version, which is in force unless it is found to be replaced.
func (t *Tree) state(n *node, by stamp, c Content, mode fs.FileMode) {
	s := &statement{stamp: by, node: n, Content: c, mode: mode}
	by.source.stated[by.op] = s
	if mode != 0 {
		t.setMode(n, by, mode)
	}
	t.change(n, func() {
		at, _ := slices.BinarySearchFunc(n.current, s, newestFirst)
		n.current = slices.Insert(n.current, at, s)
	})
}

// end ends a version of an item, if it is one, now or when it becomes known.
func (t *Tree) end(n *node, v Version, by stamp, removed bool) {
	src := t.sources[v.Entry]
	if src == nil {
		t.awaited[v.Entry] = append(t.awaited[v.Entry], replacement{n, v.Op, by, removed})
		return
	}
	if int(v.Op) >= len(src.stated) {
		return
	}
	s := src.stated[v.Op]
	switch {
	case s == nil || s.node != n || s.stamp == by:
	case s.end.source == nil:
		s.end, s.removed = by, removed
		t.change(n, func() { n.current = slices.DeleteFunc(n.current, func(c *statement) bool { return c == s }) })
		n.history().replaced = append(n.past.replaced, s)
	case by.compare(s.end) < 0:
		s.end, s.removed = by, removed
	}
}

// resolve ends the versions of an entry that others replaced before it came.
func (t *Tree) resolve(src *source) {
	if len(t.awaited) == 0 {
		return
	}
	for _, r := range t.awaited[src.id] {
		t.end(r.node, Version{src.id, r.op}, r.by, r.removed)
	}
	delete(t.awaited, src.id)
}

func (t *Tree) setMode(n *node, by stamp, mode fs.FileMode) {
	if n.modeAt.source == nil || by.compare(n.modeAt) > 0 {
		n.mode, n.modeAt = mode, by
		t.touch(n.parent)
	}
}
