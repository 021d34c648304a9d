package files

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/mootspace/moot/internal/cbor"
)

func FuzzRecords(f *testing.F) {
	r := record{Kind: kindFile, Path: "a/b", Size: 3, ID: make([]byte, 32), Pack: make([]byte, 32)}
	good, _ := cbor.Marshal(r)
	f.Add(good)
	link, _ := cbor.Marshal(record{Kind: kindSymlink, Path: "a", Target: "../x"})
	f.Add(link)
	odd, _ := cbor.Marshal(record{Kind: kindSymlink, Path: "a", Target: "b", Size: -1, Offset: -1})
	f.Add(odd)
	f.Fuzz(func(t *testing.T, in []byte) {
		for r, err := range records(bytes.NewReader(in)) {
			if err != nil {
				return
			}
			if !fs.ValidPath(r.Path) || r.Size < 0 || r.Offset < 0 {
				t.Fatalf("accepted %+v", r)
			}
		}
	})
}
