package tree

import (
	"slices"

	"github.com/mootspace/moot"
)

// Check reports, with kind Conflict, that an entry's operations supersede versions that are
// no longer in force, or state a content without superseding all that are, or give something
// a name that another item has: what a server refuses when it linearises names. Kind Invalid
// as for Apply, and if the entry's time does not exceed that of every entry that it cites.
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
	parent   *birthRow
	name     string
	content  Content
}

// birthRow is a folder that a change set names, where an item was born or is moved.
type birthRow struct {
	id     ID
	node   *node // nil if unknown
	parent *birthRow
	name   string
}

func (t *Tree) newBirthRow(parent *birthRow, name string, nonce Nonce) *birthRow {
	id := Birth{Parent: parent.id, Type: Folder, Name: name, Nonce: nonce}.ID()
	return &birthRow{id, t.nodes[id], parent, name}
}

func (t *Tree) newCheck(b *wireBody) *check {
	c := &check{tree: t, moved: map[ID]bool{}, ended: map[Version]bool{}}
	rows := []*birthRow{{node: t.root}}
	for _, f := range b.Folders {
		rows = append(rows, t.newBirthRow(rows[f.Parent], f.Name, b.nonce(f.Nonce)))
	}
	for i := range b.Ops {
		o := &b.Ops[i]
		id := Birth{Parent: rows[o.Folder].id, Type: o.itemType(), Name: o.Name, Nonce: b.nonce(o.Nonce)}.ID()
		l := claim{kind: o.Kind, item: o.itemType(), id: id, node: t.nodes[id], parent: rows[o.Folder], name: o.Name}
		switch o.Kind {
		case SetContent:
			l.content = o.content()
		case Move:
			l.parent, l.name = rows[o.Parent], o.To
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
	at := &birthRow{node: t.root}
	for _, name := range l.folders {
		at = t.newBirthRow(at, name, Nonce{})
	}
	id := Birth{Parent: at.id, Type: File, Name: l.name}.ID()
	op := claim{kind: SetContent, item: File, id: id, node: t.nodes[id], parent: at, name: l.name, content: l.Content}
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
			if err = c.free(&o); err == nil && o.node != nil && within(o.parent.node, o.node) {
				err = moot.Errorf(moot.Conflict, "%q lies in what is moved", o.name)
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

// replaces reports an error unless an operation ends only versions in force, and a content
// all of them. A removal may leave some: that of a conflict copy leaves the winner.
func (c *check) replaces(o *claim) error {
	for _, v := range o.replaces {
		if s := c.tree.statement(v); s == nil || s.node != o.node || s.end.source != nil {
			return moot.Errorf(moot.Conflict, "%q has been changed by someone else", o.name)
		}
	}
	if o.kind == SetContent && o.node != nil && slices.ContainsFunc(o.node.current, c.stays) {
		return moot.Errorf(moot.Conflict, "%q has been changed by someone else", o.name)
	}
	return nil
}

func (c *check) stays(s *statement) bool { return !c.ended[s.version()] }

// free reports an error if another item has the name that an item gets. Folders become
// one with a folder that is made; files of equal content are one.
func (c *check) free(o *claim) error {
	parent, name := o.parent, o.name
	if o.node != nil && o.kind == SetContent { // where it is, and nothing of it is shown
		parent, name = &birthRow{node: o.node.parent}, o.node.name
	}
	for _, n := range named(c.union(parent), name) {
		if n == o.node || c.moved[n.id] || n.dir == nil && !slices.ContainsFunc(n.current, c.stays) {
			continue
		}
		if o.kind == SetContent && o.item == n.kind && !slices.ContainsFunc(n.current, o.differs) {
			continue
		}
		return moot.Errorf(moot.Conflict, "there is a %q already", name)
	}
	return nil
}

// union returns the folders that are shown as one with a folder, or will be once it is made.
func (c *check) union(r *birthRow) []*node {
	if r.node != nil {
		if union, _, ok := c.tree.shownAs(r.node); ok {
			return union
		}
		return []*node{r.node}
	}
	folders := foldersOf(named(c.union(r.parent), r.name))
	return slices.DeleteFunc(folders, func(n *node) bool { return c.moved[n.id] })
}

// differs reports whether a version has another content than an operation states.
func (o *claim) differs(s *statement) bool {
	return s.Blob != o.content.Blob || s.Target != o.content.Target || s.Manifest != o.content.Manifest
}
