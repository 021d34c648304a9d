package files

import (
	"errors"

	"github.com/mootspace/moot/internal/durable"
)

// release removes a directory and the lock in it, which cannot be removed while it is open.
func release(dir string, locked *durable.Locked) error {
	return errors.Join(locked.Close(), removeAll(dir))
}
