package store

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/mootspace/moot"
)

func TestAppendedSurvives(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a := newSigner("ada")
		one := a.file("x", "1")
		two := a.file("x", "2", one)
		r.append(one, two)
		r.append(one, two) // held already: no error
		if r.cfg.Database != "" {
			r.reopen()
		}
		if got := r.bodies(moot.Query{}); !slices.Equal(got, []string{"2"}) {
			t.Fatalf("in force: %q", got)
		}
		if got := r.bodies(moot.Query{History: true}); !slices.Equal(got, []string{"1", "2"}) {
			t.Fatalf("history: %q", got)
		}
		v, err := r.Vector(t.Context())
		must(t, err)
		if len(v.Heads) != 1 || !v.Has(a.id(), moot.Head{Seq: 2, ID: two.ID}) {
			t.Fatalf("vector %v", v)
		}
	})
}

func TestRefused(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a := newSigner("ada")
		one := a.file("x", "1")
		two := a.file("y", "2")
		wantKind(t, r.Append(t.Context(), moot.Merge, two), moot.Gap)
		r.append(one)

		forged := a.file("z", "3")
		forged.Sig[5] ^= 1
		wantKind(t, r.Append(t.Context(), moot.Merge, two, forged), moot.Corrupt)
		if got := r.bodies(moot.Query{}); !slices.Equal(got, []string{"1", "2"}) {
			t.Fatalf("entries before the forged one: %q", got)
		}
		altered := a.sign(moot.KindFile, "w", "4")
		altered.Body = []byte("5")
		wantKind(t, r.Append(t.Context(), moot.Merge, altered), moot.Corrupt)
	})
}

func TestSwap(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		swap := func(e moot.Entry) error { return r.Append(t.Context(), moot.Swap, e) }
		a, b := newSigner("ada"), newSigner("bob")
		one := a.file("x", "1")
		must(t, swap(one))
		must(t, swap(one)) // held already
		wantKind(t, swap(b.sign(moot.KindFile, "x", "2")), moot.Conflict)
		two := b.file("x", "2", one)
		must(t, swap(two))
		wantKind(t, swap(a.sign(moot.KindFile, "x", "3", one)), moot.Conflict)

		gone := b.file("x", "", two)
		must(t, swap(gone))
		wantKind(t, swap(a.sign(moot.KindFile, "x", "3", two)), moot.Conflict)
		anew := a.file("x", "4") // queries leave out a deletion, so it need not be replaced
		must(t, swap(anew))
		must(t, swap(b.file("x", "5", anew)))
		must(t, swap(b.file("x elsewhere", "6")))
		if got := r.bodies(moot.Query{}); !slices.Equal(got, []string{"5", "6"}) {
			t.Fatalf("in force: %q", got)
		}
	})
}

func TestOneBadRequestDoesNotFailOthers(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		const n = 64
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				p := newSigner(fmt.Sprint(i))
				if i%2 == 1 {
					p.file("missing", "x")
				}
				errs[i] = r.Append(t.Context(), moot.Merge, p.file(fmt.Sprint(i), "ok"))
			})
		}
		wg.Wait()
		for i, err := range errs {
			if i%2 == 1 {
				wantKind(t, err, moot.Gap)
			} else {
				must(t, err)
			}
		}
		if got := len(r.query(moot.Query{})); got != n/2 {
			t.Fatalf("%d entries", got)
		}
	})
}

// gate admits authors once an entry of kind member, keyed by them, was applied.
type gate struct {
	known   map[moot.Key]bool
	applied []moot.Entry
}

func (g *gate) Admit(e *moot.Entry, _ moot.Position, _ *moot.Position, _ Held) error {
	if e.Kind != moot.KindMember && !g.known[e.Author] {
		return moot.Errorf(moot.Stranger, "%s is unknown", e.Author.Short())
	}
	return nil
}

func (g *gate) Counts(moot.Key, moot.Kind, moot.Position) bool { return true }

func (g *gate) Apply(e *moot.Entry, _ moot.Position, _ *moot.Position, _ Held) []moot.Key {
	g.applied = append(g.applied, *e)
	if k, err := moot.ParseKey(e.Key); err == nil && e.Kind == moot.KindMember {
		g.known[k] = true
	}
	return nil
}

func TestGate(t *testing.T) {
	dir := t.TempDir()
	g := &gate{known: map[moot.Key]bool{}}
	r := newRig(t, Config{Gate: g, Database: dir + "/db"})
	a := newSigner("ada")
	wantKind(t, r.Append(t.Context(), moot.Merge, a.sign(moot.KindFile, "x", "1")), moot.Stranger)
	member := a.write(moot.KindMember, a.id().String(), "hello")
	r.append(member, a.file("x", "1"), a.file("y", "2")) // each is verified with those before it applied
	if len(g.applied) != 3 {
		t.Fatalf("%d applied", len(g.applied))
	}
	again := &gate{known: map[moot.Key]bool{}}
	r.cfg.Gate = again
	r.reopen()
	if len(again.applied) != 1 || again.applied[0].ID != member.ID {
		t.Fatalf("replayed %v", again.applied)
	}
	r.append(a.file("z", "3"))
}

func TestClosed(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		must(t, r.Close())
		must(t, r.Close())
		wantKind(t, r.Append(t.Context(), moot.Merge, newSigner("ada").file("x", "1")), moot.Unavailable)
		_, err := r.Vector(t.Context())
		wantKind(t, err, moot.Unavailable)
		_, err = collect(r.Query(t.Context(), moot.Query{}))
		wantKind(t, err, moot.Unavailable)
		_, err = r.get(moot.BlobID{}, moot.Whole)
		wantKind(t, err, moot.Unavailable)
	})
}
