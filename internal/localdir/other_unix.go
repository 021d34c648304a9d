//go:build unix && !linux

package localdir

import (
	"os"
	"syscall"
)

const (
	nonblock  = syscall.O_NONBLOCK
	fileFlush = os.O_RDONLY
)
