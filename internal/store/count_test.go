package store

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// pinning is a gate as acts have it: "pin ada 3" ends what counts of an author at a number,
// "all ada" has everything count, and "branches ada" also entries on branches other than 0.
type pinning struct {
	pins     map[moot.Key]uint64
	branches map[moot.Key]bool
	begins   []moot.Position
	applied  []string
}

func newPinning() *pinning {
	return &pinning{pins: map[moot.Key]uint64{}, branches: map[moot.Key]bool{}}
}

func (*pinning) Admit(*moot.Entry, moot.Position, *moot.Position, Held) error { return nil }

func (g *pinning) Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held Held) (changed []moot.Key) {
	if begins != nil {
		g.begins = append(g.begins, *begins)
		changed = append(changed, e.Author)
	}
	if e.Kind != moot.KindAct {
		return changed
	}
	g.applied = append(g.applied, e.Key)
	if _, where, ok := held(e.ID); !ok || where != at {
		panic("an act that was stored is not held")
	}
	var verb, name string
	var seq uint64
	fmt.Sscan(e.Key, &verb, &name, &seq)
	author := newSigner(name).id()
	switch verb {
	case "pin":
		g.pins[author] = seq
	case "all":
		delete(g.pins, author)
	case "branches":
		g.branches[author] = true
	}
	return append(changed, author)
}

func (g *pinning) Counts(author moot.Key, _ moot.Kind, at moot.Position) bool {
	last, limited := g.pins[author]
	return (!limited || at.Seq <= last) && (at.Branch == 0 || g.branches[author])
}

// overGate is over with a gate.
func overGate(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Run("memory", func(t *testing.T) { test(t, newRig(t, Config{Gate: newPinning()})) })
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		test(t, newRig(t, Config{Gate: newPinning(), Database: dir + "/db"}))
	})
}

// again opens the store of a rig on disk anew, with a new gate.
func (r *rig) again() {
	if r.cfg.Database != "" {
		r.cfg.Gate = newPinning()
		r.reopen()
	}
}

func TestHiddenAndBack(t *testing.T) {
	overGate(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("bob")
		base := a.file("x", "base")
		early := b.file("y", "early")
		late := []moot.Entry{b.file("x", "late", base), b.file("z", "late"), b.file("y", "later", early)}
		r.append(base)
		r.append(early)
		r.append(late...)
		v, err := r.Vector(t.Context())
		must(t, err)
		if got := r.bodies(moot.Query{}); !slices.Equal(got, []string{"late", "later", "late"}) || v.Shown != 0 {
			t.Fatalf("at first: %q, %d", got, v.Shown)
		}

		pin := a.act("pin bob 1")
		r.append(pin)
		onTop := b.file("w", "on top", base)
		r.append(onTop)
		r.again()
		if got := r.bodies(moot.Query{Kind: moot.KindFile}); !slices.Equal(got, []string{"base", "early"}) {
			t.Fatalf("pinned: %q", got)
		}
		if got := r.bodies(moot.Query{History: true}); !slices.Equal(got, []string{"base", "early", pin.Key}) {
			t.Fatalf("history: %q", got)
		}
		if got := r.query(replica(moot.Vector{})); len(got) != 7 {
			t.Fatalf("%d entries for another node", len(got))
		}
		v, err = r.Vector(t.Context())
		must(t, err)
		if !v.Has(b.id(), headOf(onTop)) {
			t.Fatalf("what does not count is not counted as held: %v", v)
		}

		r.append(a.act("all bob"))
		r.again()
		if got := r.bodies(moot.Query{Kind: moot.KindFile}); !slices.Equal(got, []string{"on top", "late", "later", "late"}) {
			t.Fatalf("back: %q", got)
		}
		if got := r.bodies(moot.Query{History: true, Since: v}); !slices.Equal(got, []string{"base", "early", "late", "late", "later", "on top", "all bob"}) {
			t.Fatalf("since it was pinned: %q", got)
		}
		now, err := r.Vector(t.Context())
		must(t, err)
		if now.Shown <= v.Shown {
			t.Fatalf("%d after %d", now.Shown, v.Shown)
		}
		if got := r.bodies(moot.Query{History: true, Since: now}); len(got) != 0 {
			t.Fatalf("since now: %q", got)
		}
	})
}

