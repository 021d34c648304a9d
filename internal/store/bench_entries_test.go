package store

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mootspace/moot"
)

// BenchmarkFsync is the reference of BenchmarkAppend: 4 KiB written at the end of a
// file and made durable.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	must(b, err)
	defer f.Close()
	page := content(4<<10, 1)
	for b.Loop() {
		_, err := f.Write(page)
		must(b, err)
		must(b, f.Sync())
	}
}

// BenchmarkAppend makes entries durable, one a call, by so many writers at once; each
// is an author. Verifying them is part of it, signing is not.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 16} {
		b.Run(fmt.Sprintf("%dwriters", writers), func(b *testing.B) {
			r := diskRig(b)
			feeds := make([][]moot.Entry, writers)
			for i := range feeds {
				feeds[i] = signed(fmt.Sprint("author ", i), (b.N+i)/writers) // N in all
			}
			b.ResetTimer()
			var wg sync.WaitGroup
			for i := range writers {
				wg.Go(func() {
					for _, e := range feeds[i] {
						if err := r.Append(b.Context(), moot.Merge, e); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// signed returns n entries of one author.
func signed(author string, n int) []moot.Entry {
	p, entries := newSigner(author), make([]moot.Entry, n)
	for i := range entries {
		entries[i] = p.file(fmt.Sprintf("%s/%d", author, i), "body")
	}
	return entries
}

// BenchmarkAppendMany makes 256 entries of one author durable at once, as a repair does.
func BenchmarkAppendMany(b *testing.B) {
	const batch = 256
	r, p, n := diskRig(b), newSigner("ada"), 0
	for b.Loop() {
		b.StopTimer()
		entries := make([]moot.Entry, batch)
		for i := range entries {
			n++
			entries[i] = p.file(fmt.Sprint("name ", n), "body")
		}
		b.StartTimer()
		r.append(entries...)
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "entries/s")
}

// library is a store with names by ten authors, of each a second version of a tenth.
func library(b *testing.B, names int) *rig {
	r := diskRig(b)
	var entries []moot.Entry
	for a := range 10 {
		p := newSigner(fmt.Sprint("author ", a))
		for i := range names / 10 {
			e := p.file(fmt.Sprintf("folder %d/holiday %d of author %d.jpg", i%100, i, a), "a body of some length, as files have them")
			entries = append(entries, e)
			if i%10 == 0 {
				entries = append(entries, p.file(e.Key, "the second version of it", e))
			}
		}
	}
	r.append(entries...)
	return r
}

// BenchmarkQuery asks 10,000 names: for one, for those of a folder, for words, for
// all, and for what a vector lacks.
func BenchmarkQuery(b *testing.B) {
	r := library(b, 10_000)
	last, err := r.Vector(b.Context())
	must(b, err)
	for author := range last.Heads {
		seq := last.Seq(author) - 10
		for _, e := range r.query(moot.Query{History: true, Author: author, Since: upTo(numbers{author: seq - 1}), Limit: 1}) {
			last.Heads[author] = []moot.Head{{Seq: e.Seq, ID: e.ID}}
		}
	}
	for _, c := range []struct {
		name string
		q    moot.Query
		want int
	}{
		{"key", moot.Query{Kind: moot.KindFile, Key: "folder 7/holiday 7 of author 3.jpg"}, 1},
		{"prefix100", moot.Query{Kind: moot.KindFile, Prefix: "folder 7/"}, 100},
		{"words1", moot.Query{Kind: moot.KindFile, Words: "holiday 507 author 3"}, 1},
		{"all10000", moot.Query{Kind: moot.KindFile}, 10_000},
		{"since100", moot.Query{History: true, Since: last}, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if got := len(r.query(c.q)); got != c.want {
					b.Fatalf("%d entries, want %d", got, c.want)
				}
			}
			b.ReportMetric(float64(b.N)*float64(c.want)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkVector computes the vector of ten feeds of 11,000 entries, the first step of a
// repair.
func BenchmarkVector(b *testing.B) {
	r := library(b, 10_000)
	for b.Loop() {
		if v, err := r.Vector(b.Context()); err != nil || len(v.Heads) != 10 {
			b.Fatal(len(v.Heads), err)
		}
	}
}
