package compare

import (
	"context"
	"os/exec"
	"strconv"
)

// topology is the hosts of a run and the links between them. Host 0 is the source, 1
// and up are the receivers.
type topology interface {
	// start starts a process on a host.
	start(host int, cmd *exec.Cmd) error
	// address is the listen address of the host's node.
	address(host int) string
	// nodeStarted configures a host's node, which runs now.
	nodeStarted(ctx context.Context, host int, t *Testbed) error
	// sent returns the bytes that each host has sent to others so far.
	sent(ctx context.Context, t *Testbed) ([]int64, error)
	// received returns the bytes received by a host so far; false if they are not counted.
	received(host int) (int64, bool)
	// calibrate measures a link; nil if the kernel shapes none.
	calibrate(ctx context.Context) (*Calibration, error)
	close() error
}

// memberOf is the name of a host's member.
func memberOf(host int) string { return "h" + strconv.Itoa(host) }

// hostOf inverts memberOf.
func hostOf(member string) int {
	n, _ := strconv.Atoi(member[1:]) // digits only, by memberOf
	return n
}
