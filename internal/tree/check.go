package tree

import (
	"slices"

	"github.com/mootspace/moot"
)

// Check reports, with kind Conflict, that an entry's operations supersede versions that are
// no longer in force, or not all that are, or give something a name that another item has:
// what a server refuses when it linearises names. Kind Invalid as for Apply, and if the
// entry's time does not exceed that of every entry that it cites.
func (t *Tree) Check(e moot.Entry) error {
	switch e.Kind {
	case moot.KindFile:
		return t.checkLegacy(&e)
	case moot.KindChange:
	default:
		return moot.Errorf(moot.Invalid, "an entry of kind %.20q is about no file", e.Kind)
	}
	b, err := decode(e.Body)
	if err != nil {
		return err
	}
	for i := range len(b.Cites) / citeSize {
		if src := t.sources[b.cite(uint32(i))]; src != nil && src.time >= e.Time {
			return moot.Errorf(moot.Invalid, "the entry is dated before what it replaces")
		}
	}
	return t.newCheck(b).run()
}

// check looks at one change set.
type check struct {
	tree  *Tree
	ops   []claim
	moved map[ID]bool      // items that the change set moves
	ended map[Version]bool // versions that it replaces or removes
}

// claim is an operation.
type claim struct {
	kind     Kind
	item     Type
	id       ID
	node     *node // nil if unknown
	replaces []Version
	to       spot // where it was born, or is moved; its parent is nil if unknown
	content  Content
}

func (t *Tree) newCheck(b *wireBody) *check {
	c := &check{tree: t, moved: map[ID]bool{}, ended: map[Version]bool{}}
	ids, rows := []ID{{}}, []*node{t.root}
	for _, f := range b.Folders {
		id := Birth{Parent: ids[f.Parent], Type: Folder, Name: f.Name, Nonce: b.nonce(f.Nonce)}.ID()
		ids, rows = append(ids, id), append(rows, t.nodes[id])
	}
	for i := range b.Ops {
		o := &b.Ops[i]
		id := Birth{Parent: ids[o.Folder], Type: o.itemType(), Name: o.Name, Nonce: b.nonce(o.Nonce)}.ID()
		l := claim{kind: o.Kind, item: o.itemType(), id: id, node: t.nodes[id], to: spot{rows[o.Folder], o.Name}}
		switch o.Kind {
		case SetContent:
			l.content = o.content()
		case Move:
			l.to = spot{rows[o.Parent], o.To}
			c.moved[id] = true
		}
		for j := 0; j < len(o.Replaces); j += 2 {
			v := Version{b.cite(o.Replaces[j]), o.Replaces[j+1]}
			l.replaces = append(l.replaces, v)
			c.ended[v] = true
		}
		c.ops = append(c.ops, l)
	}
	return c
}

func (t *Tree) checkLegacy(e *moot.Entry) error {
	l, err := decodeLegacy(e)
	if err != nil {
		return err
	}
	c := &check{tree: t, ended: map[Version]bool{}}
	at := t.root
	for _, name := range l.folders {
		if at != nil {
			at = t.nodes[Birth{Parent: at.id, Type: Folder, Name: name}.ID()]
		}
	}
	op := claim{kind: SetContent, item: File, to: spot{at, l.name}, content: l.Content}
	if at != nil {
		op.node = t.nodes[Birth{Parent: at.id, Type: File, Name: l.name}.ID()]
	}
	if e.Deletes() {
		op.kind = Remove
	}
	for _, id := range e.Replaces {
		op.replaces = append(op.replaces, Version{Entry: id})
		c.ended[Version{Entry: id}] = true
	}
	c.ops = []claim{op}
	return c.run()
}

func (c *check) run() error {
	for _, o := range c.ops {
		var err error
		switch o.kind {
		case SetContent:
			if err = c.replaces(&o); err == nil && (o.node == nil || !o.node.visible()) && !c.moved[o.id] {
				err = c.free(&o)
			}
		case Move:
			if err = c.free(&o); err == nil && o.node != nil && within(o.to.parent, o.node) {
				err = moot.Errorf(moot.Conflict, "%q lies in what is moved", o.to.name)
			}
		case Remove:
			err = c.replaces(&o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// replaces reports an error unless an operation ends exactly the versions in force.
func (c *check) replaces(o *claim) error {
	for _, v := range o.replaces {
		if s := c.tree.statement(v); s == nil || s.node != o.node || s.end.source != nil {
			return moot.Errorf(moot.Conflict, "%q has been changed by someone else", o.to.name)
		}
	}
	if o.node != nil && slices.ContainsFunc(o.node.current, c.stays) {
		return moot.Errorf(moot.Conflict, "%q has been changed by someone else", o.to.name)
	}
	return nil
}

func (c *check) stays(s *statement) bool { return !c.ended[s.version()] }

// free reports an error if another item has the name that an item gets. Folders become
// one with a folder that is made; files of equal content are one.
func (c *check) free(o *claim) error {
	at := o.to
	if o.node != nil && o.kind == SetContent {
		at = spot{o.node.parent, o.node.name}
	}
	if at.parent == nil {
		return nil // in a folder that the change set makes
	}
	union, _, ok := c.tree.shownAs(at.parent)
	if !ok {
		union = []*node{at.parent}
	}
	for _, n := range named(union, at.name) {
		if n == o.node || c.moved[n.id] || n.dir == nil && !slices.ContainsFunc(n.current, c.stays) {
			continue
		}
		if o.kind == SetContent && o.item == n.kind && !slices.ContainsFunc(n.current, o.differs) {
			continue
		}
		return moot.Errorf(moot.Conflict, "there is a %q already", at.name)
	}
	return nil
}

// differs reports whether a version has another content than an operation states.
func (o *claim) differs(s *statement) bool {
	return s.Blob != o.content.Blob || s.Target != o.content.Target || s.Manifest != o.content.Manifest
}
