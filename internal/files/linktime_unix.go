//go:build linux || darwin || freebsd

package files

import (
	"errors"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"
)

// setLinkTime sets a link's own time, below a directory.
func setLinkTime(root *os.Root, at string, t time.Time) error {
	dir, err := root.Open(path.Dir(at))
	if err != nil {
		return err
	}
	spec, err := unix.TimeToTimespec(t)
	if err == nil {
		err = unix.UtimesNanoAt(int(dir.Fd()), path.Base(at), []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW)
	}
	return errors.Join(err, dir.Close())
}
