package tree

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"time"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

type peer struct {
	sim    *sim
	number int
	tree   *Tree
	has    []int         // entries of each feed
	skew   time.Duration // of its clock
	clock  moot.Time
	cache  map[ID]string // of each folder, what was shown there at a revision
	seen   uint64
}

// receive takes a random part of what another has.
func (p *peer) receive(from *peer) {
	for _, a := range p.sim.Perm(len(p.has)) {
		if more := from.has[a] - p.has[a]; more > 0 {
			p.take(a, p.has[a]+p.sim.IntN(more+1))
		}
	}
}

func (p *peer) take(author, upTo int) {
	for ; p.has[author] < upTo; p.has[author]++ {
		e := p.sim.feeds[author][p.has[author]]
		p.clock = max(p.clock, e.Time)
		if err := p.tree.Apply(e); err != nil {
			p.sim.t.Fatal(err)
		}
		if p.sim.IntN(4) == 0 {
			if err := p.tree.Apply(e); err != nil {
				p.sim.t.Fatal(err)
			}
		}
	}
}

// say adds an entry to the peer's own feed, and takes it in.
func (p *peer) say(e moot.Entry, step int) {
	p.clock = max(p.clock+1, moot.TimeAt(time.Unix(1_700_000_000+int64(step), 0).Add(p.skew)))
	e.Author, e.Time, e.BodySize = moot.Key{byte(p.number + 1)}, p.clock, len(e.Body)
	sum := append(binary.BigEndian.AppendUint64([]byte{byte(p.number)}, uint64(e.Time)), e.Body...)
	e.ID = blake3.Sum256(append(sum, e.Key...))
	p.sim.feeds[p.number] = append(p.sim.feeds[p.number], e)
	p.take(p.number, len(p.sim.feeds[p.number]))
}

func (p *peer) name() string { return []string{"a", "b.txt", "c.tar", "d"}[p.sim.IntN(4)] }

// some returns something that is shown, with its path.
func (p *peer) some() (path string, r Shown, ok bool) {
	n := 0
	for at, row := range p.tree.Walk("") {
		if n++; p.sim.IntN(n) == 0 {
			path, r, ok = at, row, true
		}
	}
	return path, r, ok
}

// somewhere returns the path of a folder.
func (p *peer) somewhere() string {
	path, r, ok := p.some()
	if !ok || p.sim.IntN(3) == 0 {
		return ""
	}
	if r.Type != Folder {
		path, _ = cutLast(path)
	}
	return path
}

func (p *peer) content() Content {
	return Content{Blob: testBlob(p.sim.IntN(6)), ModTime: time.Unix(int64(p.sim.IntN(5)), 7).UTC()}
}

// act states something.
func (p *peer) act(step int) {
	s := p.sim
	if s.IntN(12) == 0 {
		p.actLegacy(step)
		return
	}
	e := p.tree.Edit(Nonce{byte(p.number), byte(step), 1})
	for range 1 + s.IntN(3) {
		p.edit(e)
	}
	ops := e.Ops()
	if len(ops) != e.Len() {
		s.t.Fatal("operations got lost")
	}
	p.commit(e, step)
	for _, o := range ops {
		s.ops++
		switch o.Kind {
		case Move:
			s.moves++
		case Remove:
			s.removals++
		}
	}
}

// commit says what an edit has collected.
func (p *peer) commit(e *Edit, step int) {
	bodies, err := e.Encode()
	if err != nil {
		p.sim.t.Fatal(err)
	}
	for _, b := range bodies {
		p.say(moot.Entry{Kind: moot.KindChange, Key: b.Key, Body: b.Data}, step)
	}
}

// edit adds a random operation. Those that make no sense are refused, which is fine.
func (p *peer) edit(e *Edit) {
	s := p.sim
	path, r, ok := p.some()
	switch k := s.IntN(12); {
	case k < 3 || !ok:
		_, _ = e.Write(join(p.somewhere(), p.name()), File, p.content(), fs.FileMode(s.IntN(3)))
	case k == 3:
		_, _ = e.Folder(join(p.somewhere(), p.name()), p.content(), 0o755)
	case k == 4:
		_, _ = e.Write(join(p.somewhere(), p.name()), Link, Content{Target: p.name()}, 0)
	case k == 5:
		e.Chmod(r.Item, fs.FileMode(s.IntN(8)))
	case k == 6:
		_ = e.RemoveAll(path)
	case k == 7 && r.Type != Folder:
		e.Remove(r.Item, r.Version)
	case k == 8 && r.Type == File:
		e.Replace(r.Item, p.content(), 0, r.Version)
	default:
		items := []ID{r.Item}
		if r.Type == Folder && s.IntN(3) > 0 {
			items = r.Folders
		}
		if to, ok := p.tree.Lookup(p.somewhere()); ok {
			_ = e.Move(items, to.Item, p.name())
		}
		if s.IntN(4) == 0 { // folders into one another, which others may do the other way round
			a, _ := e.Folder("a", Content{}, 0)
			d, _ := e.Folder("d", Content{}, 0)
			if s.IntN(2) == 0 {
				a, d = d, a
			}
			_ = e.Move([]ID{a}, d, p.name())
		}
	}
}

// actLegacy states, replaces or removes a file as version 0.1.0 did.
func (p *peer) actLegacy(step int) {
	e := moot.Entry{Kind: moot.KindFile, Key: p.name()}
	if p.sim.IntN(2) == 0 {
		e.Key = join(p.name(), e.Key)
	}
	m := newModel(p.entries())
	at := ID{}
	folder, name := cutLast(e.Key)
	if folder != "" {
		at = Birth{at, Folder, folder, Nonce{}}.ID()
	}
	if n := m.items[Birth{at, File, name, Nonce{}}.ID()]; n != nil {
		for _, s := range n.force {
			if s.e.Kind == moot.KindFile {
				e.Replaces = append(e.Replaces, s.e.ID)
			}
		}
	}
	if len(e.Replaces) == 0 || p.sim.IntN(3) > 0 {
		c := p.content()
		var err error
		if e.Body, err = cbor.Marshal(legacyBody{Blob: c.Blob.ID[:], Size: c.Blob.Size, Mode: 0o644, ModTime: 9}); err != nil {
			p.sim.t.Fatal(err)
		}
	}
	p.sim.legacy++
	p.say(e, step)
}

func (p *peer) entries() (all []moot.Entry) {
	for a, n := range p.has {
		all = append(all, p.sim.feeds[a][:n]...)
	}
	return all
}

// check compares a peer's tree with the model.
func (p *peer) check() {
	p.sim.compare(p.tree, newModel(p.entries()).tree())
	p.checkChanged()
}

// checkChanged checks that whatever is shown differently was in a folder that changed.
func (p *peer) checkChanged() {
	changed, known := p.tree.Changed(p.seen)
	if !known {
		p.sim.t.Error("changes were forgotten")
	}
	p.seen = p.tree.Revision()
	for _, id := range changed {
		p.cache[id] = fmt.Sprint(p.tree.ReadDir(id))
	}
	for id, n := range p.tree.nodes {
		if fresh := fmt.Sprint(p.tree.ReadDir(id)); n.dir != nil && fresh != p.cache[id] && len(n.dir.children) > 0 {
			p.sim.t.Errorf("%q changed unnoticed:\n%s\n%s", n.name, p.cache[id], fresh)
		}
	}
}
