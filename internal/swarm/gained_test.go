package swarm

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
)

// TestGained: to learn little by little what a source holds is to learn it at once.
func TestGained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := Config{Groups: 64, Part: 4}
		a, b := New(cfg), New(cfg)
		a.AddSource(moot.Key{1}, nil)
		var all []Run
		for range rapid.IntRange(0, 12).Draw(t, "n") {
			r := Run{rapid.Int64Range(-3, 66).Draw(t, "first"), rapid.Int64Range(0, 9).Draw(t, "count")}
			a.Gained(moot.Key{1}, r)
			all = append(all, r)
		}
		b.AddSource(moot.Key{1}, all)
		x, y := a.sources[moot.Key{1}], b.sources[moot.Key{1}]
		if !slices.Equal(x.held, y.held) || !slices.Equal(x.parts, y.parts) || !slices.Equal(a.avail, b.avail) {
			t.Errorf("%v and %v, %v and %v", x.held, y.held, a.avail, b.avail)
		}
	})
}
