package node

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/rules"
)

// onlyOn asks a device what only some devices hold.
func (w *copiesWorld) onlyOn(at int, devices ...int) ([]heldFile, error) {
	var keys []moot.Key
	for _, i := range devices {
		keys = append(keys, w.members[i])
	}
	h := w.devices[at]
	only, sure, err := h.OnlyOn(w.t.Context(), h.peers(w.t.Context()), time.Minute, keys)
	if !sure {
		w.t.Error("somebody that was asked does not answer")
	}
	return only, err
}

// TestOnlyOn counts what is lost with several devices, and with another one than this.
func TestOnlyOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 4, 40, rules.Rules{})
		w.devices[3].held[w.files[0].Blob.ID] = true // of device 0
		w.devices[1].held[w.files[2].Blob.ID] = true // of device 2
		for _, c := range []struct {
			at   int
			of   []int
			want int
		}{{0, []int{0}, 9}, {0, []int{1}, 10}, {1, []int{1}, 10}, {0, []int{1, 2}, 20}, {2, []int{2, 1}, 20}, {0, []int{0, 3}, 20}, {3, []int{2}, 9}} {
			if only, err := w.onlyOn(c.at, c.of...); err != nil || len(only) != c.want {
				t.Errorf("device %d knows of %d files that only %v hold, want %d; %v", c.at, len(only), c.of, c.want, err)
			}
		}
		w.devices[2].away = true
		if only, err := w.onlyOn(0, 2); err != nil || len(only) != 9 {
			t.Errorf("it remembers %d files of a device that is away, want 9; %v", len(only), err)
		}
	})
}

// slowNode answers when it is too late.
type slowNode struct{ moot.Node }

func (slowNode) HaveMany(ctx context.Context, _ []moot.BlobID) ([]bool, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestHoldings: what can be had now, from whom was connected lately, and what is not known.
func TestHoldings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 4, 8, rules.Rules{})
		h := w.devices[0]
		ask := func(count bool, blobs ...int) (list []app.Holding) {
			t.Helper()
			q := app.HoldingsQuery{Count: count}
			for _, i := range blobs {
				q.Blobs = append(q.Blobs, w.files[i].Blob.ID)
			}
			list, err := h.Holdings(t.Context(), h.peers(t.Context()), q)
			must(t, err)
			return list
		}
		want := func(what string, got []app.Holding, want ...app.Holding) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", what, got, want)
			}
		}
		w.devices[1].held[w.files[0].Blob.ID] = true
		want("unasked", ask(false, 0, 1), app.Holding{Copies: 1, Now: app.Here}, app.Holding{Copies: 1, Now: app.Available})
		want("counted", ask(true, 0), app.Holding{Copies: 2, Now: app.Here})
		ask(true, 3)
		w.devices[3].away = true
		want("away", ask(true, 3, 7), app.Holding{Copies: 1, Now: app.NotAvailable}, app.Holding{Now: app.NotAvailable})
		time.Sleep(2 * awayAfter)
		want("away for long", ask(true, 3), app.Holding{Now: app.NotAvailable})
		dial := h.dial
		h.dial = func(p moot.Peer) (moot.Node, error) {
			if p.ID == w.members[2] {
				return slowNode{}, nil
			}
			return dial(p)
		}
		begun := time.Now()
		want("slow", ask(true, 1, 2), app.Holding{Copies: 1, Now: app.Available}, app.Holding{Now: app.Unknown})
		if d := time.Since(begun); d > holdingsTime {
			t.Errorf("it took %v", d)
		}
	})
}
