package blob_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/bao"
	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// sizes are those at which trees change their shape.
var sizes = []int{0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 16383, 16384, 16385, 17 << 10, 32 << 10, 32<<10 + 1,
	48 << 10, 64<<10 - 1, 64 << 10, 80 << 10, 112<<10 + 5, 128 << 10, 1<<20 + 3, 3 << 20}

func random(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(p)
	return p
}

// tester is what testing.TB and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// hashed returns the blob's name and tree, written in uneven pieces.
func hashed(t tester, data []byte) (moot.Blob, []byte) {
	t.Helper()
	var tree bytes.Buffer
	h := blob.NewHasher(&tree)
	for step, rest := 1, data; len(rest) > 0; step = step*3%50_000 + 1 {
		n := min(step, len(rest))
		if _, err := h.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	b, err := h.Sum()
	if err != nil {
		t.Fatal(err)
	}
	return b, tree.Bytes()
}

func slice(t tester, b moot.Blob, data, tree []byte, r moot.Range) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := blob.Encode(&out, b, bytes.NewReader(data), bytes.NewReader(tree), r); err != nil {
		t.Fatalf("encode %v of %d bytes: %v", r, b.Size, err)
	}
	return out.Bytes()
}

func TestIDsAreBLAKE3(t *testing.T) {
	for _, n := range sizes {
		data := random(n)
		b, tree := hashed(t, data)
		if want := blake3.Sum256(data); b.ID != want || b.Size != int64(n) {
			t.Errorf("%d bytes: %v, want %x", n, b, want)
		}
		if int64(len(tree)) != blob.TreeSize(b.Size) {
			t.Errorf("%d bytes: a tree of %d bytes, want %d", n, len(tree), blob.TreeSize(b.Size))
		}
	}
}

func TestIDsAreWhatB3sumPrints(t *testing.T) {
	b3sum, err := exec.LookPath("b3sum")
	if err != nil {
		t.Log("b3sum is not installed: the IDs were compared with lukechampine.com/blake3 only")
		return
	}
	data := random(5<<20 + 1)
	cmd := exec.Command(b3sum, "--no-names")
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := blob.Hash(bytes.NewReader(data)); b.ID.String() != strings.TrimSpace(string(out)) {
		t.Errorf("ID %v, b3sum says %s", b.ID, out)
	}
}

// TestSlicesAreBao compares slices, both ways, with another implementation.
func TestSlicesAreBao(t *testing.T) {
	for _, n := range sizes {
		data := random(n)
		b, tree := hashed(t, data)
		encoded, root := bao.EncodeBuf(data, 4, false)
		if root != b.ID {
			t.Fatalf("%d bytes: bao's root is %x", n, root)
		}
		if got := slice(t, b, data, tree, moot.Whole); !bytes.Equal(got, encoded) {
			t.Errorf("%d bytes: the slice of the whole is not bao's encoding", n)
		}
		for _, r := range [][2]int{{0, 1}, {n / 2, n / 3}, {n - 1, 1}, {16384, 16384}} {
			r := moot.Range{Offset: int64(r[0]), Length: int64(r[1])}
			if c := r.In(b.Size); c != r || r.Length == 0 {
				continue
			}
			var theirs bytes.Buffer
			if err := bao.ExtractSlice(&theirs, bytes.NewReader(encoded), nil, 4, uint64(r.Offset), uint64(r.Length)); err != nil {
				t.Fatal(err)
			}
			ours := slice(t, b, data, tree, r)
			if !bytes.Equal(ours, theirs.Bytes()) {
				t.Errorf("%d bytes, %v: the slice is not bao's", n, r)
			}
			got, ok := bao.VerifySlice(ours, 4, uint64(r.Offset), uint64(r.Length), b.ID)
			if !ok || !bytes.Equal(got, data[r.Offset:r.End()]) {
				t.Errorf("%d bytes, %v: bao does not accept our slice", n, r)
			}
		}
	}
}

func TestDecodeRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom(sizes).Draw(t, "size")
		data := random(n)
		b, tree := hashed(t, data)
		r := moot.Range{
			Offset: rapid.Int64Range(0, int64(n)+10).Draw(t, "offset"),
			Length: rapid.Int64Range(-1, int64(n)+10).Draw(t, "length"),
		}
		var out bytes.Buffer
		if err := blob.Encode(&out, b, bytes.NewReader(data), bytes.NewReader(tree), r); err != nil {
			t.Fatal(err)
		}
		d := blob.NewDecoder(&out, b.ID, r)
		if size, err := d.Size(); err != nil || size != b.Size {
			t.Fatalf("size %d, %v", size, err)
		}
		got, err := io.ReadAll(struct{ io.Reader }{d})
		c := r.In(b.Size)
		if err != nil || !bytes.Equal(got, data[c.Offset:c.End()]) {
			t.Fatalf("got %d bytes and %v, want %d", len(got), err, c.Length)
		}
		if out.Len() != 0 {
			t.Fatalf("%d bytes of the slice were not read", out.Len())
		}
	})
}

