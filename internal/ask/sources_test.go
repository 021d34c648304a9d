package ask

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// requested returns the number of ranges requested from a peer.
func (p *peer) requested() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.gets)
}

// TestBansOutlastADownload: a dishonest source is not used for other blobs either, until
// the ban is over.
func TestBansOutlastADownload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		bad, good := newPeer(1), newPeer(2)
		good.silent = true // so that the dishonest one is used first
		w := newWorld(t, bad, good)
		dishonest["wrong bytes"](bad)
		data := noise(1, 3*blob.GroupSize)
		first, second := share(t, data, bad, good), share(t, data[1:], bad, good)
		if _, err := w.read(t.Context(), first, moot.Whole); err == nil {
			t.Fatal("got it from a dishonest source")
		}
		good.silent = false
		requests := bad.requested()
		w.wants(second, data[1:], moot.Whole)
		if bad.requested() != requests {
			t.Error("a banned source was used")
		}
		bad.serve = nil
		good.leave(true)
		if _, err := w.read(t.Context(), first, moot.Whole); !errors.Is(err, moot.Unavailable) {
			t.Errorf("only a banned source is left: %v", err)
		}
		<-time.After(11 * time.Minute) // in the bubble: at once
		w.wants(first, data, moot.Whole)
		w.left()
	})
}

// TestTheSlowAreReplaced: with all slots taken, a faster node replaces the slowest
// source, though that makes no mistake.
func TestTheSlowAreReplaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		slow, slowest, fast := newPeer(1), newPeer(2), newPeer(3)
		slow.pace, slowest.pace, fast.pace = 30*time.Millisecond, 400*time.Millisecond, time.Millisecond
		w := newWorld(t, slow, slowest)
		w.node.cfg.Sources = 2
		data := noise(2, 8*someGroups*blob.GroupSize)
		name := share(t, data, slow, slowest, fast)
		time.AfterFunc(5*time.Second, func() { w.arrives(fast) })
		w.wants(name, data, moot.Whole)
		if slowest.requested() == 0 || fast.requested() == 0 {
			t.Errorf("the slowest got %d requests, the fast one %d", slowest.requested(), fast.requested())
		}
		w.left()
	})
}

// TestALateFalseSize: a node that claims another size than the verified one is banned, and what
// comes from others goes on.
func TestALateFalseSize(t *testing.T) {
	bubble(t, func(t *testing.T) {
		good, bad := newPeer(1), newPeer(2)
		good.pace = 100 * time.Millisecond
		w := newWorld(t, good)
		data := noise(7, someGroups*blob.GroupSize)
		name := share(t, data, good, bad)
		dishonest["a false size"](bad)
		time.AfterFunc(time.Second, func() { w.arrives(bad) })
		w.wants(name, data, moot.Whole)
		if bad.requested() > 0 || !strings.Contains(w.log.String(), "key="+bad.ID.String()) {
			t.Errorf("the dishonest source got %d requests; the log:\n%s", bad.requested(), w.log.String())
		}
		w.left()
	})
}

// arrives adds a peer to those that the Locator names.
func (w *world) arrives(p *peer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.peers = append(w.peers, p)
}

// TestHoldersGrow: what a source comes to hold is requested from it.
func TestHoldersGrow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		w := newWorld(t, a)
		data := noise(3, 3*blob.GroupSize)
		name := share(t, data, a)
		a.retain(name, 2)
		time.AfterFunc(4*time.Second, func() { a.retain(name, 0, 2) })
		time.AfterFunc(8*time.Second, func() { a.retain(name, 0, 1, 2) })
		w.wants(name, data, moot.Whole)
		w.left()
	})
}

// TestReadersShareADownload: each gets its bytes, of which none comes twice, also
// when one of them leaves.
func TestReadersShareADownload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		a.pace = time.Millisecond
		w := newWorld(t, a)
		data := noise(4, someGroups*blob.GroupSize)
		name := share(t, data, a)
		quitter, err := w.node.Get(t.Context(), name.ID, moot.Whole)
		if err != nil {
			t.Fatal(err)
		}
		var readers sync.WaitGroup
		for i := range 3 {
			readers.Go(func() {
				r := moot.Range{Offset: int64(i) * 100_000}
				r.Length = name.Size - r.Offset
				if got, err := w.read(t.Context(), name, r); err != nil || !bytes.Equal(got, data[r.Offset:]) {
					t.Errorf("reader %d got %d bytes, %v", i, len(got), err)
				}
			})
		}
		if _, err := io.CopyN(io.Discard, quitter, 50_000); err != nil {
			t.Fatal(err)
		}
		quitter.Close()
		readers.Wait()
		w.left()
		for g, n := range a.groups {
			if n > 1 {
				t.Errorf("group %d was fetched %d times from the only source", g, n)
			}
		}
	})
}

// TestCancelled: a reader's context ends its waiting, and nothing is left running.
func TestCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		w := newWorld(t, a)
		data := noise(5, someGroups*blob.GroupSize)
		name := share(t, data, a)
		silent := func(ctx context.Context, _ moot.Range, _ io.Reader) io.Reader {
			return stall(ctx, moot.Range{}, strings.NewReader(""))
		}
		for _, harm := range []func(){func() { a.serve = silent }, func() { a.silent = true }} {
			harm()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := w.read(ctx, name, moot.Whole)
			cancel()
			if moot.KindOf(err) != moot.Unavailable {
				t.Errorf("cancelled: %v", err)
			}
			w.left()
		}
		synctest.Wait()
		if len(w.node.downloads) != 0 {
			t.Error("a download goes on without readers")
		}
	})
}

// damaged holds a blob whose bytes went bad on the disk, which shows when it is
// read; like the store it then sets the blob aside.
type damaged struct{ *memory }

func (d damaged) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	d.mu.Lock()
	_, bad := d.whole[id]
	delete(d.whole, id)
	d.mu.Unlock()
	if bad {
		return nil, moot.Errorf(moot.Corrupt, "bad bytes")
	}
	return d.memory.Get(ctx, id, r)
}

func TestADamagedCopyIsFetchedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		w := newWorld(t, a)
		data := noise(6, 3*blob.GroupSize)
		name := share(t, data, a)
		if _, err := w.local.Put(t.Context(), bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		w.node.cfg.Local = damaged{w.local}
		w.wants(name, data, moot.Whole)
		if !strings.Contains(w.log.String(), name.ID.String()) {
			t.Error("the damage is not in the log")
		}
		w.left()
	})
}
