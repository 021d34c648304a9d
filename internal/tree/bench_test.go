package tree

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"testing"
	"time"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

const benchFiles = 100_000

// testBlob returns a blob that a number stands for.
func testBlob(n int) moot.Blob {
	return moot.Blob{ID: blake3.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n))), Size: int64(2000 + n%1000)}
}

// signed returns a body as an entry.
func signed(author byte, at moot.Time, b Body) moot.Entry {
	e := moot.Entry{Author: moot.Key{author}, Time: at, Kind: moot.KindChange, Key: b.Key, Body: b.Data, BodySize: len(b.Data)}
	e.ID = blake3.Sum256(append(binary.BigEndian.AppendUint64([]byte{author}, uint64(at)), b.Data...))
	return e
}

// benchEntries are change sets of files in folders of 100.
func benchEntries(tb testing.TB, files int) (entries []moot.Entry) {
	tb.Helper()
	e := New(Config{}).Edit(Nonce{1})
	for i := range files {
		path := fmt.Sprintf("photos/%d/%02d/img_%06d.jpg", 2000+i/10_000, i/100%100, i)
		if _, err := e.Write(path, File, Content{Blob: testBlob(i), ModTime: time.Unix(1_700_000_000+int64(i), 123_456_789)}, 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	bodies, err := e.Encode()
	if err != nil {
		tb.Fatal(err)
	}
	for i, b := range bodies {
		entries = append(entries, signed(1, moot.TimeAt(time.Unix(1_700_000_000, 0))+moot.Time(i), b))
	}
	return entries
}

func legacyEntries(tb testing.TB, files int) (entries []moot.Entry) {
	tb.Helper()
	for i := range files {
		id := testBlob(i).ID
		data, err := cbor.Marshal(legacyBody{Blob: id[:], Size: 2000, Content: 2000, Mode: 0o644, ModTime: int64(i)})
		if err != nil {
			tb.Fatal(err)
		}
		e := signed(1, moot.Time(i+1)<<16, Body{Key: fmt.Sprintf("photos/%d/%02d/img_%06d.jpg", 2000+i/10_000, i/100%100, i), Data: data})
		e.Kind = moot.KindFile
		entries = append(entries, e)
	}
	return entries
}

func grown(tb testing.TB, entries []moot.Entry) *Tree {
	tb.Helper()
	t := New(Config{})
	t.ApplyAll(slices.Values(entries), func(e moot.Entry, err error) { tb.Fatalf("%s: %v", e.Key, err) })
	return t
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkApply makes a tree of 100,000 files from its entries.
func BenchmarkApply(b *testing.B) {
	for name, make := range map[string]func(testing.TB, int) []moot.Entry{"changes": benchEntries, "legacy": legacyEntries} {
		b.Run(name, func(b *testing.B) {
			entries, size := make(b, benchFiles), 0
			for _, e := range entries {
				size += e.BodySize
			}
			before := heap()
			t := grown(b, entries)
			used := heap() - before
			for b.Loop() {
				t = grown(b, entries)
			}
			b.ReportMetric(float64(used)/(1<<20), "MiB-heap")
			b.ReportMetric(float64(size)/benchFiles, "B/file")
			b.ReportMetric(float64(len(entries)), "entries")
			runtime.KeepAlive(t)
		})
	}
}

// BenchmarkOne measures one more edit of a file among 100,000.
func BenchmarkOne(b *testing.B) {
	t := grown(b, benchEntries(b, benchFiles))
	at := moot.TimeAt(time.Unix(1_800_000_000, 0))
	for i := 0; b.Loop(); i++ {
		e := t.Edit(Nonce{2})
		if _, err := e.Write(fmt.Sprintf("photos/2003/07/img_%06d.jpg", 30_700+i%100), File, Content{Blob: testBlob(i)}, 0o600); err != nil {
			b.Fatal(err)
		}
		bodies, err := e.Encode()
		if err != nil {
			b.Fatal(err)
		}
		at++
		if err := t.Apply(signed(1, at, bodies[0])); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMoveFolder moves a folder of 10,000 files there and back.
func BenchmarkMoveFolder(b *testing.B) {
	t := grown(b, benchEntries(b, benchFiles))
	folder, _ := t.Lookup("photos/2003")
	photos, _ := t.Lookup("photos")
	at := moot.TimeAt(time.Unix(1_800_000_000, 0))
	for i := 0; b.Loop(); i++ {
		e := t.Edit(Nonce{2})
		if err := e.Move(folder.Folders, photos.Item, []string{"x", "2003"}[i%2]); err != nil {
			b.Fatal(err)
		}
		bodies, err := e.Encode()
		if err != nil {
			b.Fatal(err)
		}
		at++
		if err := t.Apply(signed(1, at, bodies[0])); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	t := grown(b, benchEntries(b, benchFiles))
	for b.Loop() {
		if _, ok := t.Lookup("photos/2003/07/img_030742.jpg"); !ok {
			b.Fatal("lost")
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	t := grown(b, benchEntries(b, benchFiles))
	for b.Loop() {
		n := 0
		for range t.Walk("") {
			n++
		}
		if n < benchFiles {
			b.Fatal(n)
		}
	}
}

// BenchmarkEdit states 100,000 new files.
func BenchmarkEdit(b *testing.B) {
	for b.Loop() {
		benchEntries(b, benchFiles)
	}
}

// BenchmarkLate applies folder moves from the newest to the oldest, all at once.
func BenchmarkLate(b *testing.B) {
	t := New(Config{})
	e := t.Edit(Nonce{1})
	for i := range 1000 {
		if _, err := e.Folder(fmt.Sprintf("d%d", i), Content{}, fs.FileMode(0o755)); err != nil {
			b.Fatal(err)
		}
	}
	var entries []moot.Entry
	for i := range 1000 {
		f, _ := e.Folder(fmt.Sprintf("d%d", i), Content{}, 0o755)
		to, _ := e.Folder(fmt.Sprintf("d%d", i*7%1000), Content{}, 0o755)
		m := t.Edit(Nonce{1})
		m.made = e.made
		if m.Move([]ID{f}, to, "moved") != nil {
			continue
		}
		bodies, err := m.Encode()
		if err != nil {
			b.Fatal(err)
		}
		entries = append(entries, signed(1, moot.Time(10_000-i), bodies[0]))
	}
	for b.Loop() {
		grown(b, entries)
	}
}
