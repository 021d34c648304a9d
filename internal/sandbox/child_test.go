package sandbox

import (
	"encoding/gob"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
)

// TestCompiledModulesAreBounded: a process drops the least recently used module.
func TestCompiledModulesAreBounded(t *testing.T) {
	s := &server{out: gob.NewEncoder(io.Discard)}
	if err := s.open(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	defer s.runtime.Close(t.Context())
	dir := t.TempDir()
	load := func(n byte) {
		t.Helper()
		r := childRun{Module: moot.BlobID{n}, Path: filepath.Join(dir, string(rune('a'+n)))}
		code := append(wasm(types, function, export, nothing), section(0, 1, 'n', n)...) // with a custom section
		if err := os.WriteFile(r.Path, code, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.load(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for n := range byte(maxCompiled) {
		load(n)
	}
	load(0)
	load(maxCompiled)
	if s.modules.Len() != maxCompiled || !s.modules.Contains(moot.BlobID{0}) || s.modules.Contains(moot.BlobID{1}) {
		t.Errorf("%d modules: %v", s.modules.Len(), s.modules.Keys())
	}
}
