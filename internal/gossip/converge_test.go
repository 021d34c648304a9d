package gossip_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/store"
)

// past is a history of several devices, of which some were copied: entries, each after
// what it names.
type past struct {
	entries []moot.Entry
	authors []*feed.Author
	keys    []ed25519.PrivateKey // of authors
	last    []*moot.Entry        // of authors
}

// newPast has devices of its own for each number.
func newPast(devices, number int) *past {
	p := &past{}
	for i := range devices {
		seed := make([]byte, ed25519.SeedSize)
		seed[0], seed[1], seed[2] = byte(i+1), byte(number), byte(number>>8)
		p.add(ed25519.NewKeyFromSeed(seed), nil)
	}
	return p
}

func (p *past) add(key ed25519.PrivateKey, last *moot.Entry) {
	clock := feed.NewClock(func() time.Time { return time.Unix(1_800_000_000, 0) }, 0)
	p.authors = append(p.authors, feed.NewAuthor(space, key, clock, last))
	p.keys, p.last = append(p.keys, key), append(p.last, last)
}

// fork has a copy of an author go on from where it stands.
func (p *past) fork(i int) { p.add(p.keys[i], p.last[i]) }

// write adds an entry of an author; if it cites something, an act.
func (p *past) write(i int, cites ...moot.EntryID) moot.Entry {
	key := fmt.Sprint(len(p.entries))
	var e moot.Entry
	if len(cites) > 0 {
		e = p.authors[i].NextAct(key, cites, []byte("act"))
	} else {
		e = p.authors[i].Next(moot.KindFile, key, nil, []byte("file"))
	}
	p.authors[i].Commit(e)
	p.last[i] = &e
	p.entries = append(p.entries, e)
	return e
}

// closed returns the entries that some of them name, directly or through others, in order.
func (p *past) closed(some []bool) (all []moot.Entry) {
	some = slices.Clone(some)
	index := map[moot.EntryID]int{}
	for i, e := range p.entries {
		index[e.ID] = i
	}
	for i := len(p.entries) - 1; i >= 0; i-- {
		if e := p.entries[i]; some[i] {
			for _, id := range append(e.Cites, e.Prev) {
				if j, ok := index[id]; ok {
					some[j] = true
				}
			}
		}
	}
	for i, e := range p.entries {
		if some[i] {
			all = append(all, e)
		}
	}
	return all
}

// drawPast draws a history in which devices fork, often and early, and cite one another.
func drawPast(t *rapid.T, number int) *past {
	p := newPast(rapid.IntRange(1, 3).Draw(t, "devices"), number)
	p.write(0)
	var acts []moot.EntryID
	for range rapid.IntRange(1, 20).Draw(t, "steps") {
		i := rapid.IntRange(0, len(p.authors)-1).Draw(t, "author")
		switch rapid.IntRange(0, 6).Draw(t, "what") {
		case 0:
			if len(p.authors) < 8 {
				p.fork(i)
			}
		case 1, 2:
			cited := p.write(i)
			if len(acts) > 0 {
				n := len(acts)
				cited = p.write(i, acts[n-1], acts[rapid.IntRange(0, n-1).Draw(t, "cites")])
			}
			acts = append(acts, cited.ID)
		default:
			for range rapid.IntRange(1, 8).Draw(t, "run") {
				p.write(i)
			}
		}
	}
	return p
}

