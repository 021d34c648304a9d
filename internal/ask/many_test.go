package ask

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// someSmall stores n small blobs on all peers.
func someSmall(t *testing.T, n int, peers ...*peer) (ids []moot.BlobID) {
	t.Helper()
	for i := range n {
		ids = append(ids, share(t, fmt.Appendf(nil, "small %d", i), peers...).ID)
	}
	return ids
}

// bulk fetches many blobs through the node.
func (w *world) bulk(ids []moot.BlobID) (got []moot.BlobID, err error) {
	for s, err := range w.node.GetMany(w.t.Context(), ids) {
		if err != nil {
			return got, err
		}
		if blob.IDOf(s.Data) != s.ID {
			w.t.Errorf("yielded other bytes for %v", s.ID)
		}
		got = append(got, s.ID)
	}
	return got, nil
}

// wantsAll fails unless just these blobs come, once each.
func (w *world) wantsAll(ids, want []moot.BlobID) {
	w.t.Helper()
	got, err := w.bulk(ids)
	if err != nil || len(got) != len(want) {
		w.t.Fatalf("got %d of %d blobs: %v\n%s", len(got), len(want), err, w.log.String())
	}
	for _, id := range want {
		if !slices.Contains(got, id) {
			w.t.Fatalf("%v is lacking", id)
		}
	}
}

func (p *peer) requests() (requests, blobs int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, ids := range p.many {
		blobs += len(ids)
	}
	return len(p.many), blobs
}

// TestManyTakeFewRequests: one request a window, whatever comes from how many sources.
func TestManyTakeFewRequests(t *testing.T) {
	const count = 5000
	for _, sources := range []int{1, 3} {
		bubble(t, func(t *testing.T) {
			peers := []*peer{newPeer(1), newPeer(2), newPeer(3)}[:sources]
			w := newWorld(t, peers...)
			for _, p := range peers { // none is so fast that it is asked for everything
				p.small = func(context.Context, moot.Small) error { time.Sleep(time.Millisecond); return nil }
			}
			ids := someSmall(t, count, peers...)
			missing, err := w.node.FetchMany(t.Context(), ids)
			if err != nil || len(missing) > 0 {
				t.Fatal(len(missing), err)
			}
			requests, busy := 0, 0
			for _, p := range peers {
				n, _ := p.requests()
				requests += n
				busy += min(n, 1)
			}
			if requests > count/20 || busy != sources {
				t.Errorf("%d requests to %d of %d sources for %d blobs", requests, busy, sources, count)
			}
			held, err := w.local.HaveMany(t.Context(), ids)
			if err != nil || slices.Contains(held, false) {
				t.Error("not all are stored:", err)
			}
		})
	}
}

func TestManyComeFromHereFirst(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPeer(1)
		w := newWorld(t, p)
		ids := someSmall(t, 10, p)
		for i := range 6 {
			if _, err := w.local.Put(t.Context(), bytes.NewReader(fmt.Appendf(nil, "small %d", i))); err != nil {
				t.Fatal(err)
			}
		}
		w.wantsAll(append(ids, moot.BlobID{9}), ids)
		if _, blobs := p.requests(); blobs != 5 {
			t.Errorf("%d blobs were requested", blobs)
		}
		if h, err := w.local.Have(t.Context(), ids[9]); moot.KindOf(err) != moot.NotFound {
			t.Errorf("GetMany has stored %v, %v", h, err)
		}
	})
}