// TestGroupsRebuildTheTree fills a tree from slices taken in any order.
func TestGroupsRebuildTheTree(t *testing.T) {
	for _, n := range sizes {
		data := random(n)
		b, tree := hashed(t, data)
		gotData, gotTree := make([]byte, n), make([]byte, len(tree))
		for _, g := range rand.Perm(int(blob.Groups(b.Size))) {
			r := moot.Range{Offset: int64(g) * blob.GroupSize, Length: blob.GroupSize}
			d := blob.NewDecoder(bytes.NewReader(slice(t, b, data, tree, r)), b.ID, r)
			d.Size() // must not lose the nodes read on the way
			group, err := d.Next()
			if err != nil || group.Index != int64(g) {
				t.Fatalf("group %d: %d, %v", g, group.Index, err)
			}
			copy(gotData[r.Offset:], group.Data)
			for _, node := range group.Nodes {
				copy(gotTree[node.Pos*32:], node.CV[:])
			}
		}
		if !bytes.Equal(gotData, data) || !bytes.Equal(gotTree, tree) {
			t.Errorf("%d bytes: the rebuilt blob or tree differs", n)
		}
	}
}

// TestDecodeFindsEveryFlippedBit: whatever byte of a slice is wrong, what comes out
// before the error is right.
func TestDecodeFindsEveryFlippedBit(t *testing.T) {
	data := random(5*blob.GroupSize + 100)
	b, tree := hashed(t, data)
	good := slice(t, b, data, tree, moot.Whole)
	for i := 0; i < len(good); i += 1 + i%97 {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		d := blob.NewDecoder(bytes.NewReader(bad), b.ID, moot.Whole)
		var got bytes.Buffer
		_, err := io.Copy(&got, d)
		if !errors.Is(err, moot.Corrupt) && !errors.Is(err, moot.Unavailable) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		if !bytes.HasPrefix(data, got.Bytes()) {
			t.Fatalf("byte %d flipped: wrong bytes came out", i)
		}
	}
	for i := 0; i < len(good); i += 1 + i%997 {
		if _, err := io.Copy(io.Discard, blob.NewDecoder(bytes.NewReader(good[:i]), b.ID, moot.Whole)); !errors.Is(err, moot.Unavailable) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

// TestEncodeWritesNothingUnverified flips bytes of the data and of the tree.
func TestEncodeWritesNothingUnverified(t *testing.T) {
	data := random(9*blob.GroupSize + 1)
	b, tree := hashed(t, data)
	good := slice(t, b, data, tree, moot.Whole)
	check := func(what string, data, tree []byte) {
		var out bytes.Buffer
		err := blob.Encode(&out, b, bytes.NewReader(data), bytes.NewReader(tree), moot.Whole)
		if !errors.Is(err, moot.Corrupt) {
			t.Errorf("%s: %v", what, err)
		}
		if !bytes.HasPrefix(good, out.Bytes()) {
			t.Errorf("%s: unverified bytes were written", what)
		}
	}
	for i := 0; i < len(data); i += 7001 {
		bad := bytes.Clone(data)
		bad[i]++
		check("data", bad, tree)
	}
	for i := range tree {
		bad := bytes.Clone(tree)
		bad[i]++
		check("tree", data, bad)
	}
	if err := blob.Encode(io.Discard, b, bytes.NewReader(data[:len(data)-1]), bytes.NewReader(tree), moot.Whole); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short data: %v", err)
	}
}

// TestAFalseSizeIsFound: only the last group can prove the size, and it does.
func TestAFalseSizeIsFound(t *testing.T) {
	data := random(6 * blob.GroupSize)
	b, tree := hashed(t, data)
	for _, size := range []int64{0, 1, b.Size - 1, b.Size + 1, 7 * blob.GroupSize, 8 * blob.GroupSize, 1 << 40, 1 << 62} {
		forged := slice(t, b, data, tree, blob.LastRange(b.Size))
		for i := range 8 {
			forged[i] = byte(size >> (8 * i))
		}
		d := blob.NewDecoder(bytes.NewReader(forged), b.ID, blob.LastRange(size))
		if _, err := io.Copy(io.Discard, d); err == nil {
			t.Errorf("a size of %d was believed", size)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	data := random(3*blob.GroupSize + 7)
	b, tree := hashed(f, data)
	f.Add(slice(f, b, data, tree, moot.Whole), int64(0), int64(-1))
	f.Add(slice(f, b, data, tree, moot.Range{Offset: 20000, Length: 5}), int64(20000), int64(5))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 15}, int64(1)<<60, int64(9))
	f.Fuzz(func(t *testing.T, in []byte, offset, length int64) {
		r := moot.Range{Offset: offset, Length: length}
		var got bytes.Buffer
		_, err := io.Copy(&got, blob.NewDecoder(bytes.NewReader(in), b.ID, r))
		c := r.In(b.Size)
		if want := data[c.Offset:c.End()]; !bytes.HasPrefix(want, got.Bytes()) || err == nil && !bytes.Equal(want, got.Bytes()) && sizeOf(in) == b.Size {
			t.Fatalf("%d wrong bytes came out", got.Len())
		}
	})
}

func sizeOf(in []byte) (n int64) {
	for i := range min(8, len(in)) {
		n |= int64(in[i]) << (8 * i)
	}
	return n
}
