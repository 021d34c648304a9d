//go:build !linux

package compare

import (
	"runtime"

	"github.com/mootspace/moot"
)

// newNetnsTopology fails: only Linux has network namespaces.
func newNetnsTopology(int, Options) (topology, error) {
	return nil, moot.Errorf(moot.Unavailable, "%s has no network namespaces", runtime.GOOS)
}
