package tree

import (
	"bytes"
	"slices"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// FuzzDecode checks that what is decoded is what would have been encoded, within the limits.
func FuzzDecode(f *testing.F) {
	for _, e := range benchEntries(f, 2) {
		f.Add(e.Body)
	}
	t := grown(f, benchEntries(f, 4))
	e := t.Edit(Nonce{7})
	folder, _ := t.Lookup("photos")
	_ = e.Move(folder.Folders, ID{}, "pictures")
	_ = e.RemoveAll("photos/2000/00/img_000001.jpg")
	_, _ = e.Write("link", Link, Content{Target: "photos"}, 0)
	e.Chmod(folder.Item, 0o700)
	bodies, err := e.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bodies[0].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := decode(data)
		if err != nil {
			if moot.KindOf(err) != moot.Invalid {
				t.Fatalf("%v is of kind %s", err, moot.KindOf(err))
			}
			return
		}
		if again, err := cbor.Marshal(b); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%x was read as %x, %v", data, again, err)
		}
		tree := New(Config{})
		e := signed(1, 1<<40, Body{Data: data, Ops: len(b.Ops)})
		if err := tree.Check(e); err != nil && moot.KindOf(err) != moot.Conflict {
			t.Fatal(err)
		}
		if err := tree.Apply(e); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzApply has hostile members say anything that can be said, and checks that the tree is
// what the model says, in either order.
func FuzzApply(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x01\x00\x03\x01\x00\x00\x01\x02\x04\x00\x01\x02\x01\x03"))
	f.Add([]byte("\x03\x01\x00\x00\x02\x01\x03\x02\x00\x01\x01\x01\x01\x05\x01\x00\x02\x00\x01\x06\x02\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries := hostile(data[:min(len(data), 6*60)])
		m := newModel(slices.Clone(entries))
		want := m.tree()
		s := &sim{t: t}
		s.compare(grown(t, entries), want)
		slices.Reverse(entries)
		tree := New(Config{})
		for _, e := range entries {
			_ = tree.Check(e)
			if err := tree.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		s.compare(tree, want)
		s.lost(tree, m)
	})
}

// hostile makes up to 3 entries of bytes, of which 6 are an operation.
func hostile(data []byte) (entries []moot.Entry) {
	names := []string{"a", "b", "c.txt"}
	for n := byte(1); n <= 3; n++ {
		b := wireBody{Nonces: make([]byte, 2*nonceSize), Cites: slices.Concat(slices.Repeat([]byte{1}, citeSize), slices.Repeat([]byte{2}, citeSize), slices.Repeat([]byte{3}, citeSize))}
		b.Nonces[nonceSize] = 1
		b.Folders = []wireFolder{{Parent: 0, Name: "a"}, {Parent: 1, Name: "a"}, {Parent: 0, Name: "b", Nonce: 1}, {Parent: 3, Name: "a", Nonce: 1}, {Parent: 2, Name: "b"}}
		for op := range slices.Chunk(data, 6) {
			if len(op) < 6 || op[0]%3+1 != n {
				continue
			}
			o := wireOp{Kind: Kind(op[0]/3%4 + 1), Folder: uint32(op[1] % 6), Name: names[op[2]%3], Nonce: uint32(op[2] / 3 % 2), Type: op[3] % 3}
			if cite := uint32(op[4] / 6 % 4); cite != 0 && cite != uint32(n) && (o.Kind == SetContent || o.Kind == Remove) {
				o.Replaces = []uint32{cite - 1, uint32(op[5]) / 4 % 16}
			}
			switch {
			case o.Kind == SetContent && o.Type == 0:
				o.Blob = bytes.Repeat([]byte{op[5] % 4}, 32)
			case o.Kind == SetContent && o.Type == 2:
				o.Target = names[op[5]%3]
			case o.Kind == SetMode:
				o.Mode = uint32(op[5] % 8)
			case o.Kind == Move:
				o.Parent, o.To = uint32(op[4]%6), names[op[5]%3]
			case o.Kind == Remove && o.Replaces == nil:
				continue
			}
			b.Ops = append(b.Ops, o)
		}
		if data, err := cbor.Marshal(&b); err == nil && len(b.Ops) > 0 {
			e := signed(n, moot.Time(10+n%2)<<16, Body{Data: data})
			e.ID = moot.EntryID(slices.Repeat([]byte{n}, citeSize))
			entries = append(entries, e)
		}
	}
	return entries
}

// TestHostile runs what FuzzApply would from fixed random bytes.
func TestHostile(t *testing.T) {
	t.Parallel()
	paths := 0
	for seed := range uint64(500) {
		s := newSim(t, seed)
		data := make([]byte, 6*60)
		for i := range data {
			data[i] = byte(s.IntN(256))
		}
		entries := hostile(data)
		m := newModel(slices.Clone(entries))
		want := m.tree()
		s.compare(grown(t, entries), want)
		slices.Reverse(entries)
		tree := grown(t, entries)
		s.compare(tree, want)
		s.lost(tree, m)
		paths += len(want)
	}
	if paths < 5000 {
		t.Errorf("only %d paths in all", paths)
	}
}
