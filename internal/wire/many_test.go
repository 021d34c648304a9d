package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// smallOnes returns n different contents and their names. The first is empty and the second
// as large as may be.
func smallOnes(n int) (contents [][]byte, ids []moot.BlobID) {
	for i := range n {
		data := fmt.Appendf(nil, "%d %s", i, pattern(2000))
		switch i {
		case 0:
			data = []byte{}
		case 1:
			data = pattern(moot.MaxSmall)
		}
		contents, ids = append(contents, data), append(ids, blob.IDOf(data))
	}
	return contents, ids
}

// fetchAll collects what GetMany yields.
func fetchAll(ctx context.Context, n moot.Blobs, ids []moot.BlobID) (map[moot.BlobID][]byte, error) {
	got := map[moot.BlobID][]byte{}
	for s, err := range n.GetMany(ctx, ids) {
		if err != nil {
			return got, err
		}
		got[s.ID] = s.Data
	}
	return got, nil
}

func TestMany(t *testing.T) {
	ctx := t.Context()
	overBoth(t, Handler(newMemory(), guard{}, Options{}), func(t *testing.T, c *Client) {
		contents, ids := smallOnes(1500)
		stored, err := c.PutMany(ctx, contents)
		if err != nil || len(stored) != len(ids) {
			t.Fatal(len(stored), err)
		}
		large, err := c.Put(ctx, bytes.NewReader(pattern(moot.MaxSmall+1)))
		if err != nil {
			t.Fatal(err)
		}
		asked := slices.Concat(ids, ids[:3], []moot.BlobID{{7}, large.ID, {8}})
		got, err := fetchAll(ctx, c, asked)
		if err != nil || len(got) != len(ids) {
			t.Fatal(len(got), err)
		}
		for i, id := range ids {
			if !bytes.Equal(got[id], contents[i]) || stored[i] != (moot.Blob{ID: id, Size: int64(len(contents[i]))}) {
				t.Fatalf("blob %d differs", i)
			}
		}
		held, err := c.HaveMany(ctx, asked)
		if err != nil || len(held) != len(asked) {
			t.Fatal(len(held), err)
		}
		for i, ok := range held {
			if ok != (asked[i] != moot.BlobID{7} && asked[i] != moot.BlobID{8}) {
				t.Fatalf("have %d: %v", i, ok)
			}
		}
	})
}

func TestManyOfNone(t *testing.T) {
	c := dial(t, Handler(newMemory(), guard{}, Options{}))
	stored, put := c.PutMany(t.Context(), nil)
	held, have := c.HaveMany(t.Context(), nil)
	got, get := fetchAll(t.Context(), c, nil)
	if len(stored)+len(held)+len(got) > 0 || put != nil || have != nil || get != nil {
		t.Fatal(stored, held, got, put, have, get)
	}
}

func TestManyIsBounded(t *testing.T) {
	c := dial(t, Handler(newMemory(), guard{}, Options{}))
	_, err := c.PutMany(t.Context(), [][]byte{pattern(moot.MaxSmall + 1)})
	if moot.KindOf(err) != moot.TooLarge {
		t.Error("a large blob:", err)
	}
	_, err = c.PutMany(t.Context(), make([][]byte, moot.MaxMany+1))
	if moot.KindOf(err) != moot.TooLarge {
		t.Error("too many blobs:", err)
	}
	_, err = c.HaveMany(t.Context(), make([]moot.BlobID, moot.MaxMany+1))
	if moot.KindOf(err) != moot.TooLarge {
		t.Error("too long a list:", err)
	}
	_, err = fetchAll(t.Context(), c, make([]moot.BlobID, moot.MaxMany+1))
	if moot.KindOf(err) != moot.TooLarge {
		t.Error("too long a list:", err)
	}
}

