package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

var errCrash = errors.New("the process has ended")

// crashing is a disk of a process that ends at one of its steps.
type crashing struct {
	disk
	left  int // steps; below 0: it does not end
	dead  bool
	now   func() time.Time
	atEnd func()
}

func (c *crashing) step() error {
	if c.left--; c.left == 0 && !c.dead {
		c.dead = true
		c.atEnd()
	}
	if c.dead {
		return errCrash
	}
	return nil
}

func (c *crashing) create(name string) (file, error) {
	if err := c.step(); err != nil {
		return nil, err
	}
	return c.disk.create(name)
}

func (c *crashing) rename(from, to string) error {
	if err := c.step(); err != nil {
		return err
	}
	if strings.HasPrefix(from, "tmp/") { // written now, by the clock of the test
		if err := c.disk.use(from, c.now()); err != nil {
			return err
		}
	}
	return c.disk.rename(from, to)
}

func (c *crashing) remove(name string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.disk.remove(name)
}

func (c *crashing) syncDir(name string) error {
	if err := c.step(); err != nil {
		return err
	}
	return c.disk.syncDir(name)
}

// garbageWorld is a store whose process ends again and again, and what must be in it.
type garbageWorld struct {
	t       *testing.T
	rnd     *rand.Rand
	rig     *rig
	disk    *crashing
	now     time.Time
	content map[moot.BlobID][]byte
	needed  map[moot.BlobID]bool
	leased  map[moot.BlobID]time.Time // acknowledged
	before  map[moot.BlobID]bool      // held when the collection began
	crashes int
}

func newGarbageWorld(t *testing.T, seed uint64) *garbageWorld {
	w := &garbageWorld{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), now: time.Now(),
		content: map[moot.BlobID][]byte{}, needed: map[moot.BlobID]bool{}, leased: map[moot.BlobID]time.Time{},
	}
	for i := range 15 {
		data := content([]int{10, 3000, 40_000, moot.MaxSmall + 1, 80_000}[i%5], byte(i))
		data[0] = byte(i)
		w.content[blob.IDOf(data)] = data
	}
	dir := t.TempDir()
	clock := func() time.Time { return w.now }
	w.disk = &crashing{disk: directory{dir}, left: -1, now: clock}
	w.disk.atEnd = func() { w.rig.small.write.Close() }
	w.rig = newRig(t, Config{Blobs: dir, disk: w.disk, Now: clock})
	return w
}

// one returns one of the blobs, in an order that depends on the seed alone.
func (w *garbageWorld) one() moot.BlobID {
	ids := slices.SortedFunc(maps.Keys(w.content), func(a, b moot.BlobID) int { return bytes.Compare(a[:], b[:]) })
	return ids[w.rnd.IntN(len(ids))]
}

func (w *garbageWorld) ack(id moot.BlobID, err error) {
	if err == nil {
		w.leased[id] = w.now
	} else if !w.disk.dead {
		w.t.Fatal(err)
	}
}

func (w *garbageWorld) put(id moot.BlobID) {
	data := w.content[id]
	if w.rnd.IntN(2) == 0 && len(data) <= moot.MaxSmall {
		_, err := w.rig.PutMany(w.t.Context(), [][]byte{data})
		w.ack(id, err)
		return
	}
	_, err := w.rig.Put(w.t.Context(), bytes.NewReader(data))
	w.ack(id, err)
}

// ask is what an uploader does before it leaves a blob out.
func (w *garbageWorld) ask(id moot.BlobID) bool {
	held, err := w.rig.HaveMany(w.t.Context(), []moot.BlobID{id})
	if err != nil && !w.disk.dead {
		w.t.Fatal(err)
	}
	if err == nil && held[0] && !w.disk.dead {
		w.leased[id] = w.now
		return true
	}
	return false
}

// download downloads a blob, perhaps not all of it.
func (w *garbageWorld) download(id moot.BlobID) {
	data := w.content[id]
	b := moot.Blob{ID: id, Size: int64(len(data))}
	p, err := w.rig.Fill(w.t.Context(), b)
	if err != nil {
		w.ack(id, err)
		return
	}
	defer p.Close()
	if groups := blob.Groups(b.Size); w.rnd.IntN(3) > 0 {
		download(w.t, p, b, data, 0, groups)
		w.ack(id, p.Complete(w.t.Context()))
	} else if groups > 1 {
		download(w.t, p, b, data, 0, 1)
	}
}

// refer names a blob as a member does: one that was just put, or is held.
func (w *garbageWorld) refer(id moot.BlobID) {
	if w.leased[id].Equal(w.now) || w.ask(id) {
		w.needed[id] = true
	}
}

