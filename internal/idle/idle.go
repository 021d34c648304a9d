// Package idle says whether other programs use a machine's processors, so that work of
// low priority can wait until they do not.
package idle

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
)

const (
	// MaxShare is the share of all processors' time that others may use on a machine that
	// counts as idle.
	MaxShare = 0.25
	// Quiet is how long they must not have used more before it counts as idle again.
	Quiet = time.Minute

	sampleEvery = 5 * time.Second
)

// Times are seconds that processors have spent since the machine started.
type Times struct {
	Used  float64 // on processes of normal priority, and in the kernel
	Total float64
}

// Monitor watches a machine.
type Monitor struct {
	read func(context.Context) (Times, error)
	busy atomic.Bool
}

// New returns a monitor of a machine's times; nil: of this one's. Processes of low priority,
// such as sandboxes, do not count.
func New(read func(context.Context) (Times, error)) *Monitor {
	if read == nil {
		read = machine
	}
	return &Monitor{read: read}
}

func machine(ctx context.Context) (t Times, err error) {
	list, err := cpu.TimesWithContext(ctx, false)
	for _, c := range list {
		t.Used += c.User + c.System + c.Irq + c.Softirq + c.Steal
		t.Total += c.User + c.System + c.Irq + c.Softirq + c.Steal + c.Nice + c.Idle + c.Iowait
	}
	return t, err
}

// Busy reports whether others have used the machine lately.
func (m *Monitor) Busy() bool { return m.busy.Load() }

// Run watches until ctx ends. A machine whose times cannot be read counts as idle.
func (m *Monitor) Run(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	last, err := m.read(ctx)
	var quiet time.Duration
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		before, failed := last, err
		if last, err = m.read(ctx); err != nil || failed != nil || last.Total <= before.Total {
			continue
		}
		if (last.Used-before.Used)/(last.Total-before.Total) > MaxShare {
			quiet = 0
			m.busy.Store(true)
		} else if quiet += sampleEvery; quiet >= Quiet {
			m.busy.Store(false)
		}
	}
}
