package feed_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// BenchmarkSignature is the reference of BenchmarkVerify: one signature of as many
// bytes as an entry's header has, about, checked and nothing else.
func BenchmarkSignature(b *testing.B) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	text := make([]byte, 200)
	sig := ed25519.Sign(private, text)
	for b.Loop() {
		if !ed25519.Verify(public, text, sig) {
			b.Fatal("refused")
		}
	}
}

// BenchmarkMerge merges a thousand entries of ten authors who all write the same hundred
// names, and reads every name.
func BenchmarkMerge(b *testing.B) {
	var entries []moot.Entry
	for i := range byte(10) {
		a := newAuthor(i + 1)
		for n := range 100 {
			entries = append(entries, state(a, fmt.Sprint("name ", n), "body"))
		}
	}
	for b.Loop() {
		v := feed.NewView()
		for _, e := range entries {
			v.Apply(e)
		}
		if n := len(v.Conflicts(moot.KindFile)); n != 100 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.N)*float64(len(entries))/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkEqual compares the vectors of a thousand authors, as every repair does.
func BenchmarkEqual(b *testing.B) {
	var v moot.Vector
	for i := range 1000 {
		v.Add(&moot.Entry{Author: moot.Key{byte(i), byte(i >> 8)}, Seq: uint64(i) + 1})
	}
	w := v.Clone()
	for b.Loop() {
		if !v.Equal(w) {
			b.Fatal("not alike")
		}
	}
}