func (w *garbageWorld) collect() {
	marks := 0
	w.before = w.held()
	_, err := w.rig.Collect(w.t.Context(), CollectOptions{Needed: func(context.Context) iter.Seq2[moot.BlobID, error] {
		return func(yield func(moot.BlobID, error) bool) {
			if err := w.disk.step(); err != nil {
				yield(moot.BlobID{}, err)
				return
			}
			w.between(marks)
			marks++
			for id := range w.needed {
				if !yield(id, nil) {
					return
				}
			}
		}
	}})
	if err != nil && !w.disk.dead {
		w.t.Fatal(err)
	}
}

// between is what others do while blobs are doomed: put, ask, and name.
func (w *garbageWorld) between(marks int) {
	if marks == 0 {
		return
	}
	for range w.rnd.IntN(4) {
		switch id := w.one(); w.rnd.IntN(3) {
		case 0:
			w.put(id)
		case 1:
			w.ask(id)
		default: // another member has named it
			if w.before[id] {
				w.needed[id] = true
			}
		}
	}
}

func (w *garbageWorld) act() {
	switch id := w.one(); w.rnd.IntN(9) {
	case 0, 1:
		w.put(id)
	case 2:
		w.put(id)
		w.refer(id)
	case 3:
		w.download(id)
	case 4:
		w.refer(id)
	case 5:
		delete(w.needed, id)
	case 6:
		w.now = w.now.Add(time.Duration(w.rnd.IntN(30)) * time.Hour)
	default:
		w.collect()
	}
}

// restart opens the store again after its process has ended.
func (w *garbageWorld) restart() {
	_ = w.rig.Close() // it is closed already
	w.disk.dead, w.disk.left = false, -1
	w.crashes++
	w.rig.open()
}

// check reads what must be held.
func (w *garbageWorld) check(when string) {
	w.t.Helper()
	for id, data := range w.content {
		until := w.leased[id].Add(Lease)
		if !w.needed[id] && !w.now.Before(until) {
			continue
		}
		if got, err := w.rig.get(id, moot.Whole); err != nil || !bytes.Equal(got, data) {
			w.t.Fatalf("%s: %d bytes, needed: %v, leased for %v: %v", when, len(data), w.needed[id], until.Sub(w.now), err)
		}
	}
}

// TestCollectLosesNothing: a process that ends at any step, while blobs are put, asked for,
// downloaded, named and collected, loses none that is needed or leased, and in the end
// holds exactly what is needed.
func TestCollectLosesNothing(t *testing.T) {
	crashes := 0
	for seed := range uint64(24) {
		w := newGarbageWorld(t, seed)
		for round := range 14 {
			w.disk.left = 1 + w.rnd.IntN(32)
			for range 12 {
				if w.act(); w.disk.dead {
					break
				}
			}
			if w.disk.dead {
				w.restart()
			}
			w.disk.left = -1
			w.check(fmt.Sprintf("seed %d, round %d", seed, round))
		}
		w.finish()
		crashes += w.crashes
	}
	if crashes < 200 {
		t.Errorf("only %d crashes", crashes)
	}
}

// finish collects when nothing is leased, and looks at what is left.
func (w *garbageWorld) finish() {
	w.now = w.now.Add(2 * Lease)
	w.collect()
	w.now = w.now.Add(2 * Lease) // of what was put in between
	_, err := w.rig.Collect(w.t.Context(), CollectOptions{Needed: w.named})
	must(w.t, err)
	w.check("in the end")
	held := w.held()
	if !maps.Equal(held, w.needed) {
		w.t.Errorf("%d blobs are held, %d are needed", len(held), len(w.needed))
	}
	for _, dir := range []string{"doomed", "part", "tmp"} {
		if names, err := w.disk.list(dir); err != nil || len(names) > 0 {
			w.t.Errorf("%s: %v, %v", dir, names, err)
		}
	}
	for _, path := range must1(filepath.Glob(filepath.Join(w.rig.cfg.Blobs, "all", "*", "*.tree")))(w.t) {
		if _, err := os.Stat(strings.TrimSuffix(path, ".tree")); err != nil {
			w.t.Errorf("a tree without bytes: %v", err)
		}
	}
}

func (w *garbageWorld) held() map[moot.BlobID]bool {
	all, err := collect(w.rig.Blobs(w.t.Context()))
	must(w.t, err)
	held := map[moot.BlobID]bool{}
	for _, b := range all {
		held[b.ID] = true
	}
	return held
}

func (w *garbageWorld) named(context.Context) iter.Seq2[moot.BlobID, error] {
	return func(yield func(moot.BlobID, error) bool) {
		for id := range w.needed {
			if !yield(id, nil) {
				return
			}
		}
	}
}

func must1[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		must(t, err)
		return v
	}
}
