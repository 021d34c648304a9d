package tree

import (
	"fmt"
	"testing"
	"time"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
)

func TestFirst(t *testing.T) {
	tr := New(Config{})
	e := tr.Edit(Nonce{1})
	for i := range 3000 {
		if _, err := e.Write(fmt.Sprintf("a/b%d/f%d", i%7, i), File, Content{Blob: moot.Blob{ID: moot.BlobID{byte(i)}, Size: 3}, ModTime: time.Unix(5, 6)}, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	bodies, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range bodies {
		t.Log(b.Key, len(b.Data), b.Ops)
		if err := tr.Apply(moot.Entry{ID: blake3.Sum256(b.Data), Kind: moot.KindChange, Time: moot.Time(i + 5), Body: b.Data, BodySize: len(b.Data)}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for p, s := range tr.Walk("") {
		n++
		if q, ok := tr.Path(s.Item); !ok || q != p {
			t.Fatal(p, q)
		}
	}
	if n != 3008 {
		t.Error(n)
	}
	if s, ok := tr.Lookup("A/b3/F3"); !ok || s.Name != "f3" {
		t.Error(s)
	}
}
