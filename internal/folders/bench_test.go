package folders_test

import (
	"bytes"
	"fmt"
	"testing"
)

const benchFiles = 5000

// fill writes many small files, in folders of a hundred.
func (m *member) fill() {
	for i := range benchFiles {
		m.write(fmt.Sprintf("d/%d/%d", i/100, i), string(bytes.Repeat([]byte{byte(i), byte(i >> 8)}, 1000)))
	}
}

// BenchmarkSend looks at 5,000 new files of 2 KB and states them.
func BenchmarkSend(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, 1)
		w.members[0].fill()
		b.StartTimer()
		w.members[0].once()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*benchFiles), "µs/file")
}

// BenchmarkReceive puts 5,000 files of 2 KB in place, durably.
func BenchmarkReceive(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := newWorld(b, 2)
		w.members[0].fill()
		w.members[0].once()
		w.meet(w.members[0], w.members[1])
		b.StartTimer()
		w.members[1].once()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*benchFiles), "µs/file")
}

// BenchmarkIdle looks at a folder of 5,000 files in which nothing has changed.
func BenchmarkIdle(b *testing.B) {
	w := newWorld(b, 1)
	w.members[0].fill()
	w.members[0].once()
	for b.Loop() {
		w.members[0].once()
	}
}

// BenchmarkRename renames a folder of 5,000 files, and has another member follow.
func BenchmarkRename(b *testing.B) {
	w := newWorld(b, 2)
	w.members[0].fill()
	w.members[0].once()
	w.meet(w.members[0], w.members[1])
	w.members[1].once()
	from, to := "d", "e"
	for b.Loop() {
		w.members[0].rename(from, to)
		w.members[0].once()
		w.meet(w.members[0], w.members[1])
		w.members[1].once()
		from, to = to, from
	}
}
