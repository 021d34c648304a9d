package sandbox

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
)

// Limits bound a run. Zero means the default.
type Limits struct {
	Memory int64         // bytes of linear memory
	Wall   time.Duration // from its start
	CPU    time.Duration // of its thread
	Output int64         // bytes written to files and streams, those that were overwritten included
	Files  int           // files and folders made, those that were removed included
	Open   int           // files open at once
}

// Defaults returns the limits of who asks for none.
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

// meter counts what a run uses, and stops it when that is too much.
type meter struct {
	limits Limits
	stop   context.CancelCauseFunc

	output  atomic.Int64
	files   atomic.Int64
	open    atomic.Int64
	refused atomic.Bool // memory was

	mu        sync.Mutex
	wall, cpu time.Duration
}

// lookEvery is how often processor time is looked at.
const lookEvery = 10 * time.Millisecond

// watch stops the run when its time is up. It must be called on the thread of the run,
// and what it returns at its end.
func (m *meter) watch() (end func()) {
	began, clock := time.Now(), threadClock()
	start, over := clock(), make(chan struct{})
	var crew sync.WaitGroup
	crew.Go(func() {
		wall, look := time.NewTimer(m.limits.Wall), time.NewTicker(lookEvery)
		defer wall.Stop()
		defer look.Stop()
		for {
			select {
			case <-wall.C:
				m.stop(moot.Errorf(moot.Failed, "it ran longer than its %v", m.limits.Wall))
			case <-look.C:
				if clock()-start > m.limits.CPU {
					m.stop(moot.Errorf(moot.Failed, "it used more than its %v of processor time", m.limits.CPU))
				}
			case <-over:
				return
			}
		}
	})
	return func() {
		used := clock() - start
		close(over)
		crew.Wait()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.wall, m.cpu = time.Since(began), used
	}
}

func (m *meter) usage() Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Usage{Wall: m.wall, CPU: m.cpu, Output: m.output.Load(), Files: int(m.files.Load())}
}

// write counts bytes, and reports whether they may be written.
func (m *meter) write(n int64) bool {
	if m.output.Add(n) <= m.limits.Output {
		return true
	}
	m.output.Add(-n)
	m.stop(moot.Errorf(moot.Failed, "it wrote more than its %s of output", amount(m.limits.Output)))
	return false
}

// make counts a file or folder, and reports whether it may be made.
func (m *meter) make() bool {
	if m.files.Add(1) <= int64(m.limits.Files) {
		return true
	}
	m.files.Add(-1)
	m.stop(moot.Errorf(moot.Failed, "it made more than its %d files and folders", m.limits.Files))
	return false
}

// opens counts an open file, and reports whether it may be.
func (m *meter) opens() bool {
	if m.open.Add(1) <= int64(m.limits.Open) {
		return true
	}
	m.open.Add(-1)
	m.stop(moot.Errorf(moot.Failed, "it had more than its %d files open at once", m.limits.Open))
	return false
}

func (m *meter) wantMemory() { m.refused.Store(true) }

// writer counts what is written to w, which may be nil.
func (m *meter) writer(w io.Writer) io.Writer {
	if w == nil {
		w = io.Discard
	}
	return metered{w, m}
}

type metered struct {
	to    io.Writer
	meter *meter
}

func (w metered) Write(p []byte) (int, error) {
	if !w.meter.write(int64(len(p))) {
		return 0, moot.Full
	}
	return w.to.Write(p)
}
