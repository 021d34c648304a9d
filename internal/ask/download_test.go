package ask

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

const someGroups = 64

// bubble runs a test in which time passes only when every goroutine is blocked.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

// left waits until nothing is being fetched any more.
func (w *world) left() {
	w.t.Helper()
	synctest.Wait()
	w.local.mu.Lock()
	defer w.local.mu.Unlock()
	if w.local.users != 0 {
		w.t.Errorf("%d uses of a partial were not closed", w.local.users)
	}
}

func TestSizesAndRanges(t *testing.T) {
	for _, size := range []int{0, 1, blob.GroupSize, blob.GroupSize + 1, someGroups * blob.GroupSize, someGroups*blob.GroupSize + 5} {
		bubble(t, func(t *testing.T) {
			a, b := newPeer(1), newPeer(2)
			w := newWorld(t, a, b)
			data := noise(uint64(size), size)
			name := share(t, data, a, b)
			w.wants(name, data, moot.Range{Offset: int64(size) / 3, Length: int64(size) / 3})
			w.wants(name, data, moot.Whole)
			w.left()
			if h, err := w.local.Have(t.Context(), name.ID); err != nil || !h.Complete() {
				t.Errorf("%d bytes are not held afterwards: %v", size, err)
			}
			if len(w.announced) != 1 {
				t.Errorf("announced %d times", len(w.announced))
			}
		})
	}
}

// TestFirstByte: the holding, the last group and the bytes are three round trips.
func TestFirstByte(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		a.trip = 20 * time.Millisecond
		w := newWorld(t, a)
		name := share(t, noise(1, someGroups*blob.GroupSize), a)
		begun := time.Now()
		r := moot.Range{Length: 8 * blob.GroupSize}
		rc, err := w.node.Get(t.Context(), name.ID, r)
		if err != nil {
			t.Fatal(err)
		}
		defer rc.Close()
		if _, err := blob.NewDecoder(rc, name.ID, r).Next(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); took > 3*a.trip {
			t.Errorf("the first verified byte came after %v, three trips are %v", took, 3*a.trip)
		}
	})
}

func TestSeveralSourcesShareTheWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		peers := []*peer{newPeer(1), newPeer(2), newPeer(3), newPeer(4)}
		for _, p := range peers {
			p.pace = 10 * time.Millisecond
		}
		w := newWorld(t, peers...)
		data := noise(1, 4*someGroups*blob.GroupSize)
		name := share(t, data, peers...)
		began := time.Now()
		w.wants(name, data, moot.Whole)
		took := time.Since(began)
		var sum int
		for _, p := range peers {
			n := 0
			for _, times := range p.groups {
				n += times
			}
			sum += n
			if n < someGroups/2 {
				t.Errorf("%s served %d of %d groups", p.Name, n, 4*someGroups)
			}
		}
		if sum > 4*someGroups*11/10 {
			t.Errorf("%d groups were sent for %d", sum, 4*someGroups)
		}
		if alone := 4 * someGroups * 10 * time.Millisecond; took > alone*3/4 {
			t.Errorf("four sources took %v, one would take about %v", took, alone)
		}
		w.left()
	})
}

// TestResumed: what arrived before an interruption is not fetched again, also by a
// process that knows nothing but what is on its disk.
func TestResumed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		a.pace = time.Millisecond
		w := newWorld(t, a)
		data := noise(2, someGroups*blob.GroupSize)
		name := share(t, data, a)
		rc, err := w.node.Get(t.Context(), name.ID, moot.Whole)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, blob.NewDecoder(rc, name.ID, moot.Whole), int64(len(data)/2)); err != nil {
			t.Fatal(err)
		}
		rc.Close()
		w.left()
		w.restart()
		held, err := w.local.Have(t.Context(), name.ID)
		if err != nil {
			t.Fatal(err)
		}
		set := blob.NewSet(name.Size)
		for _, r := range held.Ranges {
			for g := r.Offset / blob.GroupSize; g < (r.End()+blob.GroupSize-1)/blob.GroupSize; g++ {
				set.Add(g)
			}
		}
		if set.Count() < someGroups/2 {
			t.Fatalf("only %d groups were stored", set.Count())
		}
		a.groups = map[int64]int{}
		w.wants(name, data, moot.Whole)
		w.left()
		for g, n := range a.groups {
			if set.Has(g) {
				t.Errorf("group %d, which was held, was fetched again %d times", g, n)
			}
		}
	})
}

