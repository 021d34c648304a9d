package tree

import (
	"encoding/hex"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

func TestBirthID(t *testing.T) {
	t.Parallel()
	b := Birth{Parent: ID{1}, Type: Link, Name: "ä", Nonce: Nonce{2}}
	if got := hex.EncodeToString(func() []byte { id := b.ID(); return id[:] }()); got != "bfff77286ddf036c80c5e4aa772f766a" {
		t.Errorf("the ID is %s", got)
	}
	seen := map[ID]bool{b.ID(): true}
	for _, o := range []Birth{{ID{2}, Link, "ä", Nonce{2}}, {ID{1}, File, "ä", Nonce{2}}, {ID{1}, Link, "a", Nonce{2}}, {ID{1}, Link, "ä", Nonce{}}} {
		if seen[o.ID()] {
			t.Errorf("%+v has the ID of another", o)
		}
		seen[o.ID()] = true
	}
}

// soundBody has an operation of every kind and type.
func soundBody() *wireBody {
	return &wireBody{
		Nonces: make([]byte, 8), Cites: make([]byte, 32), Folders: []wireFolder{{Name: "f"}},
		Ops: []wireOp{
			{Kind: SetContent, Folder: 1, Name: "a", Blob: make([]byte, 32), Size: 5, Time: []int64{1, 2}, Mode: 0o644, Replaces: []uint32{0, 7}},
			{Kind: Move, Folder: 1, Name: "a", Parent: 0, To: "b"},
			{Kind: Remove, Name: "a", Replaces: []uint32{0, 1}},
			{Kind: SetMode, Name: "a"},
			{Kind: SetContent, Name: "d", Type: 1},
			{Kind: SetContent, Name: "l", Type: 2, Target: "../x"},
		},
	}
}

// unsound are changes that make a body one to refuse.
var unsound = map[string]func(b *wireBody){
	"no operations":    func(b *wireBody) { b.Ops = nil },
	"half a nonce":     func(b *wireBody) { b.Nonces = b.Nonces[:7] },
	"half a cite":      func(b *wireBody) { b.Cites = b.Cites[:31] },
	"no such nonce":    func(b *wireBody) { b.Folders[0].Nonce = 1 },
	"a later folder":   func(b *wireBody) { b.Folders[0].Parent = 1 },
	"a folder's name":  func(b *wireBody) { b.Folders[0].Name = ".." },
	"no such folder":   func(b *wireBody) { b.Ops[0].Folder = 2 },
	"no such parent":   func(b *wireBody) { b.Ops[1].Parent = 2 },
	"no such cite":     func(b *wireBody) { b.Ops[0].Replaces = []uint32{1, 0} },
	"half a version":   func(b *wireBody) { b.Ops[0].Replaces = []uint32{0} },
	"too many":         func(b *wireBody) { b.Ops[2].Replaces = make([]uint32, 2*moot.MaxReplaces+2) },
	"an item's name":   func(b *wireBody) { b.Ops[0].Name = "a/b" },
	"an item's nonce":  func(b *wireBody) { b.Ops[0].Nonce = 9 },
	"an unknown type":  func(b *wireBody) { b.Ops[4].Type = 3 },
	"an unknown kind":  func(b *wireBody) { b.Ops[3].Kind = 5 },
	"no kind":          func(b *wireBody) { b.Ops[3].Kind = 0 },
	"a short blob":     func(b *wireBody) { b.Ops[0].Blob = b.Ops[0].Blob[:31] },
	"no blob":          func(b *wireBody) { b.Ops[0].Blob = nil },
	"a negative size":  func(b *wireBody) { b.Ops[0].Size = -1 },
	"a total":          func(b *wireBody) { b.Ops[0].Total = 1 },
	"setuid":           func(b *wireBody) { b.Ops[3].Mode = 0o4755 },
	"half a time":      func(b *wireBody) { b.Ops[0].Time = []int64{1} },
	"a huge time":      func(b *wireBody) { b.Ops[0].Time = []int64{1 << 60, 0} },
	"nanoseconds":      func(b *wireBody) { b.Ops[0].Time = []int64{1, 1e9} },
	"no target":        func(b *wireBody) { b.Ops[5].Target = "" },
	"a file's target":  func(b *wireBody) { b.Ops[0].Target = "x" },
	"a folder's bytes": func(b *wireBody) { b.Ops[4].Blob = make([]byte, 32) },
	"a new name":       func(b *wireBody) { b.Ops[1].To = "" },
	"a moved content":  func(b *wireBody) { b.Ops[1].Size = 5 },
	"nothing removed":  func(b *wireBody) { b.Ops[2].Replaces = nil },
	"a mode's parent":  func(b *wireBody) { b.Ops[3].Parent = 1 },
	"too deep": func(b *wireBody) {
		for i := range uint32(MaxLevels) {
			b.Folders = append(b.Folders, wireFolder{Parent: i + 1, Name: "x"})
		}
	},
	"too large": func(b *wireBody) {
		for range 2000 {
			b.Ops = append(b.Ops, b.Ops[0])
		}
	},
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	if data, err := cbor.Marshal(soundBody()); err != nil {
		t.Fatal(err)
	} else if _, err := decode(data); err != nil {
		t.Fatalf("a sound body: %v", err)
	} else if _, err := decode(append(data, 0)); err == nil {
		t.Error("something follows the body")
	}
	for name, change := range unsound {
		b := soundBody()
		change(b)
		data, err := cbor.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(data); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}
