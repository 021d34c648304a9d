package store

import (
	"slices"
	"testing"

	"github.com/mootspace/moot"
)

// TestRetractedAsIfNeverStored: a store that retracts late entries answers like one that
// never received them.
func TestRetractedAsIfNeverStored(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("bob")
		base := a.file("x", "base")
		early := b.file("y", "early")
		late := []moot.Entry{b.file("x", "late", base), b.file("z", "late"), b.file("y", "later", early)}
		unseen := a.sign(moot.KindFile, "w", "unseen")
		onTop := b.file("w", "on top", unseen)
		r.append(base)
		r.append(early)
		r.append(late...)
		r.append(onTop)
		n, err := r.retract(b.id(), early.Seq)
		must(t, err)
		if n != 4 {
			t.Fatalf("%d entries were dropped", n)
		}
		r.append(unseen) // awaited by what was retracted: in force now
		if got := r.bodies(moot.Query{}); !slices.Equal(got, []string{"unseen", "base", "early"}) {
			t.Fatalf("in force: %q", got)
		}
		if v, err := r.Vector(t.Context()); err != nil || v[b.id()] != early.Seq {
			t.Fatalf("vector %v, %v", v, err)
		}
		must(t, r.Append(t.Context(), moot.Merge, late...)) // nothing stands in the way of hearing it again
		if n, err := r.retract(b.id(), 100); n != 0 || err != nil {
			t.Fatalf("nothing to retract: %d, %v", n, err)
		}
	})
}
