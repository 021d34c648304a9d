package sandbox

import (
	"os"
	"path/filepath"
	"testing"
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
