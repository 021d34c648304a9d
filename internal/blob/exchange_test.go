package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// holder holds the first groups of a blob.
type holder struct {
	b          moot.Blob
	data, tree []byte
	groups     int64
	fails      error // of Get
}

func (h *holder) Get(_ context.Context, _ moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if h.fails != nil {
		return nil, h.fails
	}
	if r.In(h.b.Size).End() > h.groups*blob.GroupSize {
		return nil, moot.NotFound
	}
	var out bytes.Buffer
	err := blob.Encode(&out, h.b, bytes.NewReader(h.data), bytes.NewReader(h.tree), r)
	return io.NopCloser(&out), err
}

func (h *holder) Have(context.Context, moot.BlobID) (moot.Holding, error) {
	if h.groups == 0 {
		return moot.Holding{}, moot.NotFound
	}
	return moot.Holding{Size: h.b.Size, Ranges: []moot.Range{{Length: h.groups * blob.GroupSize}}}, nil
}

// part returns the range of one group.
func part(group int64) moot.Range {
	return moot.Range{Offset: group * blob.GroupSize, Length: blob.GroupSize}
}

func TestExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &holder{data: random(4 * blob.GroupSize), groups: 2}
		h.b, h.tree = hashed(t, h.data)
		x := blob.NewExchange(t.Context(), h, h.b.ID)
		for _, group := range []int64{1, 0, 3} {
			if err := x.Request(part(group), nil); err != nil {
				t.Fatal(err)
			}
		}
		x.Cancel(part(0))
		ev, err := x.Next()
		if err != nil || ev.Part != part(1) || ev.Slice == nil {
			t.Fatalf("want group 1: %+v, %v", ev, err)
		}
		got, err := io.ReadAll(blob.NewDecoder(ev.Slice, h.b.ID, ev.Part))
		if err != nil || !bytes.Equal(got, h.data[blob.GroupSize:2*blob.GroupSize]) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		if ev, err := x.Next(); err != nil || !ev.Refused || ev.Part != part(3) {
			t.Fatalf("want a refusal of group 3: %+v, %v", ev, err)
		}
		if ev, err := x.Next(); err != nil || ev.Size != h.b.Size || len(ev.Held) != 1 || ev.Held[0].Length != 2*blob.GroupSize {
			t.Fatalf("want the holding: %+v, %v", ev, err)
		}
		h.groups = 3
		if ev, err := x.Next(); err != nil || len(ev.Held) != 1 || ev.Held[0] != part(2) {
			t.Fatalf("want what is held since: %+v, %v", ev, err)
		}
		h.fails = moot.Unavailable
		x.Request(part(2), nil)
		if _, err := x.Next(); !errors.Is(err, moot.Unavailable) {
			t.Fatal(err)
		}
		x.Close()
		if _, err := x.Next(); err == nil {
			t.Fatal("an event after Close")
		}
	})
}
