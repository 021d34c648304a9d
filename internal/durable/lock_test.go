package durable_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// A lock ends when it is closed, also if a child that is being started has the file open.
func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer duplicate(t, f).Close()
	first, err := durable.LockFile(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Lock(path); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("locked twice: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	second, err := durable.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
