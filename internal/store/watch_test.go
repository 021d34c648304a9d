package store

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/mootspace/moot"
)

func TestWatchHasNoGap(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		const n = 300
		p := newSigner("ada")
		r.append(p.file("0", "0"), p.file("1", "1"))
		failed := make(chan error, 1)
		go func() {
			var err error
			for i := 2; i < n && err == nil; i++ {
				err = r.Append(t.Context(), moot.Merge, p.file(fmt.Sprint(i), "x"))
			}
			failed <- err
		}()
		next := uint64(2)
		for e, err := range r.Watch(t.Context(), upTo(numbers{p.id(): 1})) {
			must(t, err)
			if e.Seq != next {
				t.Fatalf("got %d, want %d", e.Seq, next)
			}
			if next++; next > n {
				break
			}
		}
		must(t, <-failed)
	})
}

func TestWatchEnds(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		p := newSigner("ada")
		r.append(p.file("a", "1"))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for e, err := range r.Watch(ctx, moot.Vector{}) {
			must(t, err)
			if e.Key == "a" {
				cancel()
			}
		}
		ended := make(chan error)
		go func() {
			_, err := collect(r.Watch(t.Context(), upTo(numbers{p.id(): 1})))
			ended <- err
		}()
		must(t, r.Close())
		wantKind(t, <-ended, moot.Unavailable)
	})
}

func TestSlowWatcherIsTold(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		r.maxLag = page
		p := newSigner("ada")
		r.append(p.file("a", "1"))
		var many []moot.Entry
		for i := range 4 * page {
			many = append(many, p.file(fmt.Sprint(i), "x"))
		}
		go r.append(many[0])
		var err error
		seen := 0
		for _, err = range r.Watch(t.Context(), moot.Vector{}) {
			if seen++; seen == 2 && err == nil { // it is live now, and slow
				r.append(many[1:]...)
			}
		}
		wantKind(t, err, moot.Unavailable)
	})
}

func TestAnyReplicaCanBeRebuilt(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		a, b := newSigner("ada"), newSigner("bob")
		first := a.file("k", "1")
		r.append(first)
		r.append(b.file("k", "2", first), b.file("l", "3"))
		r.append(a.file("k", "4"), a.file("m", ""))
		other := newRig(t, Config{})
		for e, err := range r.Query(t.Context(), moot.Query{History: true}) {
			must(t, err)
			other.append(e)
		}
		if got, want := other.bodies(moot.Query{}), r.bodies(moot.Query{}); !slices.Equal(got, want) {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}
