package tree

import (
	"io/fs"
	"iter"

	"github.com/mootspace/moot"
)

// Apply takes in an entry of kind change or file; one that was taken in before changes
// nothing. Kind Invalid if it is none: nothing of it is taken in then.
func (t *Tree) Apply(e moot.Entry) error {
	err := t.apply(&e)
	t.replay()
	return err
}

// ApplyAll takes in many entries, which costs less than one by one if folders were moved;
// refused, which may be nil, is called with those that Apply would refuse.
func (t *Tree) ApplyAll(entries iter.Seq[moot.Entry], refused func(moot.Entry, error)) {
	for e := range entries {
		if err := t.apply(&e); err != nil && refused != nil {
			refused(e, err)
		}
	}
	t.replay()
}

func (t *Tree) apply(e *moot.Entry) error {
	if t.sources[e.ID] != nil {
		return nil
	}
	switch e.Kind {
	case moot.KindFile:
		return t.applyLegacy(e)
	case moot.KindChange:
	default:
		return moot.Errorf(moot.Invalid, "an entry of kind %.20q is about no file", e.Kind)
	}
	if e.Body == nil && e.BodySize > 0 { // dropped: nothing that it stated is in force
		return nil
	}
	b, err := decode(e.Body)
	if err != nil {
		return err
	}
	t.applyChange(e, b)
	return nil
}

func (t *Tree) applyChange(e *moot.Entry, b *wireBody) {
	src := t.source(e, len(b.Ops))
	rows := make([]*node, 1, len(b.Folders)+1)
	rows[0] = t.root
	for _, f := range b.Folders {
		rows = append(rows, t.bear(rows[f.Parent], Folder, f.Name, b.nonce(f.Nonce), e.Time))
	}
	for i := range b.Ops {
		o, by := &b.Ops[i], stamp{src, uint32(i)}
		n := t.bear(rows[o.Folder], o.itemType(), o.Name, b.nonce(o.Nonce), e.Time)
		mode := fs.FileMode(o.Mode)
		switch o.Kind {
		case SetContent:
			t.state(n, by, o.content(), mode)
		case SetMode:
			t.setMode(n, by, mode)
		case Move:
			t.relocate(&move{stamp: by, node: n, to: spot{rows[o.Parent], o.To}})
		case Remove:
			n.history().removals = append(n.past.removals, by)
		}
		for j := 0; j < len(o.Replaces); j += 2 {
			t.end(n, Version{b.cite(o.Replaces[j]), o.Replaces[j+1]}, by, o.Kind == Remove)
		}
	}
	t.resolve(src)
}
