package sandbox

import (
	"context"
	"io"
	"time"

	"github.com/mootspace/moot"
)

// module is a module whose bytes are validated and in the sandbox's folder.
type module struct {
	size       int64         // bytes
	memory     int64         // initial bytes of linear memory
	exceptions bool          // it can throw
	turn       chan struct{} // a semaphore, taken while a run compiles

	// Guarded by turn:
	done  bool  // it is compiled
	fault error // why it cannot be
}

// Limits of a compilation, which is no task's: the code of all members' tasks is the same.
const (
	compileTime   = 5 * time.Minute // of processor time
	compileWall   = 3 * compileTime
	compileMemory = 512 << 20 // bytes, and
	compileFactor = 24        // bytes for each of the module
)

// compile compiles a module, once, in a process of its own: its code is then on disk, for
// all processes and also after a restart. A fault is remembered. Kinds: Invalid if it cannot
// be run, Failed if its compilation exceeds a limit.
func (s *Sandbox) compile(ctx context.Context, id moot.BlobID, m *module) error {
	leave, err := enter(ctx, m.turn)
	if err != nil {
		return err
	}
	defer leave()
	if m.done || m.fault != nil {
		return m.fault
	}
	free, err := enter(ctx, s.compiler)
	if err != nil {
		return err
	}
	defer free()
	c, err := s.start()
	if err != nil {
		return err
	}
	defer c.kill()
	last, err := c.run(ctx, request{Run: s.message(Run{Module: id}), Compile: true}, [2]io.Writer{}, bounds{
		Limits: Limits{Wall: compileWall, CPU: compileTime}, resident: compileMemory + compileFactor*m.size, compiling: true,
	})
	switch {
	case err == nil && last.Kind == "":
		m.done = true
	case err == nil:
		m.fault = moot.Errorf(last.Kind, "%s", last.Why)
	case moot.KindOf(err) == moot.Failed && ctx.Err() == nil:
		m.fault = err
	default:
		return err
	}
	return m.fault
}

// bounds are the bounds of a process that runs the module.
func (m *module) bounds(l Limits) bounds {
	return bounds{Limits: l, resident: l.Memory + overhead + overheadFactor*m.size}
}

// enter takes a semaphore.
func enter(ctx context.Context, semaphore chan struct{}) (leave func(), err error) {
	select {
	case semaphore <- struct{}{}:
		return func() { <-semaphore }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
