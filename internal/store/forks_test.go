package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mootspace/moot"
)

// forked appends a feed of which two copies went on: 1 and 2 are on both, then come
// 3, 4 on one branch and 3', 4', 5' on the other.
func forked(r *rig) (common, one, other []moot.Entry) {
	a := newSigner("ada")
	common = []moot.Entry{a.file("1", "1"), a.file("2", "2")}
	b := a.copied()
	one = []moot.Entry{a.file("3", "3"), a.file("4", "4")}
	other = []moot.Entry{b.file("3", "3'"), b.file("4", "4'"), b.file("5", "5'")}
	r.append(common...)
	r.append(one...)
	r.append(other...)
	return common, one, other
}

func TestBothBranchesAreKept(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		common, one, other := forked(r)
		ada := common[0].Author
		for range 2 {
			v, err := r.Vector(t.Context())
			must(t, err)
			if !v.Equal(holding(one[1], other[2])) {
				t.Fatalf("vector %v", v)
			}
			if got := r.bodies(replica(moot.Vector{})); !slices.Equal(got, []string{"1", "2", "3", "4", "3'", "4'", "5'"}) {
				t.Fatalf("all: %q", got)
			}
			forks, err := r.Forks(t.Context())
			must(t, err)
			if len(forks) != 1 || forks[0].Author != ada || !slices.Equal(forks[0].Branches, []moot.Head{headOf(one[1]), headOf(other[2])}) {
				t.Fatalf("forks %v", forks)
			}
			must(t, forks[0].Proof.Verify())
			if p := forks[0].Proof; p.A.ID != one[0].ID || p.B.ID != other[0].ID {
				t.Fatalf("proof %v", p)
			}
			if r.cfg.Database == "" {
				break
			}
			r.reopen()
		}
	})
}

// TestSinceOfForkedFeeds: what a vector covers is what its heads have before them.
func TestSinceOfForkedFeeds(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		common, one, other := forked(r)
		b := newSigner("bob")
		r.append(b.file("b", "b"))
		unknown := func(seq uint64) moot.Entry { return moot.Entry{Author: one[0].Author, Seq: seq, ID: moot.EntryID{9}} }
		for what, c := range map[string]struct {
			since moot.Vector
			want  []string
		}{
			"nothing":                      {holding(), []string{"1", "2", "3", "4", "3'", "4'", "5'", "b"}},
			"another author":               {holding(b.last), []string{"1", "2", "3", "4", "3'", "4'", "5'"}},
			"before the fork":              {holding(common[0]), []string{"2", "3", "4", "3'", "4'", "5'", "b"}},
			"the last in common":           {holding(common[1]), []string{"3", "4", "3'", "4'", "5'", "b"}},
			"one branch":                   {holding(one[1]), []string{"3'", "4'", "5'", "b"}},
			"the other":                    {holding(other[2], b.last), []string{"3", "4"}},
			"a part of each":               {holding(one[0], other[1], b.last), []string{"4", "5'"}},
			"both":                         {holding(other[2], one[1], b.last), nil},
			"unknown and ahead":            {holding(unknown(6), b.last), nil},
			"unknown and not ahead of all": {holding(unknown(5), b.last), []string{"1", "2", "3", "4", "3'", "4'", "5'"}},
			"unknown with an older one":    {holding(unknown(9), common[1], b.last), []string{"3", "4", "3'", "4'", "5'"}},
			"another author's entry":       {moot.Vector{Heads: map[moot.Key][]moot.Head{b.id(): {headOf(one[1])}}}, []string{"1", "2", "3", "4", "3'", "4'", "5'"}},
			"a number":                     {upTo(numbers{one[0].Author: 3, b.id(): 1}), []string{"4", "4'", "5'"}},
		} {
			if got := r.bodies(replica(c.since)); !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
				t.Errorf("%s: got %q, want %q", what, got, c.want)
			}
			q := replica(c.since)
			q.Author = one[0].Author
			if got := r.bodies(q); len(got) != len(c.want) && !slices.Contains(c.want, "b") {
				t.Errorf("%s, of the author: got %q, want %q", what, got, c.want)
			}
		}
	})
}

