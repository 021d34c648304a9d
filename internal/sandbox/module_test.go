package sandbox

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func scan(s string, n *int64) bool {
	_, err := fmt.Sscan(s, n)
	return err == nil
}

// section is one of a module; wasm puts a module together.
func section(id byte, payload ...byte) []byte {
	return append(number([]byte{id}, uint32(len(payload))), payload...)
}

func wasm(sections ...[]byte) []byte {
	return append([]byte("\x00asm\x01\x00\x00\x00"), bytes.Join(sections, nil)...)
}

var (
	types    = section(1, 1, 0x60, 0, 0)                             // func()
	function = section(3, 1, 0)                                      // one function, of that type
	export   = section(7, 1, 6, '_', 's', 't', 'a', 'r', 't', 0, 0)  // _start is function 0
	start    = section(8, 0)                                         // and runs as the start function
	nothing  = section(10, 1, 2, 0, 0x0b)                            // end
	forever  = section(10, 1, 7, 0, 0x03, 0x40, 0x0c, 0, 0x0b, 0x0b) // loop br 0 end
	trap     = section(10, 1, 3, 0, 0x00, 0x0b)                      // unreachable
	grow     = section(10, append([]byte{1, byte(len(growBody))}, growBody...)...)
	growBody = []byte{0, 0xd0, 0x70, 0x41, 0xff, 0xff, 0xff, 0xff, 0x00, 0xfc, 0x0f, 0, 0x41, 0, 0x48, 0x45, 0x04, 0x40, 0x00, 0x0b, 0x0b}
	recurse  = section(10, 1, 4, 0, 0x10, 0, 0x0b)                          // calls itself
	imported = section(2, 1, 3, 'e', 'n', 'v', 4, 'h', 'a', 'c', 'k', 0, 0) // env.hack
)

func TestTiny(t *testing.T) {
	b := newBox(t)
	for name, c := range map[string]struct {
		code []byte
		kind moot.ErrorKind
		want string
	}{
		"nothing":            {wasm(types, function, export, nothing), "", ""},
		"loop":               {wasm(types, function, export, forever), moot.Failed, "longer than its 200ms"},
		"loop in start":      {wasm(types, function, export, start, forever), moot.Failed, "longer than its 200ms"},
		"trap":               {wasm(types, function, export, trap), moot.Failed, "unreachable"},
		"recursion":          {wasm(types, function, export, recurse), moot.Failed, "stack overflow"},
		"much memory":        {wasm(types, function, section(5, 1, 0, 0xff, 0xff, 0x03), export, nothing), moot.Failed, "more than its 16 MiB of memory"},
		"huge table":         {wasm(types, function, section(4, 1, 0x70, 0, 0xff, 0xff, 0xff, 0x3f), export, nothing), moot.Invalid, "tables"},
		"two large tables":   {wasm(types, function, section(4, 2, 0x70, 0, 0x80, 0x80, 0x30, 0x70, 0, 0x80, 0x80, 0x30), export, nothing), moot.Invalid, "tables"},
		"memory from beyond": {wasm(types, section(2, 1, 3, 'e', 'n', 'v', 1, 'm', 2, 0, 1), function, export, nothing), moot.Invalid, "memory from outside"},
		"unknown import":     {wasm(types, imported, function, section(7, 1, 6, '_', 's', 't', 'a', 'r', 't', 0, 1), nothing), moot.Invalid, "env.hack"},
		"library":            {wasm(types, function, nothing), moot.Invalid, "_start"},
		"text":               {[]byte("#!/bin/sh\n"), moot.Invalid, "not a WebAssembly file"},
		"empty":              {nil, moot.Invalid, "not a WebAssembly file"},
		"component":          {[]byte("\x00asm\x0d\x00\x01\x00"), moot.Invalid, "component"},
		"cut off":            {wasm(types, function, export, forever[:5]), moot.Invalid, "incomplete"},
		"nonsense":           {wasm(types, function, export, section(10, 1, 2, 0, 0xfe)), moot.Invalid, "not a module that can be run"},
	} {
		began := time.Now()
		limits := Limits{Wall: 200 * time.Millisecond, Memory: 16 << 20}
		if name == "recursion" {
			limits.Wall = time.Minute // it ends by itself
		}
		got := b.run(c.code, Run{Limits: limits})
		if moot.KindOf(got.err) != c.kind || c.kind != "" && !strings.Contains(got.err.Error(), c.want) {
			t.Errorf("%s: %v (%s), want %s %q", name, got.err, moot.KindOf(got.err), c.kind, c.want)
		}
		t.Logf("%s: %v", name, time.Since(began).Round(time.Millisecond))
	}
}

// TestTableGrow: a table cannot grow beyond maxTable; the module traps if it can.
func TestTableGrow(t *testing.T) {
	got := newBox(t).run(wasm(types, function, section(4, 1, 0x70, 0, 1), export, grow), Run{})
	if got.err != nil || got.exit != 0 {
		t.Errorf("%+v: %v", got, got.err)
	}
}

func FuzzInspect(f *testing.F) {
	f.Add(wasm(types, function, export, nothing))
	f.Add(wasm(section(4, 2, 0x70, 0, 1, 0x6f, 1, 1, 9), section(5, 1, 1, 1, 2)))
	f.Add(wasm(section(4, 0xff, 0xff, 0xff, 0xff, 0x0f)))
	f.Fuzz(func(t *testing.T, code []byte) {
		bounded, o, err := inspect(code)
		if err != nil {
			if kind := moot.KindOf(err); kind != moot.Invalid {
				t.Fatalf("%s: %v", kind, err)
			}
			return
		}
		again, same, err := inspect(bounded)
		if err != nil || same != o || !bytes.Equal(again, bounded) {
			t.Fatalf("a bounded module is not bounded: %v", err)
		}
	})
}

// BenchmarkNoOp measures a run of a module that does nothing.
func BenchmarkNoOp(b *testing.B) {
	s, err := New(b.Context(), Config{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	box := &box{Sandbox: s, in: b.TempDir(), out: b.TempDir()}
	code := wasm(types, function, export, nothing)
	for b.Loop() {
		if _, _, err := s.Run(b.Context(), box.of(code)); err != nil {
			b.Fatal(err)
		}
	}
}
