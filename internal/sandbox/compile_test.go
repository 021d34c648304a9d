package sandbox

import (
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// large is a module of about n bytes that does nothing.
func large(n int) []byte {
	const functions = 64
	body := append([]byte{0}, slices.Repeat([]byte{0x41, 1, 0x1a}, n/functions/3)...) // i32.const 1 drop
	body = append(body, 0x0b)
	body = append(number(nil, uint32(len(body))), body...)
	kinds := append(number(nil, functions), make([]byte, functions)...)
	return wasm(types, section(3, kinds...), export, section(10, append(number(nil, functions), slices.Repeat(body, functions)...)...))
}

// TestLargeModule: a module is compiled outside of the task's limits, once, also for other
// sandboxes over the same folder.
func TestLargeModule(t *testing.T) {
	b := newBox(t)
	b.cfg.Dir = t.TempDir()
	if err := b.trim(); err != nil {
		t.Fatal(err)
	}
	code := large(4 << 20)
	tight := Limits{Memory: 1 << 20}
	first := b.run(code, Run{Limits: tight})
	if first.err != nil || first.exit != 0 {
		t.Fatalf("%+v", first)
	}
	compiled := func() []string {
		list, err := filepath.Glob(filepath.Join(b.cfg.Dir, "compiled", "wazero-*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	was := compiled()
	again, err := New(t.Context(), Config{Dir: b.cfg.Dir}) // as after a restart
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	second := (&box{again, t, b.in, b.out}).run(code, Run{Limits: tight})
	if second.err != nil || len(was) != 1 || !slices.Equal(was, compiled()) {
		t.Errorf("%v; %v, %v", second.err, was, compiled())
	}
	t.Logf("compiled and run in %v, then in %v", first.took, second.took)
}

// TestModuleLimit: a module of 64 MiB is taken, a larger one is not, and the error says so.
func TestModuleLimit(t *testing.T) {
	b := newBox(t)
	b.cfg.Dir = t.TempDir()
	if err := b.trim(); err != nil {
		t.Fatal(err)
	}
	padded := func(n int) []byte {
		code := wasm(types, function, export, nothing)
		pad := n - len(code) - 1 - 4
		return append(append(number(append(code, 0), uint32(pad)), 0), make([]byte, pad-1)...) // a custom section
	}
	if got := b.run(padded(maxModule), Run{}); got.err != nil {
		t.Errorf("the largest: %v", got.err)
	}
	if got := b.run(padded(maxModule+1), Run{}); moot.KindOf(got.err) != moot.TooLarge || !strings.Contains(got.err.Error(), "larger than 64 MiB") {
		t.Errorf("a larger one: %v", got.err)
	}
}

// TestCompileIsBounded: a compilation that exceeds a limit names it, not the task's, and the
// next run of the module fails at once.
func TestCompileIsBounded(t *testing.T) {
	b := newBox(t)
	code := large(1 << 20)
	m, err := b.module(t.Context(), Run{Module: moot.BlobID{1}, Code: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(string(code))), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for want, limit := range map[string]bounds{
		"of memory to compile":        {Limits: Defaults(), resident: 1},
		"takes longer than 1ns to co": {Limits: Limits{Wall: 1, CPU: 1}, resident: 1 << 40},
	} {
		limit.compiling = true
		c, err := b.start()
		if err != nil {
			t.Fatal(err)
		}
		w := &watch{child: c, bounds: limit}
		w.begin(t.Context())
		w.start()
		w.check()
		if err := w.cause(); moot.KindOf(err) != moot.Failed || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		w.end()
		c.kill()
	}
	m.fault = moot.Errorf(moot.Failed, "known")
	if got := b.compile(t.Context(), moot.BlobID{1}, m); got != m.fault {
		t.Errorf("%v", got)
	}
}
