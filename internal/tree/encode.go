package tree

import (
	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// Body is the body of one entry of kind change.
type Body struct {
	Key  string // the path of the folder that its operations have in common, cut to moot.MaxKey
	Data []byte
	Ops  int
}

// Encode returns the operations as bodies of entries of kind change, each of at most
// moot.MaxBody bytes, and with each its key and how many operations it has; in order. Kind
// Invalid if something cannot be stated, as a link without a target.
func (e *Edit) Encode() ([]Body, error) {
	e.sort()
	var bodies []Body
	w := newBodyWriter(e)
	for _, o := range e.ops {
		if w.size+w.cost(o) > moot.MaxBody {
			b, err := w.body()
			if err != nil {
				return nil, err
			}
			bodies = append(bodies, b)
			w = newBodyWriter(e)
		}
		if err := w.add(o); err != nil {
			return nil, err
		}
	}
	if len(w.ops) > 0 {
		b, err := w.body()
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, b)
	}
	return bodies, nil
}

// bodyWriter fills one body.
type bodyWriter struct {
	edit   *Edit
	wire   wireBody
	ops    []cbor.Raw
	size   int // at most so many bytes
	nonces map[Nonce]uint32
	rows   map[*node]uint32
	cites  map[moot.EntryID]uint32
	common []string // the path that all operations so far have in common
}

// Upper bounds of what parts of a body need, in bytes.
const (
	bodyCost = 32 // the body itself, and its tables' heads
	rowCost  = 16 // beside the name
	opCost   = 128
	citeCost = 12 // beside the ID
)

func newBodyWriter(e *Edit) *bodyWriter {
	return &bodyWriter{
		edit: e, size: bodyCost, nonces: map[Nonce]uint32{}, rows: map[*node]uint32{e.tree.root: 0}, cites: map[moot.EntryID]uint32{},
	}
}

// cost returns an upper bound of what an operation adds to the body.
func (w *bodyWriter) cost(o *plannedOp) int {
	n := opCost + len(o.node.born) + len(o.Name) + len(o.Target) + len(o.Replaces)*(citeSize+citeCost) + nonceSize
	for _, at := range []*node{o.node.origin, o.parent} {
		for ; at != nil && at.origin != nil; at = at.origin {
			if _, known := w.rows[at]; !known {
				n += rowCost + len(at.born) + nonceSize
			}
		}
	}
	return n
}

func (w *bodyWriter) add(o *plannedOp) error {
	n := o.node
	line := wireOp{Kind: o.Kind, Folder: w.row(n.origin), Name: n.born, Nonce: w.nonce(n.nonce), Type: uint8(n.kind) - 1, Mode: uint32(o.Mode)}
	switch o.Kind {
	case SetContent:
		line.setContent(o.Content, n.kind)
	case Move:
		line.Parent, line.To = w.row(o.parent), o.Name
	}
	for _, v := range o.Replaces {
		line.Replaces = append(line.Replaces, w.cite(v.Entry), v.Op)
	}
	if !w.wire.sound(&line) {
		return moot.Errorf(moot.Invalid, "what is said of %q makes no sense", n.name)
	}
	raw, err := cbor.Marshal(&line)
	if err != nil {
		return err
	}
	w.ops = append(w.ops, raw)
	w.size += len(raw)
	w.narrow(o)
	return nil
}

func (w *bodyWriter) row(n *node) uint32 {
	if i, known := w.rows[n]; known {
		return i
	}
	f := wireFolder{Parent: w.row(n.origin), Name: n.born, Nonce: w.nonce(n.nonce)}
	w.wire.Folders = append(w.wire.Folders, f)
	i := uint32(len(w.wire.Folders))
	w.rows[n] = i
	w.size += rowCost + len(f.Name)
	return i
}

func (w *bodyWriter) nonce(n Nonce) uint32 {
	i, known := w.nonces[n]
	if !known {
		i = uint32(len(w.nonces))
		w.nonces[n] = i
		w.wire.Nonces = append(w.wire.Nonces, n[:]...)
		w.size += nonceSize
	}
	return i
}

func (w *bodyWriter) cite(id moot.EntryID) uint32 {
	i, known := w.cites[id]
	if !known {
		i = uint32(len(w.cites))
		w.cites[id] = i
		w.wire.Cites = append(w.wire.Cites, id[:]...)
		w.size += citeSize
	}
	return i
}

// narrow takes an operation's folder into account for the key.
func (w *bodyWriter) narrow(o *plannedOp) {
	at := w.edit.spotOf(o.node).parent
	var names []string
	for ; at != nil && at.origin != nil && len(names) <= MaxLevels; at = w.edit.spotOf(at).parent {
		names = append(names, w.edit.spotOf(at).name)
	}
	if len(w.ops) == 1 {
		for i := range names {
			w.common = append(w.common, names[len(names)-1-i])
		}
		return
	}
	for i := range w.common {
		if i == len(names) || names[len(names)-1-i] != w.common[i] {
			w.common = w.common[:i]
			return
		}
	}
}

func (w *bodyWriter) body() (Body, error) {
	wire := struct {
		Nonces  []byte       `cbor:"0,keyasint,omitempty"`
		Folders []wireFolder `cbor:"1,keyasint,omitempty"`
		Cites   []byte       `cbor:"2,keyasint,omitempty"`
		Ops     []cbor.Raw   `cbor:"3,keyasint"`
	}{w.wire.Nonces, w.wire.Folders, w.wire.Cites, w.ops}
	data, err := cbor.Marshal(&wire)
	if err != nil {
		return Body{}, err
	}
	if len(data) > moot.MaxBody {
		return Body{}, moot.Errorf(moot.TooLarge, "an operation of %d bytes", len(data))
	}
	key := ""
	for _, name := range w.common {
		if len(key)+1+len(name) > moot.MaxKey {
			break
		}
		key = join(key, name)
	}
	return Body{Key: key, Data: data, Ops: len(w.ops)}, nil
}