// What a caller may not read is as if it were not there.
func TestManyAsksTheGuardAboutEach(t *testing.T) {
	m := newMemory()
	contents, ids := smallOnes(3)
	if _, err := m.PutMany(t.Context(), contents); err != nil {
		t.Fatal(err)
	}
	g := guard{allow: func(_ moot.Key, action, subject string) error {
		if action == "upload" || subject == ids[1].String() {
			return moot.Errorf(moot.Denied, "not for you")
		}
		return nil
	}}
	c := dial(t, Handler(m, g, Options{}))
	got, err := fetchAll(t.Context(), c, ids)
	if err != nil || len(got) != 2 || got[ids[1]] != nil {
		t.Error(slices.Collect(maps.Keys(got)), err)
	}
	held, err := c.HaveMany(t.Context(), ids)
	if err != nil || !slices.Equal(held, []bool{true, false, true}) {
		t.Error(held, err)
	}
	if _, err := c.PutMany(t.Context(), contents); moot.KindOf(err) != moot.Denied {
		t.Error("an upload:", err)
	}
}

// batches is a node that counts what is stored together, and fails at the end.
type batches struct {
	*memory
	sizes []int
	fail  error
}

func (b *batches) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	size := 0
	for _, c := range contents {
		size += len(c)
	}
	b.sizes = append(b.sizes, size)
	if b.fail != nil {
		return nil, b.fail
	}
	return b.memory.PutMany(ctx, contents)
}

func TestManyAreStoredInBoundedBatches(t *testing.T) {
	n := &batches{memory: newMemory()}
	var contents [][]byte
	for i := range 100 {
		contents = append(contents, append(pattern(moot.MaxSmall-1), byte(i)))
	}
	if _, err := dial(t, Handler(n, guard{}, Options{})).PutMany(t.Context(), contents); err != nil {
		t.Fatal(err)
	}
	if len(n.sizes) != 7 || slices.Max(n.sizes) > storeBatch+moot.MaxSmall {
		t.Error(n.sizes)
	}
	n.fail = moot.Errorf(moot.Full, "no space left")
	overBoth(t, Handler(n, guard{}, Options{}), func(t *testing.T, c *Client) {
		if _, err := c.PutMany(t.Context(), contents); moot.KindOf(err) != moot.Full {
			t.Error(err)
		}
	})
}

// fetched makes frames of a response.
func fetched(index uint64, data []byte) []byte {
	f := binary.AppendUvarint(nil, index)
	return append(binary.AppendUvarint(f, uint64(len(data))), data...)
}

func TestHostileFetch(t *testing.T) {
	contents, ids := smallOnes(3)
	third := fetched(2, contents[2])
	for name, body := range map[string][]byte{
		"wrong bytes":     fetched(0, []byte("wrong")),
		"of another":      fetched(0, contents[2]),
		"beyond the list": fetched(3, contents[2]),
		"twice":           slices.Concat(third, third),
		"too large":       fetched(1, pattern(moot.MaxSmall+1)),
		"endless number":  bytes.Repeat([]byte{0xff}, 100),
		"huge size":       binary.AppendUvarint([]byte{0}, 1<<63),
	} {
		if _, err := fetchAll(t.Context(), reply(200, typeSmall, string(body)), ids); moot.KindOf(err) != moot.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
	}
	for cut := 1; cut < len(third); cut += 97 {
		if _, err := fetchAll(t.Context(), reply(200, typeSmall, string(third[:cut])), ids); moot.KindOf(err) != moot.Unavailable {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
	// A stream without an end is left as soon as it repeats itself.
	endlessly := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", typeSmall)
		for {
			if _, err := w.Write(third); err != nil {
				return
			}
		}
	})
	within(t, time.Minute, func() {
		if _, err := fetchAll(t.Context(), dial(t, endlessly), ids); moot.KindOf(err) != moot.Corrupt {
			t.Error("endless:", err)
		}
	})
}

