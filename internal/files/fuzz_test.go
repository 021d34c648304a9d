package files

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/mootspace/moot"
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

func FuzzFileOf(f *testing.F) {
	good, _ := encodeBody(File{Blob: moot.Blob{Size: 5}})
	f.Add("name", good)
	f.Fuzz(func(t *testing.T, name string, body []byte) {
		v, err := fileOf(moot.Entry{Key: name, Body: body, BodySize: len(body)})
		if err == nil && (v.Blob.Size < 0 || v.Content < 0 || v.Mode&^fs.ModePerm != 0) {
			t.Fatalf("accepted %+v", v)
		}
	})
}