// TestManyFromBadSources: what one source lacks, falsifies, or does not send comes from another.
func TestManyFromBadSources(t *testing.T) {
	wrong := func(context.Context, moot.Small) error { return moot.Errorf(moot.Corrupt, "other bytes") }
	for name, c := range map[string]struct {
		harm   func(p *peer)
		banned bool
	}{
		"dishonest": {func(p *peer) { p.small = wrong }, true},
		"stalling": {func(p *peer) {
			p.small = func(ctx context.Context, _ moot.Small) error { <-ctx.Done(); return ctx.Err() }
		}, false},
		"silent": {func(p *peer) { p.silent = true }, false},
		"gone":   {func(p *peer) { p.leave(true) }, false},
		"leaving": {func(p *peer) {
			left := 100
			p.small = func(context.Context, moot.Small) error {
				if left--; left < 0 {
					return moot.Errorf(moot.Unavailable, "connection reset")
				}
				return nil
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				bad, good := newPeer(1), newPeer(2)
				w := newWorld(t, bad, good)
				ids := someSmall(t, 200, bad, good)
				slices.SortFunc(ids, func(a, b moot.BlobID) int { // the bad one is asked first
					return int(first32(a)%2) - int(first32(b)%2)
				})
				if (first32(self)^first32(ids[0]))%2 != 0 {
					slices.Reverse(ids)
				}
				c.harm(bad)
				begun := time.Now()
				w.wantsAll(ids, ids)
				if took := time.Since(begun); took > 6*time.Second {
					t.Errorf("it took %v", took)
				}
				if w.node.bans.has(bad.ID, time.Now()) != c.banned {
					t.Error("banned:", !c.banned)
				}
			})
		})
	}
}

func first32[T ~[32]byte](v T) uint32 {
	return uint32(v[0]) | uint32(v[1])<<8 | uint32(v[2])<<16 | uint32(v[3])<<24
}

// TestManyOfARequiredAuthority: what it lacks is left out, and that it is away is an error.
func TestManyOfARequiredAuthority(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, true)
		contents := [][]byte{[]byte("a"), []byte("b")}
		stored, err := w.node.PutMany(t.Context(), contents)
		if err != nil || len(stored) != 2 || w.local.find(stored[0].ID) != nil {
			t.Fatal(stored, err)
		}
		ids := []moot.BlobID{stored[0].ID, {1}, stored[1].ID}
		w.wantsAll(ids, []moot.BlobID{ids[0], ids[2]})
		held, err := w.node.HaveMany(t.Context(), ids)
		if err != nil || !slices.Equal(held, []bool{true, false, true}) {
			t.Error(held, err)
		}
		server.leave(true)
		_, put := w.node.PutMany(t.Context(), contents)
		_, get := w.bulk(ids)
		_, have := w.node.HaveMany(t.Context(), ids)
		_, fetch := w.node.FetchMany(t.Context(), ids)
		for i, err := range []error{put, get, have, fetch} {
			if !errors.Is(err, moot.Unavailable) || !strings.Contains(err.Error(), "server") {
				t.Errorf("call %d: %v", i, err)
			}
		}
	})
}

func TestManyArePutHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, false)
		var queued []moot.BlobID
		w.node.cfg.Stored = func(ids ...moot.BlobID) { queued = append(queued, ids...) }
		server.leave(true)
		var contents [][]byte
		for i := range 1000 {
			contents = append(contents, fmt.Appendf(nil, "%d", i))
		}
		stored, err := w.node.PutMany(t.Context(), contents)
		w.left()
		if err != nil || len(queued) != len(contents) || w.local.find(stored[999].ID) == nil {
			t.Errorf("%d of %d blobs are queued: %v", len(queued), len(stored), err)
		}
		if n := len(w.announced); n == 0 || n > 100 {
			t.Errorf("%d blobs were announced", n)
		}
	})
}

// TestHaveManyOfOthers: true if any node has it, and nodes that are away do not matter.
func TestHaveManyOfOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, away := newPeer(1), newPeer(2), newPeer(3)
		away.leave(true)
		w := newWorld(t, a, b, away)
		one, two := share(t, []byte("one"), a), share(t, []byte("two"), b)
		held, err := w.node.HaveMany(t.Context(), []moot.BlobID{two.ID, {1}, one.ID})
		if err != nil || !slices.Equal(held, []bool{true, false, true}) {
			t.Error(held, err)
		}
	})
}

// TestManyEndWithTheirReader: nothing goes on after the loop has ended.
func TestManyEndWithTheirReader(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPeer(1)
		w := newWorld(t, p)
		ids := someSmall(t, 2000, p)
		for _, err := range w.node.GetMany(t.Context(), ids) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		w.left()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, err := range w.node.GetMany(ctx, ids) {
			if moot.KindOf(err) != moot.Unavailable {
				t.Error("cancelled:", err)
			}
		}
	})
}