func TestHostileStoreAndHave(t *testing.T) {
	contents, ids := smallOnes(3)
	for name, list := range map[string][]byte{
		"others": listOf([]moot.BlobID{ids[1], ids[0], ids[2]}), "too few": listOf(ids[:2]), "no list": []byte("x"),
		"too many": listOf(slices.Repeat(ids, moot.MaxMany)),
	} {
		if got, err := reply(201, typeBytes, string(list)).PutMany(t.Context(), contents); moot.KindOf(err) != moot.Corrupt || got != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bits := range []string{"", "ab"} {
		if _, err := reply(200, typeBytes, bits).HaveMany(t.Context(), ids); moot.KindOf(err) != moot.Corrupt {
			t.Errorf("%q: %v", bits, err)
		}
	}
}

// A fetch that fails halfway breaks off, whatever has been sent.
func TestAFetchThatFailsBreaksOff(t *testing.T) {
	contents, ids := smallOnes(3)
	for name, failAt := range map[string]int{"at once": 0, "later": 2} {
		n := halfway{newMemory(), contents, ids, failAt}
		overBoth(t, Handler(n, guard{}, Options{}), func(t *testing.T, c *Client) {
			got, err := fetchAll(t.Context(), c, ids)
			if kind := moot.KindOf(err); kind != moot.Unavailable || len(got) > failAt {
				t.Errorf("%s: %d blobs, %v", name, len(got), err)
			}
		})
	}
}

// halfway is a node that fails while it yields.
type halfway struct {
	*memory
	contents [][]byte
	ids      []moot.BlobID
	failAt   int
}

func (h halfway) GetMany(context.Context, []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		for i := range h.failAt {
			if !yield(moot.Small{ID: h.ids[i], Data: h.contents[i]}, nil) {
				return
			}
		}
		yield(moot.Small{}, moot.Errorf(moot.Unavailable, "the disk is busy"))
	}
}

// However the network cuts up a response, it reads the same; and only what has the name that
// was asked for is yielded.
func FuzzFetched(f *testing.F) {
	contents := [][]byte{{}, []byte("x"), []byte("some text")}
	var ids []moot.BlobID
	for _, c := range contents {
		ids = append(ids, blob.IDOf(c))
	}
	f.Add(slices.Concat(fetched(2, contents[2]), fetched(0, nil)))
	f.Add(fetched(2, contents[2])[:5])
	f.Add(bytes.Repeat([]byte{0xff}, 12))
	f.Fuzz(func(t *testing.T, stream []byte) {
		all, end := drainFetched(bytes.NewReader(stream), ids)
		again, same := drainFetched(iotest.OneByteReader(bytes.NewReader(stream)), ids)
		if len(all) != len(again) || moot.KindOf(end) != moot.KindOf(same) {
			t.Fatalf("%d blobs and %v, or %d and %v", len(all), end, len(again), same)
		}
		if end != io.EOF && moot.KindOf(end) != moot.Corrupt && moot.KindOf(end) != moot.Unavailable {
			t.Fatal(end)
		}
		for _, s := range all {
			if blob.IDOf(s.Data) != s.ID || !slices.Contains(ids, s.ID) {
				t.Fatalf("yielded %v", s.ID)
			}
		}
	})
}

func drainFetched(r io.Reader, ids []moot.BlobID) (all []moot.Small, end error) {
	in, seen := bufio.NewReader(r), make([]bool, len(ids))
	for {
		s, err := readFetched(in, ids, seen)
		if err != nil {
			return all, err
		}
		all = append(all, s)
	}
}

// FuzzStored: what a request stores is what its frames hold, and no more than its size.
func FuzzStored(f *testing.F) {
	contents := [][]byte{{}, []byte("x"), []byte("some text")}
	body, _ := io.ReadAll(&smallReader{contents: contents})
	f.Add(body)
	f.Add([]byte{0, 0, 0, 1})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, body []byte) {
		in := bufio.NewReader(bytes.NewReader(body))
		contents, err := readBatch(in, 100)
		if err != nil && err != io.EOF {
			if kind := moot.KindOf(asRequestError(err)); kind != moot.Invalid && kind != moot.TooLarge {
				t.Fatal(err)
			}
			return
		}
		rest, _ := io.ReadAll(in)
		again, _ := io.ReadAll(&smallReader{contents: contents})
		if err == io.EOF && len(rest) > 0 || len(again)+len(rest) > len(body) {
			t.Fatalf("%d bytes became %d and %d", len(body), len(again), len(rest))
		}
	})
}
