package durable_test

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

func TestIsFull(t *testing.T) {
	if !durable.IsFull(fmt.Errorf("write: %w", syscall.ENOSPC)) || durable.IsFull(syscall.EIO) || durable.IsFull(nil) {
		t.Error("a full disk is taken for a broken one, or the reverse")
	}
}

func TestSyncFolder(t *testing.T) {
	if err := durable.SyncFolder(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := durable.SyncFolder(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a folder that is not there was synced")
	}
}

// TestAFullDiskNamesNoPath: other nodes read the error.
func TestAFullDiskNamesNoPath(t *testing.T) {
	err := durable.Error("put", &fs.PathError{Op: "write", Path: "/srv/secret/blob", Err: syscall.ENOSPC})
	if moot.KindOf(err) != moot.Full || !errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}