// TestABranchCountsWhenTheGateSaysSo: the gate is told where branches begin before what
// follows is counted, also when the store is opened again.
func TestABranchCountsWhenTheGateSaysSo(t *testing.T) {
	overGate(t, func(t *testing.T, r *rig) {
		common, one, other := forked(r)
		_ = common
		want := []string{"1", "2", "3", "4"}
		if got := r.bodies(moot.Query{}); !slices.Equal(got, want) {
			t.Fatalf("in force: %q", got)
		}
		r.again()
		if got := r.bodies(moot.Query{History: true}); !slices.Equal(got, want) {
			t.Fatalf("opened again: %q", got)
		}
		if begins := r.cfg.Gate.(*pinning).begins; !slices.Equal(begins, []moot.Position{{Seq: 2}}) {
			t.Fatalf("branches begin at %v", begins)
		}
		must(t, r.Append(t.Context(), moot.Merge, newSigner("bob").act("branches ada")))
		if got := r.bodies(moot.Query{Kind: moot.KindFile}); len(got) != len(want)+len(other) {
			t.Fatalf("all branches: %q", got)
		}
		_ = one
	})
}

// TestWatchersSeeWhatComesBack: and only that, once.
func TestWatchersSeeWhatComesBack(t *testing.T) {
	r := newRig(t, Config{Gate: newPinning()})
	a, b := newSigner("ada"), newSigner("bob")
	r.append(a.file("a", "a"), b.file("1", "1"), b.file("2", "2"), b.file("3", "3"), a.act("pin bob 1"))
	next := []func(){
		func() { r.append(a.act("all bob")) },
		func() {},
		func() {},
		func() { r.append(b.file("4", "4")) },
	}
	var got []string
	since, err := r.Vector(t.Context())
	must(t, err)
	r.append(a.file("last", "last"))
	for e, err := range r.Watch(t.Context(), since) {
		must(t, err)
		if got = append(got, e.Key); len(got) > len(next) {
			break
		}
		next[len(got)-1]()
	}
	if !slices.Equal(got, []string{"last", "2", "3", "all bob", "4"}) {
		t.Fatalf("watched %q", got)
	}
}

// TestACrashBeforeCounting: what an act changes is made up for on opening.
func TestACrashBeforeCounting(t *testing.T) {
	dir := t.TempDir()
	r := newRig(t, Config{Database: dir + "/db"}) // no gate: as if it ended after the commit
	a, b := newSigner("ada"), newSigner("bob")
	r.append(b.file("1", "1"), b.file("2", "2"), a.act("pin bob 1"))
	for range 2 {
		r.again()
		if got := r.bodies(moot.Query{Kind: moot.KindFile}); !slices.Equal(got, []string{"1"}) {
			t.Fatalf("opened: %q", got)
		}
	}
	if got := r.cfg.Gate.(*pinning).applied; !slices.Equal(got, []string{"pin bob 1"}) {
		t.Fatalf("applied %q", got)
	}
}

func TestActsNeedTheirPast(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("bob")
		one := a.act("one")
		two := b.act("two", one)
		wantKind(t, r.Append(t.Context(), moot.Merge, two), moot.Gap)
		bare := one
		bare.Body = nil
		wantKind(t, r.Append(t.Context(), moot.Merge, bare), moot.Gap)
		r.append(one)
		must(t, r.Append(t.Context(), moot.Swap, two))
		must(t, r.Append(t.Context(), moot.Swap, b.act("two", two))) // acts replace nothing
		if got := r.bodies(moot.Query{Kind: moot.KindAct}); !slices.Equal(got, []string{"one", "two", "two"}) {
			t.Fatalf("acts: %q", got)
		}
		if n, err := r.Compact(t.Context(), 1<<62); n != 0 || err != nil {
			t.Fatalf("%d bodies dropped, %v", n, err)
		}
	})
}

func TestQueryByIDs(t *testing.T) {
	overGate(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("bob")
		one, two, hidden := a.file("1", "1"), a.file("2", "2"), b.file("3", "3")
		r.append(one, two, a.act("pin bob 0"), hidden)
		ids := []moot.EntryID{hidden.ID, {7}, two.ID}
		for _, c := range []struct {
			q    moot.Query
			want []string
		}{
			{moot.Query{History: true, IDs: ids}, []string{"2"}},
			{moot.Query{History: true, Replica: true, IDs: ids}, []string{"2", "3"}},
			{moot.Query{History: true, Replica: true, IDs: ids, Since: holding(two)}, []string{"3"}},
			{moot.Query{History: true, Replica: true, IDs: ids, Author: a.id()}, []string{"2"}},
			{moot.Query{History: true, IDs: []moot.EntryID{}}, []string{}},
		} {
			if got := r.bodies(c.q); !slices.Equal(got, c.want) {
				t.Errorf("%v: got %q, want %q", c.q, got, c.want)
			}
		}
		_, err := collect(r.Query(t.Context(), moot.Query{IDs: ids}))
		wantKind(t, err, moot.Invalid)
		_, err = collect(r.Query(t.Context(), moot.Query{History: true, IDs: make([]moot.EntryID, moot.MaxIDs+1)}))
		wantKind(t, err, moot.TooLarge)
	})
}

