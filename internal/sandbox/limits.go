package sandbox

import (
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
)

// Limits bound a run. Zero means the default.
type Limits struct {
	Memory int64         // bytes of linear memory
	Wall   time.Duration // from its start
	CPU    time.Duration // of its process
	Output int64         // bytes written to files and streams, including overwritten ones
	Files  int           // files and folders made, including removed ones
	Open   int           // files open at once
}

// Defaults returns the default limits.
func Defaults() Limits {
	return Limits{Memory: 256 << 20, Wall: 10 * time.Minute, CPU: 10 * time.Minute, Output: 1 << 30, Files: 10_000, Open: 256}
}

func (l Limits) orDefaults() Limits {
	d := Defaults()
	return Limits{Memory: or(l.Memory, d.Memory), Wall: or(l.Wall, d.Wall), CPU: or(l.CPU, d.CPU), Output: or(l.Output, d.Output), Files: or(l.Files, d.Files), Open: or(l.Open, d.Open)}
}

func or[T int | int64 | time.Duration](n, otherwise T) T {
	if n <= 0 {
		return otherwise
	}
	return n
}

// meter counts what a run uses. stop, which does not return, ends a run over its limits.
type meter struct {
	limits Limits
	stop   func(error)

	output atomic.Int64
	files  atomic.Int64
	open   atomic.Int64
}

// write counts bytes that are about to be written.
func (m *meter) write(n int64) {
	if m.output.Add(n) > m.limits.Output {
		m.output.Add(-n)
		m.stop(moot.Errorf(moot.Failed, "it wrote more than its %s of output", amount(m.limits.Output)))
	}
}

// make counts a file or folder that is about to be made.
func (m *meter) make() {
	if m.files.Add(1) > int64(m.limits.Files) {
		m.files.Add(-1)
		m.stop(moot.Errorf(moot.Failed, "it made more than its %d files and folders", m.limits.Files))
	}
}

// opens counts a file that is about to be opened.
func (m *meter) opens() {
	if m.open.Add(1) > int64(m.limits.Open) {
		m.stop(moot.Errorf(moot.Failed, "it had more than its %d files open at once", m.limits.Open))
	}
}
