package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// parts reads events until a part or a refusal comes.
func parts(t *testing.T, x moot.Exchange) (held []moot.Range, ev moot.ExchangeEvent) {
	t.Helper()
	for {
		ev, err := x.Next()
		if err != nil {
			t.Fatal(err)
		}
		if ev.Slice != nil || ev.Refused {
			return held, ev
		}
		held = append(held, ev.Held...)
	}
}

// decoded reads a part, and keeps what nodes it proves.
func decoded(t *testing.T, ev moot.ExchangeEvent, id moot.BlobID, nodes map[int64][32]byte) (data []byte) {
	t.Helper()
	d := blob.NewDecoder(ev.Slice, id, ev.Part)
	for {
		g, err := d.Next()
		if err == io.EOF {
			return data
		}
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, g.Data...)
		for _, n := range g.Nodes {
			nodes[n.Pos] = n.CV
		}
	}
}

// requestKnown requests a range with and without its last known parent.
func requestKnown(t *testing.T, x moot.Exchange, b moot.Blob, data []byte, r moot.Range, known map[int64][32]byte) {
	t.Helper()
	prefix, n := blob.ProofPrefix(b.Size, r, func(pos int64) (cv [32]byte, ok bool) { cv, ok = known[pos]; return cv, ok })
	if n == 0 {
		t.Errorf("no parent of %v is known", r)
	}
	if err := errors.Join(x.Request(r, prefix[:blob.ProofPrefixSize(n-1)]), x.Request(r, prefix)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, ev := parts(t, x)
		if got := decoded(t, ev, b.ID, known); !bytes.Equal(got, data[r.Offset:r.End()]) {
			t.Fatalf("with a prefix of %d parents: %d bytes", n, len(got))
		}
	}
}

func TestExchange(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		m := newMemory()
		data := pattern(10*blob.GroupSize + 5)
		b, err := m.Put(t.Context(), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		s := serve(t, Handler(m, guard{}, Options{}), h2)
		c := NewClient(s.Client().Transport, s.URL)
		x, err := c.Exchange(t.Context(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { x.Close() })
		ranges := []moot.Range{
			{Offset: 4 * blob.GroupSize, Length: 2 * blob.GroupSize},
			{Offset: 10 * blob.GroupSize, Length: 5},
			{Offset: 0, Length: blob.GroupSize},
		}
		known := map[int64][32]byte{}
		for _, r := range ranges {
			if err := x.Request(r, nil); err != nil {
				t.Fatal(err)
			}
		}
		for i, r := range ranges {
			held, ev := parts(t, x)
			if i == 0 && (len(held) != 1 || held[0].Length != b.Size) {
				t.Errorf("announced as held: %v", held)
			}
			if ev.Part != r || ev.Size != b.Size {
				t.Fatalf("answer %d is about %v of %d bytes, want %v", i, ev.Part, ev.Size, r)
			}
			if got := decoded(t, ev, b.ID, known); !bytes.Equal(got, data[r.Offset:r.End()]) {
				t.Fatalf("answer %d: %d bytes", i, len(got))
			}
			x.Ack()
		}
		for _, r := range append(ranges, ranges[0]) { // what is known need not come, but does no harm
			requestKnown(t, x, b, data, r, known)
		}
		if err := x.Request(moot.Range{Offset: 50 * blob.GroupSize, Length: blob.GroupSize}, nil); err != nil {
			t.Fatal(err)
		}
		x.Close()
		if _, err := x.Next(); !errors.Is(err, moot.Unavailable) {
			t.Errorf("after the end: %v", err)
		}
		if _, err := c.Exchange(t.Context(), moot.BlobID{9}); !errors.Is(err, moot.NotFound) {
			t.Errorf("about what is not held: %v", err)
		}
	}
}

// TestExchangeQueued: a client whose requests wait gets a frame about it every second.
func TestExchangeQueued(t *testing.T) {
	m := newMemory()
	b, err := m.Put(t.Context(), bytes.NewReader(pattern(blob.GroupSize)))
	if err != nil {
		t.Fatal(err)
	}
	h := &handler{node: m}
	for range 2 { // others have all there is; as time in the bubble is long before, they are never late
		h.sends.wait(h.sends.join(), 1)
	}
	synctest.Test(t, func(t *testing.T) {
		out := &bytes.Buffer{}
		ctx, cancel := context.WithTimeout(t.Context(), 2*queuedEvery+1)
		defer cancel()
		a := &responder{h: h, ctx: ctx, flow: h.sends.join(), id: b.ID, size: b.Size, out: bufio.NewWriter(out),
			flush: func() error { return nil }, announced: blob.NewSet(b.Size), added: make(chan struct{}, 1), requests: []request{{groupRun: groupRun{0, 1}}}}
		if err := a.run(moot.Holding{Size: b.Size}); err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(out.Bytes(), []byte{frameQueued}); n != 2 {
			t.Errorf("%d frames in two seconds: %q", n, out)
		}
	})
}

// FuzzExchangeRequests: the server survives any body.
func FuzzExchangeRequests(f *testing.F) {
	f.Add([]byte{frameRequest, 0, 1, frameCancel, 0, 1, frameKeepAlive, frameAck})
	f.Fuzz(func(t *testing.T, in []byte) {
		a := &responder{h: &handler{}, size: 5 * blob.GroupSize, added: make(chan struct{}, 1)}
		a.flow = a.h.sends.join()
		a.readRequests(bufio.NewReader(bytes.NewReader(in)))
		for run, ok := a.dequeue(); ok; run, ok = a.dequeue() {
			if r, ok := run.in(a.size); ok && (r.Offset < 0 || r.End() > a.size) {
				t.Fatalf("%v lies outside", r)
			}
		}
	})
}

// FuzzExchangeResponses: ranges lie within the blob, whatever the response.
func FuzzExchangeResponses(f *testing.F) {
	f.Add([]byte{frameSize, 200, 1, frameHold, 1, 0, 1, frameRefused, 0, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		x := &exchange{in: bufio.NewReader(strings.NewReader(string(in)))}
		for range len(in) + 1 {
			ev, err := x.next()
			if err != nil {
				return
			}
			for _, r := range append(ev.Held, ev.Part) {
				if r.Offset < 0 || r.Length < 0 || r.End() > ev.Size {
					t.Fatalf("%v lies outside of %d bytes", r, ev.Size)
				}
			}
		}
	})
}
