package worker

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/store"
)

func newStore(t *testing.T) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newCache(t *testing.T, s Store, capacity *int64) *Cache {
	t.Helper()
	c, err := NewCache(t.Context(), s, func() int64 { return *capacity })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fill returns a content of n bytes.
func fill(c byte, n int) string { return strings.Repeat(string(rune(c)), n) }

func put(t *testing.T, to Outputs, text string) moot.BlobID {
	t.Helper()
	b, err := to.Put(t.Context(), strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return b.ID
}

// holds reports which of blobs are in a store, as "+" and "-".
func holds(t *testing.T, s moot.Blobs, ids ...moot.BlobID) (text string) {
	t.Helper()
	for _, id := range ids {
		_, err := s.Have(t.Context(), id)
		switch {
		case err == nil:
			text += "+"
		case moot.KindOf(err) == moot.NotFound:
			text += "-"
		default:
			t.Fatal(err)
		}
	}
	return text
}

func TestCacheDropsTheLeastRecentlyUsed(t *testing.T) {
	s, capacity := newStore(t), int64(3000)
	c := newCache(t, s, &capacity)
	a, b, d := put(t, c, fill('a', 1000)), put(t, c, fill('b', 1000)), put(t, c, fill('d', 1000))
	rc, err := c.Get(t.Context(), a, moot.Whole)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(blob.NewDecoder(rc, a, moot.Whole))
	if rc.Close(); err != nil || string(text) != fill('a', 1000) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	e := put(t, c, fill('e', 1000))
	if got := holds(t, c, a, b, d, e); got != "+-++" {
		t.Errorf("after a is read and e is put: %s", got)
	}
	put(t, c, fill('d', 1000)) // again: counts as use, and not twice
	f := put(t, c, fill('f', 2000))
	if got := holds(t, c, a, d, e, f); got != "-+-+" {
		t.Errorf("after d is put again: %s", got)
	}
	capacity = 500
	g := put(t, c, fill('g', 4000))
	if got := holds(t, c, d, f, g); got != "--+" || c.bytes != 4000 {
		t.Errorf("one that is too large alone: %s, %d bytes", got, c.bytes)
	}
	if _, err := c.Get(t.Context(), a, moot.Whole); moot.KindOf(err) != moot.NotFound {
		t.Errorf("a dropped blob: %v", err)
	}
}

// TestCacheUse: blobs that arrive in the store by another way count once they are used.
func TestCacheUse(t *testing.T) {
	s, capacity := newStore(t), int64(2000)
	c := newCache(t, s, &capacity)
	a := put(t, c, fill('a', 1000))
	b, d := put(t, s, fill('b', 1000)), put(t, s, fill('d', 1000))
	for _, id := range []moot.BlobID{b, a, d} {
		if err := c.Use(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if got := holds(t, c, a, b, d); got != "+-+" {
		t.Error(got)
	}
	if err := c.Use(t.Context(), b); moot.KindOf(err) != moot.NotFound {
		t.Errorf("a dropped blob: %v", err)
	}
}

// TestCacheReopened: a cache counts what an earlier process stored.
func TestCacheReopened(t *testing.T) {
	s, capacity := newStore(t), int64(10_000)
	for i := range byte(5) {
		put(t, s, fill('a'+i, 1000))
	}
	c := newCache(t, s, &capacity)
	if c.bytes != 5000 || c.blobs.Len() != 5 {
		t.Errorf("%d bytes of %d blobs", c.bytes, c.blobs.Len())
	}
	capacity = 2500
	if c = newCache(t, s, &capacity); c.bytes != 2000 {
		t.Errorf("%d bytes of %d", c.bytes, capacity)
	}
}

// TestCacheConcurrent: the count of bytes is that of the store whatever runs at once.
func TestCacheConcurrent(t *testing.T) {
	s, capacity := newStore(t), int64(5000)
	c := newCache(t, s, &capacity)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for k := range 20 {
				text := fill(byte('a'+(i*k)%11), 1000)
				if _, err := c.Put(context.Background(), strings.NewReader(text)); err != nil && moot.KindOf(err) != moot.NotFound {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	var held int64
	for b, err := range s.Blobs(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		held += b.Size
	}
	if held != c.bytes || held > capacity {
		t.Errorf("%d bytes are stored, %d counted", held, c.bytes)
	}
}

func TestOverlay(t *testing.T) {
	node, s, capacity := newStore(t), newStore(t), int64(1<<20)
	c := newCache(t, s, &capacity)
	mine, cached := put(t, node, "mine"), put(t, c, "cached")
	var cache moot.Blobs
	o := Overlay{node, func() moot.Blobs { return cache }}
	if got := holds(t, o, mine, cached); got != "+-" {
		t.Errorf("without a cache: %s", got)
	}
	cache = c
	if got := holds(t, o, mine, cached, moot.BlobID{1}); got != "++-" {
		t.Errorf("with a cache: %s", got)
	}
	rc, err := o.Get(t.Context(), cached, moot.Whole)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if text, err := io.ReadAll(blob.NewDecoder(rc, cached, moot.Whole)); err != nil || string(text) != "cached" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := o.Get(t.Context(), moot.BlobID{1}, moot.Whole); moot.KindOf(err) != moot.NotFound {
		t.Error(err)
	}
}

// TestInto: outputs are stored where Into says, and only there.
func TestInto(t *testing.T) {
	w, node := newWorker(t, nil)
	s, capacity := newStore(t), int64(1<<20)
	w.cfg.Outputs = newCache(t, s, &capacity)
	// 100,000 bytes of two pages of memory: too many to be attached
	code := bytes.Replace(echo, []byte("\x05\x03\x01\x00\x01"), []byte("\x05\x03\x01\x00\x02"), 1)
	code = bytes.Replace(code, []byte("\x03\x00\x00\x00hi"), []byte("\xa0\x86\x01\x00hi"), 1)
	module, err := node.Put(t.Context(), bytes.NewReader(code))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		moot.Runner
		want string
	}{{w.Into(node), "+-"}, {w, "-+"}} {
		o, err := c.Run(t.Context(), moot.Task{Module: module.ID}, nil)
		if err != nil || o.Stdout.Size != 100_000 || len(o.Stdout.Data) > 0 {
			t.Fatalf("%+v, %v", o, err)
		}
		id := o.Stdout.ID
		if got := holds(t, node, id) + holds(t, s, id); got != c.want {
			t.Errorf("in the node and in the cache: %s, want %s", got, c.want)
		}
		if err := node.Drop(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
}
