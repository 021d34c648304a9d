//go:build unix

package files

import (
	"errors"

	"github.com/mootspace/moot/internal/durable"
)

// release removes a directory and then the lock in it, which others may not take before.
func release(dir string, locked *durable.Locked) error {
	return errors.Join(removeAll(dir), locked.Close())
}