func openStore(t *testing.T) *store.Store {
	s, err := store.Open(context.Background(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// flaky is a link that breaks after so many entries.
type flaky struct {
	moot.Feeds
	left int
}

func (f *flaky) broken(n int) bool {
	f.left -= n
	return f.left < 0
}

func (f *flaky) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		for e, err := range f.Feeds.Query(ctx, q) {
			if f.broken(1) {
				yield(moot.Entry{}, moot.Errorf(moot.Unavailable, "the link broke"))
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (f *flaky) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if f.broken(len(entries)) {
		_ = f.Feeds.Append(ctx, mode, entries[:len(entries)/2]...) // some may arrive all the same
		return moot.Errorf(moot.Unavailable, "the link broke")
	}
	return f.Feeds.Append(ctx, mode, entries...)
}

// TestConvergence: nodes that hold closed parts of a history with forks come to hold all
// that any of them has, in any pairing, and though links break.
func TestConvergence(t *testing.T) {
	var all []*store.Store // of the cases before, which have converged
	number := 0
	rapid.Check(t, func(rt *rapid.T) {
		if len(all) == 0 {
			all = []*store.Store{openStore(t), openStore(t), openStore(t)}
		}
		nodes := slices.Clone(all)
		all = nil
		number++
		p := drawPast(rt, number)
		held := make([]bool, len(p.entries))
		for n := range nodes {
			some := make([]bool, len(p.entries))
			for range rapid.IntRange(0, 3).Draw(rt, "parts") {
				i := rapid.IntRange(0, len(p.entries)-1).Draw(rt, "part")
				some[i], held[i] = true, true
			}
			if err := nodes[n].Append(t.Context(), moot.Merge, p.closed(some)...); err != nil {
				rt.Fatal(err)
			}
		}
		for range rapid.IntRange(0, 6).Draw(rt, "meetings") {
			a := rapid.IntRange(0, len(nodes)-1).Draw(rt, "a")
			b := rapid.IntRange(0, len(nodes)-1).Draw(rt, "b")
			_, _, _ = gossip.Reconcile(t.Context(), nodes[a], &flaky{nodes[b], rapid.IntRange(0, 60).Draw(rt, "breaks after")})
		}
		for range 2 { // along a line, there and back
			for n := range nodes[1:] {
				meet(rt, nodes[n], nodes[n+1])
			}
			slices.Reverse(nodes)
		}
		checkHeld(rt, nodes, p.closed(held))
		all = nodes
	})
}

func meet(rt *rapid.T, a, b moot.Feeds) {
	if _, _, err := gossip.Reconcile(context.Background(), a, b); err != nil {
		rt.Fatal(err)
	}
}

func checkHeld(rt *rapid.T, nodes []*store.Store, want []moot.Entry) {
	first, err := nodes[0].Vector(context.Background())
	if err != nil {
		rt.Fatal(err)
	}
	for n, node := range nodes {
		v, err := node.Vector(context.Background())
		if err != nil || !v.Equal(first) {
			rt.Fatalf("node %d: %v, %v; want %v", n, v, err, first)
		}
		got := map[moot.EntryID]bool{}
		for _, e := range want {
			for e, err := range node.Query(context.Background(), moot.Query{History: true, Replica: true, IDs: []moot.EntryID{e.ID}}) {
				if err != nil {
					rt.Fatal(err)
				}
				got[e.ID] = true
			}
		}
		if len(got) != len(want) {
			rt.Fatalf("node %d holds %d entries, want %d", n, len(got), len(want))
		}
	}
}

// counted counts entries that are sent.
type counted struct {
	moot.Feeds
	sent int
}

func (c *counted) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		for e, err := range c.Feeds.Query(ctx, q) {
			if c.sent++; !yield(e, err) {
				return
			}
		}
	}
}

// TestAForkCostsLittle: two nodes that hold one branch each of a long feed send one another
// little more than what is lacking, and nothing once both hold all.
func TestAForkCostsLittle(t *testing.T) {
	p := newPast(1, 0)
	for range 500 {
		p.write(0)
	}
	p.fork(0)
	common := slices.Clone(p.entries)
	a, b := openStore(t), openStore(t)
	for _, s := range []*store.Store{a, b} {
		if err := s.Append(t.Context(), moot.Merge, common...); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		if err := a.Append(t.Context(), moot.Merge, p.write(0)); err != nil {
			t.Fatal(err)
		}
		if err := b.Append(t.Context(), moot.Merge, p.write(1)); err != nil {
			t.Fatal(err)
		}
	}
	remote := &counted{Feeds: b}
	for _, limit := range []int{100, 0} {
		remote.sent = 0
		pulled, pushed, err := gossip.Reconcile(t.Context(), a, remote)
		if err != nil || remote.sent > limit {
			t.Errorf("%d entries were sent, want at most %d; pulled %d, pushed %d, %v", remote.sent, limit, pulled, pushed, err)
		}
	}
	va, _ := a.Vector(t.Context())
	vb, _ := b.Vector(t.Context())
	if !va.Equal(vb) || len(va.Heads) != 1 || va.Seq(common[0].Author) != 520 {
		t.Errorf("%v and %v", va, vb)
	}
}

// sparing answers queries with the last entry only, but for those named by ID.
type sparing struct{ moot.Feeds }

func (s sparing) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		var last moot.Entry
		for e, err := range s.Feeds.Query(ctx, q) {
			if last = e; (len(q.IDs) > 0 || err != nil) && !yield(e, err) {
				return
			}
		}
		if len(q.IDs) == 0 {
			yield(last, nil)
		}
	}
}

// TestWhatAnEntryNamesIsFetched: an act that arrives first draws what it cites after it.
func TestWhatAnEntryNamesIsFetched(t *testing.T) {
	p := newPast(3, 0)
	one := p.write(0)
	two := p.write(1, one.ID)
	three := p.write(0, two.ID)
	p.write(2, one.ID, two.ID, three.ID)
	from, to := openStore(t), openStore(t)
	if err := from.Append(t.Context(), moot.Merge, p.entries...); err != nil {
		t.Fatal(err)
	}
	pulled, _, err := gossip.Reconcile(t.Context(), to, sparing{from})
	if err != nil || pulled != 4 {
		t.Fatalf("pulled %d, %v", pulled, err)
	}
	other := openStore(t)
	if _, pushed, err := gossip.Reconcile(t.Context(), sparing{from}, other); err != nil || pushed != 4 {
		t.Fatalf("pushed %d, %v", pushed, err)
	}
}
