package worker

import (
	"bytes"
	"context"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sandbox"
	"github.com/mootspace/moot/internal/store"
)

// nothing is a module that does nothing.
var nothing = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x07\x0a\x01\x06_start\x00\x00" + "\x0a\x04\x01\x02\x00\x0b")

// BenchmarkNoOp measures tasks that do nothing, or write a line or a small file, on two
// slots with eight tasks waiting, as a coordinator has them.
func BenchmarkNoOp(b *testing.B) {
	for name, code := range map[string][]byte{"nothing": nothing, "echo": echo} {
		b.Run(name, func(b *testing.B) {
			node, err := store.Open(b.Context(), store.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer node.Close()
			box, err := sandbox.New(b.Context(), sandbox.Config{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer box.Close()
			w, err := New(Config{Node: node, Outputs: node, Sandbox: box, Dir: filepath.Join(b.TempDir(), "tasks"),
				Admit: func(moot.MemberID) error { return nil }, Slots: func() int { return 2 }, Most: func() moot.Limits { return moot.Limits{} }})
			if err != nil {
				b.Fatal(err)
			}
			module, err := node.Put(b.Context(), bytes.NewReader(code))
			if err != nil {
				b.Fatal(err)
			}
			task := moot.Task{Module: module.ID}
			if _, err := w.Run(b.Context(), task, nil); err != nil {
				b.Fatal(err)
			}
			b.ResetTimer()
			var left atomic.Int64
			left.Store(int64(b.N))
			group, ctx := errgroup.WithContext(context.WithoutCancel(b.Context()))
			for range 8 {
				group.Go(func() error {
					for left.Add(-1) >= 0 {
						if _, err := w.Run(ctx, task, nil); err != nil {
							return err
						}
					}
					return nil
				})
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tasks/s")
		})
	}
}
