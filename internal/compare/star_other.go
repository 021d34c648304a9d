//go:build !linux

package compare

import (
	"runtime"

	"github.com/mootspace/moot"
)

// newStar needs network namespaces, which Linux alone has.
func newStar(int, Options) (ground, error) {
	return nil, moot.Errorf(moot.Unavailable, "%s has no network namespaces", runtime.GOOS)
}
