package store

import (
	"fmt"
	"slices"
	"testing"

	"github.com/mootspace/moot"
)

func TestQueryFilters(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("bob")
		old := a.file("Reports/Été 2026.pdf", "old")
		r.append(old, a.file("Reports/Été 2026.pdf", "ete", old), a.file("reports/winter \"x\" OR.txt", "winter"),
			a.write(moot.KindMessage, "Reports/mail", "mail"), a.file("🎉 party*.png", "party"), a.file("\U0010ffff\U0010ffff", "high"))
		r.append(b.file("reports/bob_notes-v2", "bob"))
		for _, c := range []struct {
			q    moot.Query
			want []string
		}{
			{moot.Query{Kind: moot.KindMessage}, []string{"mail"}},
			{moot.Query{Key: "Reports/mail"}, []string{"mail"}},
			{moot.Query{Prefix: "Reports/"}, []string{"mail", "ete"}},
			{moot.Query{Prefix: "Reports/", Limit: 1}, []string{"mail"}},
			{moot.Query{Prefix: "\U0010ffff"}, []string{"high"}},
			{moot.Query{Author: b.id()}, []string{"bob"}},
			{moot.Query{Author: b.id(), Prefix: "Reports"}, nil},
			{moot.Query{Words: "ete"}, []string{"ete"}},
			{moot.Query{Words: "  ÉT  2026 "}, []string{"ete"}},
			{moot.Query{Words: "ete", History: true}, []string{"old", "ete"}},
			{moot.Query{Words: "report"}, []string{"mail", "ete", "bob", "winter"}},
			{moot.Query{Words: "report", Kind: moot.KindFile, Limit: 2}, []string{"ete", "bob"}},
			{moot.Query{Words: "x OR mail"}, nil},
			{moot.Query{Words: `"x" or`}, []string{"winter"}},
			{moot.Query{Words: "NEAR(x"}, nil},
			{moot.Query{Words: "notes v2 bob"}, []string{"bob"}},
			{moot.Query{Words: "bob_notes"}, []string{"bob"}},
			{moot.Query{Words: "🎉"}, []string{"party"}},
			{moot.Query{Words: "part*"}, []string{"party"}},
			{moot.Query{Words: "x\x00\"y"}, nil},
			{moot.Query{Words: "port"}, nil},
			{moot.Query{History: true, Author: b.id()}, []string{"bob"}},
			{moot.Query{History: true, Since: upTo(numbers{a.id(): 4})}, []string{"party", "high", "bob"}},
			{moot.Query{History: true, Since: upTo(numbers{a.id(): 4}), Author: b.id()}, []string{"bob"}},
			{moot.Query{History: true, Since: upTo(numbers{a.id(): 6, b.id(): 1})}, nil},
			{moot.Query{History: true, Since: upTo(numbers{a.id(): 1 << 63})}, []string{"bob"}},
			{moot.Query{History: true, Key: "Reports/Été 2026.pdf"}, []string{"old", "ete"}},
			{moot.Query{History: true, Limit: 2}, []string{"old", "ete"}},
		} {
			if got := r.bodies(c.q); !slices.Equal(got, c.want) {
				t.Errorf("%+v: got %q, want %q", c.q, got, c.want)
			}
		}
		_, err := collect(r.Query(t.Context(), moot.Query{Limit: -1}))
		wantKind(t, err, moot.Invalid)
		_, err = collect(r.Query(t.Context(), moot.Query{Words: string(make([]byte, 4096))}))
		wantKind(t, err, moot.TooLarge)
	})
}

func TestConflictsAndDeletions(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a, b, c := newSigner("ada"), newSigner("bob"), newSigner("cyd")
		c.last.Time = 5 << 16
		r.append(a.file("k", "a"))
		r.append(b.file("k", "b"), b.file("j", "j"))
		r.append(c.file("k", "c"))
		want := []string{"j", "c", "a", "b"} // the latest first; of a and b the greater key
		if k := a.id(); string(k[:]) < func() string { k := b.id(); return string(k[:]) }() {
			want = []string{"j", "c", "b", "a"}
		}
		if got := r.bodies(moot.Query{}); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
		heads := r.query(moot.Query{Key: "k"})
		r.append(a.file("k", "", heads...))
		if got := r.bodies(moot.Query{Key: "k"}); len(got) != 0 {
			t.Fatalf("deleted, and yet %q", got)
		}
	})
}

func TestPagesJoinWithoutSeam(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		const n = 2*page + 10
		var entries []moot.Entry
		signers := []*signer{newSigner("ada"), newSigner("bob"), newSigner("cyd")}
		for i := range n { // three versions of each key, so that pages end within one
			entries = append(entries, signers[i%3].file(fmt.Sprintf("%06d", i/3), "x"))
		}
		r.append(entries...)
		got := r.query(moot.Query{})
		if len(got) != n {
			t.Fatalf("%d of %d", len(got), n)
		}
		for i := range got[1:] {
			if a, b := got[i], got[i+1]; a.Key > b.Key || a.Key == b.Key && moot.Newer(&a, &b) >= 0 {
				t.Fatalf("%d is out of order", i+1)
			}
		}
		for _, limit := range []int{1, page, page + 1, n + 1} {
			if got := len(r.query(moot.Query{Limit: limit, History: limit%2 == 0})); got != min(limit, n) {
				t.Fatalf("limit %d: %d", limit, got)
			}
		}
		for e, err := range r.Query(t.Context(), moot.Query{}) {
			must(t, err)
			r.append(signers[0].file("later", "y", e)) // a reader does not block the writer
			break
		}
	})
}