// dishonest are violations of a source.
var dishonest = map[string]func(p *peer){
	"wrong bytes": func(p *peer) {
		p.serve = func(_ context.Context, _ moot.Range, slice io.Reader) io.Reader {
			all, _ := io.ReadAll(slice)
			all[len(all)-1] ^= 1
			return bytes.NewReader(all)
		}
	},
	"a false tree": func(p *peer) {
		p.serve = func(_ context.Context, _ moot.Range, slice io.Reader) io.Reader {
			all, _ := io.ReadAll(slice)
			all[10] ^= 1
			return bytes.NewReader(all)
		}
	},
	"a false size": func(p *peer) {
		p.have = func(h moot.Holding) moot.Holding {
			h.Size += 3 * blob.GroupSize
			h.Ranges = []moot.Range{{Length: h.Size}}
			return h
		}
		p.serve = func(_ context.Context, _ moot.Range, slice io.Reader) io.Reader {
			all, _ := io.ReadAll(slice)
			binary.LittleEndian.PutUint64(all, binary.LittleEndian.Uint64(all)+3*blob.GroupSize)
			return bytes.NewReader(all)
		}
	},
	"garbage": func(p *peer) {
		p.serve = func(context.Context, moot.Range, io.Reader) io.Reader {
			return strings.NewReader(strings.Repeat("garbage!", 1<<17))
		}
	},
}

// faults are failures of a source without false bytes, which must not be blamed on it.
var faults = map[string]func(p *peer){
	"a short range": func(p *peer) {
		p.serve = func(_ context.Context, _ moot.Range, slice io.Reader) io.Reader { return io.LimitReader(slice, 1000) }
	},
	"no response":      func(p *peer) { p.silent = true },
	"stalls half way":  func(p *peer) { p.serve = stall },
	"a refused stream": func(p *peer) { p.gone = true },
}

// stall sends some bytes, and then nothing.
func stall(ctx context.Context, _ moot.Range, slice io.Reader) io.Reader {
	return io.MultiReader(io.LimitReader(slice, 20_000), readerFunc(func([]byte) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestHarmIsOvercome(t *testing.T) {
	for _, kind := range []struct {
		ways  map[string]func(*peer)
		blame bool
	}{{dishonest, true}, {faults, false}} {
		for what, harm := range kind.ways {
			t.Run(what, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					bad, good := newPeer(1), newPeer(2)
					good.pace = time.Millisecond
					w := newWorld(t, bad, good)
					data := noise(3, someGroups*blob.GroupSize)
					name := share(t, data, bad, good)
					harm(bad)
					began := time.Now()
					w.wants(name, data, moot.Whole)
					if took := time.Since(began); took > 30*time.Second {
						t.Errorf("it took %v", took)
					}
					if named := strings.Contains(w.log.String(), bad.ID.String()); kind.blame && !named {
						t.Errorf("the log does not name the source:\n%s", w.log.String())
					}
					if strings.Contains(w.log.String(), "key="+good.ID.String()) {
						t.Errorf("the log names the honest source:\n%s", w.log.String())
					}
					w.left()
				})
			})
		}
	}
}

func TestOnlyDishonestSources(t *testing.T) {
	for what, harm := range dishonest {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				bad := newPeer(1)
				w := newWorld(t, bad)
				data := noise(4, someGroups*blob.GroupSize)
				name := share(t, data, bad)
				harm(bad)
				got, err := w.read(t.Context(), name, moot.Whole)
				if err == nil || !bytes.HasPrefix(data, got) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				w.left()
			})
		})
	}
}

// TestASourceLeaves: half of the blob is on a peer that goes, the rest is elsewhere.
func TestASourceLeaves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newPeer(1), newPeer(2)
		a.pace, b.pace = time.Millisecond, time.Millisecond
		w := newWorld(t, a, b)
		data := noise(5, someGroups*blob.GroupSize)
		name := share(t, data, a, b)
		go func() {
			<-time.After(20 * time.Millisecond)
			a.leave(true)
		}()
		w.wants(name, data, moot.Whole)
		w.left()
	})
}

// TestPartsFromPartialHolders: no node has all, together they do.
func TestPartsFromPartialHolders(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b := newPeer(1), newPeer(2)
		w := newWorld(t, a, b)
		data := noise(6, 4*blob.GroupSize)
		name := share(t, data, a, b)
		a.retain(name, 0, 2)
		b.retain(name, 1, 3)
		w.wants(name, data, moot.Whole)
		w.left()
	})
}

func TestNobodyHasIt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		away := newPeer(2)
		away.leave(true)
		w := newWorld(t, newPeer(1))
		name, _ := blob.Hash(strings.NewReader("x"))
		if _, err := w.read(t.Context(), name, moot.Whole); !errors.Is(err, moot.NotFound) {
			t.Errorf("no node has it: %v", err)
		}
		w.peers = append(w.peers, away)
		if _, err := w.read(t.Context(), name, moot.Whole); !errors.Is(err, moot.Unavailable) {
			t.Errorf("a node that may have it is away: %v", err)
		}
		w.left()
	})
}

func TestAFullDiskEndsTheDownload(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a := newPeer(1)
		w := newWorld(t, a)
		data := noise(7, someGroups*blob.GroupSize)
		name := share(t, data, a)
		w.local.refuse = moot.Errorf(moot.Full, "no space is left")
		if _, err := w.read(t.Context(), name, moot.Whole); !errors.Is(err, moot.Full) {
			t.Errorf("%v", err)
		}
		w.local.refuse = nil
		w.wants(name, data, moot.Whole)
		w.left()
	})
}
