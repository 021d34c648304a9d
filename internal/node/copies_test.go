package node

import (
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/rules"
)

// holder is a device of copiesWorld: it answers what it holds.
type holder struct {
	moot.Node
	*copies
	held  map[moot.BlobID]bool
	space int64
	away  bool
	lazy  bool // fetches nothing
}

func (h *holder) HaveMany(_ context.Context, ids []moot.BlobID) ([]bool, error) {
	if h.away {
		return nil, moot.Errorf(moot.Unavailable, "away")
	}
	have := make([]bool, len(ids))
	for i, id := range ids {
		have[i] = h.held[id]
	}
	return have, nil
}

// copiesWorld are devices that are all connected, unless one is away.
type copiesWorld struct {
	t       *testing.T
	rules   rules.Rules
	files   []heldFile
	devices []*holder
	members []moot.Key
}

// asking returns rules that ask for so many copies of all files.
func asking(t *testing.T, copies int) rules.Rules {
	t.Helper()
	n := founder(t, Config{})
	rule := rules.Default()
	rule.Copies = copies
	must(t, rules.Set(t.Context(), n.store, n.signer.Through(n.store), rule))
	list, err := n.fileRules(t.Context())
	must(t, err)
	return list
}

const (
	checkEvery = 10 * time.Minute
	awayAfter  = time.Hour
)

func newCopiesWorld(t *testing.T, devices, files int, asked rules.Rules) *copiesWorld {
	w := &copiesWorld{t: t, members: devicesOf(devices), rules: asked}
	for _, k := range w.members {
		w.devices = append(w.devices, w.device(k))
	}
	for i := range files {
		f := heldFile{Path: "a", Blob: moot.Blob{ID: moot.BlobID{byte(i), byte(i >> 8), 1}, Size: 10}}
		binary.BigEndian.PutUint16(f.Window.folder[:], uint16(i/10))
		w.files = append(w.files, f)
		w.devices[i%devices].held[f.Blob.ID] = true
	}
	return w
}

func (w *copiesWorld) device(self moot.Key) *holder {
	h := &holder{held: map[moot.BlobID]bool{}, space: 1 << 20}
	h.copies = newCopies(copiesConfig{
		self: self, rules: func(context.Context) (rules.Rules, error) { return w.rules, nil }, local: h,
		files: func(_ context.Context, each func(heldFile)) error {
			for _, f := range w.files {
				each(f)
			}
			return nil
		},
		changed: func(context.Context) <-chan struct{} { return nil },
		fetch:   func(_ context.Context, list []heldFile) { w.fetch(h, list) },
		devices: func() []moot.Key { return w.members },
		peers: func(context.Context) (peers []moot.Peer) {
			for _, o := range w.devices {
				if o != h && !o.away && !h.away {
					peers = append(peers, moot.Peer{ID: o.self})
				}
			}
			return peers
		},
		dial: func(p moot.Peer) (moot.Node, error) {
			return w.devices[slices.IndexFunc(w.devices, func(o *holder) bool { return o.self == p.ID })], nil
		},
		space: func() int64 { return h.space }, extra: func(moot.BlobID) bool { return false },
		every: checkEvery, repair: awayAfter, now: time.Now, log: slog.New(slog.DiscardHandler),
	})
	return h
}

func (w *copiesWorld) fetch(h *holder, list []heldFile) {
	for _, f := range list {
		for _, o := range w.devices {
			if !h.lazy && !o.away && o.held[f.Blob.ID] {
				h.held[f.Blob.ID] = true
			}
		}
	}
}

// check has each device that is there check once, one after the other.
func (w *copiesWorld) check() {
	w.t.Helper()
	for _, h := range w.devices {
		if !h.away {
			must(w.t, h.check(w.t.Context(), true))
		}
	}
}

// counts returns the least and the most devices that are there and hold a file.
func (w *copiesWorld) counts() (least, most int) {
	least = len(w.devices)
	for _, f := range w.files {
		n := 0
		for _, h := range w.devices {
			if !h.away && h.held[f.Blob.ID] {
				n++
			}
		}
		least, most = min(least, n), max(most, n)
	}
	return least, most
}

func (w *copiesWorld) want(what string, least, most int) {
	w.t.Helper()
	if l, m := w.counts(); l != least || m > most {
		w.t.Errorf("%s: %d to %d copies, want %d to %d", what, l, m, least, most)
	}
}

// TestCopiesAreRepaired: any two of six go for good, nothing is lost, and there are three
// copies again within the time that is promised.
func TestCopiesAreRepaired(t *testing.T) {
	asked := asking(t, 3)
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 6, 200, asked)
		w.check()
		w.want("after a check", 3, 3)
		w.devices[1].away, w.devices[4].away = true, true
		w.check()
		if least, _ := w.counts(); least < 1 {
			t.Fatal("a file is lost with two devices")
		}
		for range (awayAfter + checkEvery) / checkEvery {
			time.Sleep(checkEvery)
			w.check()
		}
		w.want("after the repair", 3, 3)
		w.devices[1].away, w.devices[4].away = false, false
		before, _ := w.counts()
		w.check()
		if after, most := w.counts(); before != after || most > 5 {
			t.Errorf("returned copies count again: %d, then %d to %d", before, after, most)
		}
	})
}

// TestCopiesOfBriefAbsence: a device that is away for a while costs nothing.
func TestCopiesOfBriefAbsence(t *testing.T) {
	asked := asking(t, 3)
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 6, 200, asked)
		w.check()
		w.check() // all have said what they fetched in the first one
		w.devices[2].away = true
		time.Sleep(awayAfter / 2)
		w.check()
		w.devices[2].away = false
		w.check()
		w.want("after half an hour", 3, 3)
	})
}

// TestCopiesOfRemoved: the copies of a device that was removed are made up for at once.
func TestCopiesOfRemoved(t *testing.T) {
	asked := asking(t, 3)
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 6, 200, asked)
		w.check()
		w.devices[2].away = true
		w.members = slices.Delete(slices.Clone(w.members), 2, 3)
		w.check()
		w.want("after a removal", 3, 3)
	})
}

// TestCopiesPassOver: others fetch what one has no space for, or does not fetch.
func TestCopiesPassOver(t *testing.T) {
	asked := asking(t, 3)
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 6, 200, asked)
		w.devices[0].space, w.devices[3].lazy = 0, true
		for range 2 * lateChecks {
			w.check()
			time.Sleep(checkEvery)
		}
		w.want("around two that do not fetch", 3, 6)
	})
}

// TestOnly: what only one device holds is listed by it, and by no other.
func TestOnly(t *testing.T) {
	asked := asking(t, 2)
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 3, 30, asked)
		only, err := w.onlyOn(0, 0)
		must(t, err)
		if len(only) != 10 {
			t.Errorf("%d files are on this device only, want 10", len(only))
		}
		w.check()
		if only, err = w.onlyOn(0, 0); err != nil || len(only) != 0 {
			t.Errorf("%d files, %v", len(only), err)
		}
	})
}

// TestCopiesRun: the service checks by itself, and ends with its context.
func TestCopiesRun(t *testing.T) {
	asked := asking(t, 2)
	synctest.Test(t, func(t *testing.T) {
		w := newCopiesWorld(t, 2, 10, asked)
		for _, h := range w.devices { // one after the other: the fakes are not made for two at once
			ctx, cancel := context.WithCancel(t.Context())
			go h.run(ctx)
			time.Sleep(2 * copiesPoll)
			cancel()
			synctest.Wait()
		}
		w.want("of two devices", 2, 2)
	})
}
