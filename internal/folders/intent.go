package folders

import (
	"context"
	"path"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/tree"
)

// Stated names a body of a change that may have been stated.
type Stated struct {
	_    struct{} `cbor:",toarray"`
	Key  string
	Hash moot.BlobID // of the body's data
}

// intent is a change that is about to be stated, as it is stored: what it makes disk and
// space agree on, if the space has it.
type intent struct {
	_      struct{} `cbor:",toarray"`
	Bodies []Stated
	After  []intended
}

// intended is an agreement as it is stored.
type intended struct {
	_      struct{} `cbor:",toarray"`
	Row    int64    // of the node; 0: none yet
	Path   string   // on the disk
	Record []byte   // as a row has it
	Stated bool
	Remove bool
	Body   int
	Op     int
}

var intentDecoder = cbor.NewDecoder(cbor.Limits{Elements: 1 << 24})

// intend stores what a change is about to make disk and space agree on.
func (f *folder) intend(ctx context.Context, d *change, bodies []tree.Body) error {
	if err := f.database.save(ctx, f.row, f.local, nil); err != nil { // gives nodes their rows
		return err
	}
	in := intent{Bodies: make([]Stated, len(bodies)), After: make([]intended, len(d.after))}
	for i, b := range bodies {
		in.Bodies[i] = Stated{Key: b.Key, Hash: blob.IDOf(b.Data)}
	}
	for i, a := range d.after {
		in.After[i] = intended{Row: a.node.id, Path: a.node.path(), Stated: a.stated, Remove: a.remove, Body: a.body, Op: a.op}
		if a.remove {
			continue
		}
		var err error
		if in.After[i].Record, err = encodeRow(&node{kind: a.kind, record: a.record}); err != nil {
			return err
		}
	}
	raw, err := cbor.Marshal(in)
	if err != nil {
		return err
	}
	f.progress.unsure = true
	return f.database.save(ctx, f.row, f.local, raw)
}

// recover finds out what became of an intent after a crash or an error: what the space has
// is agreed on, as if nothing had happened; the rest was not sent.
func (f *folder) recover(ctx context.Context) error {
	if !f.progress.unsure {
		return nil
	}
	raw, err := f.database.intent(ctx, f.row)
	if err != nil {
		return err
	}
	if raw != nil {
		var in intent
		if err := intentDecoder.Unmarshal(raw, &in); err != nil {
			return moot.Errorf(moot.Corrupt, "what was about to be sent of %s is damaged: %w", f.stored.dir, err)
		}
		entries, err := f.space.Stated(ctx, in.Bodies)
		if err != nil {
			return err
		}
		if err := f.replay(in.After, entries); err != nil {
			return err
		}
		f.local.intended = true
		if err := f.database.save(ctx, f.row, f.local, nil); err != nil {
			return err
		}
	}
	f.progress.unsure = false
	return nil
}

// replay makes those agreements whose entries there are.
func (f *folder) replay(after []intended, entries []moot.EntryID) error {
	list, err := f.stated(after, entries)
	if err != nil {
		return err
	}
	f.local.mu.Lock()
	placed := f.local.arrange(list)
	f.local.mu.Unlock()
	for _, a := range list {
		f.unnotice(a.node)
		switch {
		case placed[a.node] && !a.remove:
			a.agreement.agreed(f.local, entries)
		case a.node.parent != nil:
			f.local.remove(a.node)
		}
	}
	return nil
}

// located is an agreement and the path that it is about.
type located struct {
	agreement
	path string
}

// stated returns the agreements whose entries there are.
func (f *folder) stated(after []intended, entries []moot.EntryID) (list []located, err error) {
	rows := map[int64]*node{}
	for _, top := range append(f.local.strays, f.local.root) {
		top.each(func(n *node) { rows[n.id] = n })
	}
	for _, in := range after {
		if in.Body >= 0 && entries[in.Body] == (moot.EntryID{}) {
			continue
		}
		a := located{agreement{stated: in.Stated, remove: in.Remove, body: in.Body, op: in.Op}, in.Path}
		kind := tree.File
		if !in.Remove {
			if kind, a.record, err = decodeRow(in.Record); err != nil {
				return nil, err
			}
		}
		if in.Row != 0 {
			a.node = rows[in.Row]
		} else if n := f.local.at(in.Path); n != nil && n.id == 0 {
			a.node = n
		} else if !in.Remove {
			a.node = newNode(kind)
		}
		if a.node != nil { // else it is found by looking again
			list = append(list, a)
		}
	}
	return list, nil
}

// arrange gives nodes the places that they had when a change was about to be stated, those
// of folders first. What has none, because its folder is not known, is left out.
func (l *local) arrange(list []located) (placed map[*node]bool) {
	placed = map[*node]bool{}
	for _, a := range list {
		if n := a.node; !a.remove && n.parent != nil && n.attached() && n.path() == a.path {
			placed[n] = true
		} else if !a.remove && n.parent != nil && n.parent.children[n.name] == n {
			delete(n.parent.children, n.name)
		}
	}
	for _, a := range list {
		n, dir := a.node, l.at(strings.TrimPrefix(path.Dir("/"+a.path), "/"))
		if a.remove || placed[n] || dir == nil || dir.kind != tree.Folder {
			continue
		}
		if n.parent == nil {
			l.count++
		}
		n.parent, n.name = dir, path.Base(a.path)
		if other := dir.children[n.name]; other != nil {
			l.strays = append(l.strays, other)
		}
		dir.children[n.name], placed[n] = n, true
	}
	return placed
}
