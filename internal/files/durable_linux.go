package files

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes everything on the file system that holds dir durable: one call
// instead of one for each of many files.
func syncAll(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}
