//go:build unix

package durable_test

import (
	"os"
	"syscall"
	"testing"
)

// duplicate returns another descriptor of an open file, as a child has it.
func duplicate(t *testing.T, f *os.File) *os.File {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}
