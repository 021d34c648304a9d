//go:build !unix

package sandbox

import (
	"errors"
	"os"
)

// A process that has begun is not stopped here.

func suspend(*os.Process) error { return errors.ErrUnsupported }
func proceed(*os.Process) error { return errors.ErrUnsupported }
