package durable_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

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
