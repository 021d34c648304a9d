package wire

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

func TestBlobs(t *testing.T) {
	ctx := t.Context()
	overBoth(t, Handler(newMemory(), guard{}, Options{}), func(t *testing.T, c *Client) {
		for _, size := range []int{0, 1, blob.GroupSize, blob.GroupSize + 1, 3 << 20} {
			data := pattern(size)
			b, err := c.Put(ctx, iotest.OneByteReader(bytes.NewReader(data[:min(size, 100)])))
			if err != nil {
				t.Fatal(err)
			}
			if b, err = c.Put(ctx, bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			if want, _ := blob.Hash(bytes.NewReader(data)); b != want {
				t.Fatalf("put %v, want %v", b, want)
			}
			held, err := c.Have(ctx, b.ID)
			if err != nil || held.Size != int64(size) || !held.Complete() {
				t.Fatalf("have %v, %v", held, err)
			}
			for _, rng := range []moot.Range{moot.Whole, {Offset: 1, Length: 10}, {Offset: int64(size) / 2, Length: -1}} {
				slice, err := c.Get(ctx, b.ID, rng)
				if err != nil {
					t.Fatal(err)
				}
				got, err := decode(slice, b.ID, rng)
				in := rng.In(b.Size)
				if err != nil || !bytes.Equal(got, data[in.Offset:in.End()]) {
					t.Fatalf("size %d range %v: %d bytes, %v", size, rng, len(got), err)
				}
			}
		}
	})
}

func TestEntries(t *testing.T) {
	ctx := t.Context()
	overBoth(t, Handler(newMemory(), guard{}, Options{}), func(t *testing.T, c *Client) {
		a := newAuthor(7)
		var signed []moot.Entry
		for i := range 3 {
			signed = append(signed, a.sign(fmt.Sprintf("%s/%d ü", t.Name(), i), "body"))
		}
		if err := c.Append(ctx, moot.Swap, signed...); err != nil {
			t.Fatal(err)
		}
		var got []moot.Entry
		for e, err := range c.Query(ctx, moot.Query{Prefix: t.Name()}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e)
		}
		if !reflect.DeepEqual(got, signed) {
			t.Fatalf("got %v\nwant %v", got, signed)
		}
		v, err := c.Vector(ctx)
		if err != nil || v.Seq(signed[0].Author) != 3 {
			t.Fatalf("vector %v, %v", v, err)
		}
		for range c.Query(ctx, moot.Query{History: true, Since: v}) {
			t.Fatal("yielded what the vector covers")
		}
	})
}

func TestAppendModes(t *testing.T) {
	m := newMemory()
	c := dial(t, Handler(m, guard{}, Options{}))
	a := newAuthor(1)
	for _, mode := range []moot.Mode{moot.Merge, moot.Swap} {
		if err := c.Append(t.Context(), mode, a.sign("k", "v")); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Append(t.Context(), moot.Merge); err != nil {
		t.Fatal("nothing to append is an error:", err)
	}
	if !slices.Equal(m.modes, []moot.Mode{moot.Merge, moot.Swap}) {
		t.Fatal(m.modes)
	}
	for _, head := range []http.Header{{headerMode: {"both"}}, {"If-Match": {`"x"`}}} {
		if _, err := readMode(head); moot.KindOf(err) != moot.Invalid {
			t.Fatal(head, err)
		}
	}
	if mode, err := readMode(http.Header{"If-Match": {"*"}}); mode != moot.Swap || err != nil {
		t.Fatal(mode, err)
	}
}

// Large bodies and many small ones are split into requests that a handler takes.
func TestAppendInBatches(t *testing.T) {
	m := newMemory()
	c := dial(t, Handler(m, guard{}, Options{}))
	a := newAuthor(1)
	var entries []moot.Entry
	for range 40 {
		entries = append(entries, a.sign("large", string(pattern(moot.MaxBody))))
	}
	for range maxEntries + 1 {
		entries = append(entries, a.sign("s", "x"))
	}
	if err := c.Append(t.Context(), moot.Merge, entries...); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m.entries, entries) {
		t.Fatalf("%d entries arrived, want %d", len(m.entries), len(entries))
	}
	if len(m.modes) < 4 {
		t.Fatalf("%d requests", len(m.modes))
	}
}

func TestWatch(t *testing.T) {
	m := newMemory()
	overBoth(t, Handler(m, guard{}, Options{}), func(t *testing.T, c *Client) {
		within(t, 10*time.Second, func() {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			a := newAuthor(t.Name()[len(t.Name())-1])
			first := a.sign("first", "1")
			since, _ := m.Vector(ctx)
			if err := c.Append(ctx, moot.Merge, first); err != nil {
				t.Error(err)
			}
			var got []string
			for e, err := range c.Watch(ctx, since) {
				if err != nil {
					t.Error(err)
					break
				}
				if got = append(got, e.Key); len(got) == 3 {
					stop() // must end the loop without an error
				} else if err := c.Append(ctx, moot.Merge, a.sign("next", "")); err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(got, []string{"first", "next", "next"}) {
				t.Error(got)
			}
		})
	})
}
