//go:build unix && !linux && !darwin

package localdir

import (
	"io/fs"

	"github.com/mootspace/moot"
)

// fill adds nothing.
func (s *Stat) fill(fs.FileInfo) {}

// Free is unknown.
func (r *Root) Free() (free, total uint64, err error) {
	return 0, 0, moot.Errorf(moot.Unavailable, "the free space of %s is not known on this system", r.path)
}