func TestFirstEntriesAndBranchesOfBranches(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("ada")
		first, another := a.file("x", "a1"), b.file("x", "b1")
		c := b.copied()
		r.append(first, another)
		r.append(b.file("y", "b2"), b.file("y", "b3"))
		r.append(c.file("y", "c2"))
		d := c.copied()
		r.append(c.file("y", "c3"))
		r.append(d.file("y", "d3"))
		v, err := r.Vector(t.Context())
		must(t, err)
		if !v.Equal(holding(a.last, b.last, c.last, d.last)) {
			t.Fatalf("vector %v", v)
		}
		if got := r.bodies(replica(holding(d.last))); !slices.Equal(got, []string{"a1", "b2", "b3", "c3"}) {
			t.Fatalf("behind d: %q", got)
		}
		other := newRig(t, Config{})
		other.append(r.query(replica(moot.Vector{}))...)
		if w, err := other.Vector(t.Context()); err != nil || !w.Equal(v) {
			t.Fatalf("copied: %v, %v", w, err)
		}
	})
}

func TestBranchesAreBounded(t *testing.T) {
	r := newRig(t, Config{})
	a := newSigner("ada")
	r.append(a.file("1", "1"))
	for i := range maxBranches {
		r.append(a.copied().file("2", fmt.Sprint(i)))
	}
	wantKind(t, r.Append(t.Context(), moot.Merge, a.copied().file("2", "more")), moot.Fork)
	wantKind(t, r.Append(t.Context(), moot.Merge, newSigner("ada").file("other", "first")), moot.Fork)
	v, err := r.Vector(t.Context())
	must(t, err)
	if n := len(v.Heads[a.id()]); n != maxBranches {
		t.Fatalf("%d branches", n)
	}
}

// TestPredecessorsAreChecked: an entry that names a predecessor which is held must fit it.
func TestPredecessorsAreChecked(t *testing.T) {
	r := newRig(t, Config{})
	a, b := newSigner("ada"), newSigner("bob")
	r.append(a.file("1", "1"))
	skips := a.copied()
	skips.last.Seq += 3
	wantKind(t, r.Append(t.Context(), moot.Merge, skips.file("5", "5")), moot.Invalid)
	steals := newSigner("bob")
	steals.last = a.last
	wantKind(t, r.Append(t.Context(), moot.Merge, steals.file("2", "2")), moot.Invalid)
	early := a.copied()
	early.last.Time -= 1 << 20
	wantKind(t, r.Append(t.Context(), moot.Merge, early.file("2", "2")), moot.Invalid)
	b.file("1", "1")
	wantKind(t, r.Append(t.Context(), moot.Merge, b.file("2", "2")), moot.Gap)
}

// TestAHoleOnABranch: what follows an entry without its body is not counted as held, on
// any branch.
func TestAHoleOnABranch(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a := newSigner("ada")
		one, two := a.file("1", "1"), a.file("2", "2")
		b := a.copied()
		three, four := a.file("3", "3"), b.file("3", "3'")
		bare := two
		bare.Body = nil
		r.append(one, bare, three, four, b.file("4", "4'"))
		want := func(entries ...moot.Entry) {
			t.Helper()
			if v, err := r.Vector(t.Context()); err != nil || !v.Equal(holding(entries...)) {
				t.Fatalf("vector %v, %v", v, err)
			}
		}
		want(one)
		r.append(two)
		want(three, b.last)
		bare = b.file("5", "5'")
		whole := bare
		bare.Body = nil
		r.append(bare)
		v, err := r.Vector(t.Context())
		must(t, err)
		if v.Seq(a.id()) != 4 || !v.Has(a.id(), headOf(three)) {
			t.Fatalf("vector %v", v)
		}
		r.append(whole)
		want(three, whole)
	})
}
