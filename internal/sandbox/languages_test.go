package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// TestLanguages: relative paths lead to /out, and standard input is there, in programs over
// wasi-libc too, which knows no PWD. Their sources say how they were compiled.
func TestLanguages(t *testing.T) {
	for _, module := range []string{"paths_c.wasm", "paths_rust.wasm"} {
		t.Run(module, func(t *testing.T) {
			code, err := os.ReadFile(filepath.Join("testdata", "languages", module))
			if err != nil {
				t.Fatal(err)
			}
			b := newBox(t)
			stdin := filepath.Join(t.TempDir(), "stdin")
			if err := os.WriteFile(stdin, []byte("one\ntwo\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := b.run(code, Run{Stdin: stdin}); got.err != nil || got.exit != 0 || got.stdout != "one\ntwo\n" {
				t.Fatalf("%+v", got)
			}
			for p, want := range map[string]string{"renamed": "relative\n", "made/below": "below\n", "made/after": "after\n", "absolute": "absolute\n"} {
				if text, err := os.ReadFile(filepath.Join(b.out, p)); err != nil || string(text) != want {
					t.Errorf("%s: %q, %v", p, text, err)
				}
			}
		})
	}
}

// TestNothingIsMade: a module that writes nothing sees empty folders, and none is made for it.
func TestNothingIsMade(t *testing.T) {
	b := newBox(t)
	b.in, b.out = "", filepath.Join(b.out, "not", "yet")
	if got := b.hostile("empty", Run{}); got.err != nil || got.exit != 0 || got.stdout != "[] [] []\n" {
		t.Errorf("%+v", got)
	}
	if _, err := os.Lstat(filepath.Dir(b.out)); !os.IsNotExist(err) {
		t.Errorf("made: %v", err)
	}
	if got := b.hostile("files", Run{Limits: Limits{Files: 3}}); got.used.Files != 3 {
		t.Errorf("%+v", got)
	}
	if made, err := os.ReadDir(b.out); err != nil || len(made) != 3 {
		t.Errorf("%v, %v", made, err)
	}
}

// TestJump: longjmp, as clang compiles it to exceptions (examples/setjmp/jump.c).
func TestJump(t *testing.T) {
	code, err := os.ReadFile(filepath.Join("testdata", "languages", "jump_c.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if got := newBox(t).run(code, Run{}); got.err != nil || got.exit != 0 || got.stdout != "jumped, at last with 1\n" {
		t.Errorf("%+v", got)
	}
}

// TestExceptions: a module that throws and catches runs, in a process that runs nothing else.
func TestExceptions(t *testing.T) {
	body := []byte{0, 0x02, 0x7f, // block (result i32)
		0x1f, 0x40, 1, 0, 0, 0, // try_table (catch 0 0)
		0x41, 42, 0x08, 0, 0x0b, 0x00, 0x0b, // i32.const 42, throw 0, end, unreachable, end
		0x41, 42, 0x47, 0x04, 0x40, 0x00, 0x0b, 0x0b} // i32.const 42, i32.ne, if unreachable
	code := wasm(section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 0), function, section(sectionTag, 1, 0, 1), export,
		section(10, append([]byte{1, byte(len(body))}, body...)...))
	b := newBox(t)
	if got := b.run(code, Run{}); got.err != nil || got.exit != 0 {
		t.Errorf("%+v", got)
	}
	if len(b.idle) != 0 {
		t.Error("its process is used again")
	}
	legacy := wasm(types, function, export, section(10, 1, 6, 0, 0x06, 0x40, 0x19, 0x0b, 0x0b)) // try catch_all end
	if got := b.run(legacy, Run{}); moot.KindOf(got.err) != moot.Invalid || !strings.Contains(got.err.Error(), "translate-to-exnref") {
		t.Errorf("the legacy instructions: %v", got.err)
	}
}