// TestViewIsOfWhatCounts: however often what counts changes, the store answers like a view
// of what counts alone, and who asks now and then is told of everything in it.
func TestViewIsOfWhatCounts(t *testing.T) {
	r := newRig(t, Config{Gate: newPinning()})
	number := 0
	rapid.Check(t, func(rt *rapid.T) {
		number++
		c := &changes{rig: r, rt: rt, name: fmt.Sprint(number)}
		c.since, _ = r.Vector(t.Context())
		c.signers = []*signer{newSigner("ada" + c.name), newSigner("bob" + c.name)}
		c.root = newSigner("root" + c.name)
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			c.step()
		}
		c.look()
		c.check()
	})
}

// changes are drawn entries by a few authors, and acts that change which of them count.
type changes struct {
	*rig
	rt      *rapid.T
	name    string // makes keys and authors of its own
	root    *signer
	signers []*signer
	files   []moot.Entry
	seen    map[moot.EntryID]bool
	since   moot.Vector
}

func (c *changes) step() {
	i := rapid.IntRange(0, len(c.signers)-1).Draw(c.rt, "signer")
	switch rapid.IntRange(0, 5).Draw(c.rt, "what") {
	case 0:
		verb := rapid.SampledFrom([]string{"all", "branches", "pin"}).Draw(c.rt, "act")
		who := rapid.SampledFrom([]string{"ada", "bob"}).Draw(c.rt, "of")
		c.append(c.root.act(fmt.Sprint(verb, " ", who, c.name, " ", rapid.IntRange(0, 6).Draw(c.rt, "at"))))
	case 1:
		c.signers = append(c.signers, c.signers[i].copied())
	case 2:
		c.look()
	default:
		key := rapid.SampledFrom([]string{"x", "y"}).Draw(c.rt, "key") + c.name
		var replaces []moot.Entry
		for _, e := range c.files {
			if rapid.IntRange(0, 3).Draw(c.rt, "replaces") == 0 {
				replaces = append(replaces, e)
			}
		}
		e := c.signers[i].file(key, rapid.SampledFrom([]string{"", "b"}).Draw(c.rt, "body"), replaces...)
		c.files = append(c.files, e)
		c.append(e)
	}
}

// look asks for what is new.
func (c *changes) look() {
	now, err := c.Vector(c.t.Context())
	must(c.t, err)
	if c.seen == nil {
		c.seen = map[moot.EntryID]bool{}
	}
	for _, e := range c.query(moot.Query{History: true, Since: c.since}) {
		c.seen[e.ID] = true
	}
	c.since = now
}

func (c *changes) check() {
	v := feed.NewView()
	for _, e := range c.files {
		var at moot.Position
		must(c.t, c.sql.position.QueryRow(e.ID[:]).Scan(new([]byte), &at.Branch, &at.Seq))
		if c.gate.Counts(e.Author, e.Kind, at) {
			v.Apply(e)
		}
	}
	for _, key := range []string{"x" + c.name, "y" + c.name} {
		got, want := c.query(moot.Query{Kind: moot.KindFile, Key: key}), v.Heads(moot.KindFile, key)
		if !slices.EqualFunc(got, want, func(a, b moot.Entry) bool { return a.ID == b.ID }) {
			c.rt.Fatalf("%s: %d versions in force, want %d", key, len(got), len(want))
		}
		for _, e := range got {
			if !c.seen[e.ID] {
				c.rt.Fatalf("entry %d of %s is in force, and was never seen", e.Seq, e.Author.Short())
			}
		}
	}
}

// TestWatchDuringChanges: a watcher that is live gets everything that counts, whatever
// changes meanwhile.
func TestWatchDuringChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{Gate: newPinning()})
		a, b := newSigner("ada"), newSigner("bob")
		seen := map[moot.EntryID]bool{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			for e, err := range r.Watch(ctx, moot.Vector{}) {
				if err != nil {
					done <- err
					return
				}
				seen[e.ID] = true
			}
			done <- nil
		}()
		for i := range 20 {
			r.append(b.file(fmt.Sprint(i), "x"), a.act(fmt.Sprint("pin bob ", i)), b.file(fmt.Sprint(i, "'"), "x"), a.act("all bob"))
		}
		synctest.Wait()
		cancel()
		must(t, <-done)
		for _, e := range r.query(moot.Query{History: true}) {
			if !seen[e.ID] {
				t.Errorf("%q was not seen", e.Key)
			}
		}
		must(t, r.Close())
	})
}
