package compare

import (
	"context"
	"os/exec"
	"strconv"
)

// ground is where the hosts of a run stand, and what limits their links. Host 0 is
// the source, 1 and up are the receivers.
type ground interface {
	// start starts a process on a host.
	start(host int, cmd *exec.Cmd) error
	// address is what the host's node listens on.
	address(host int) string
	// prepared is told that the host's node runs, if it has one.
	prepared(ctx context.Context, host int, st *Stage) error
	// sent returns the bytes that each host has sent to others so far.
	sent(ctx context.Context, st *Stage) ([]int64, error)
	// received returns the bytes that have come in at a host so far; false if nobody knows.
	received(host int) (int64, bool)
	// calibrate measures a link; nil if none is shaped by the kernel.
	calibrate(ctx context.Context) (*Calibration, error)
	close() error
}

// who is the name of a host's member.
func who(host int) string { return "h" + strconv.Itoa(host) }

// hostOf is the host of a member.
func hostOf(who string) int {
	n, _ := strconv.Atoi(who[1:]) // who made it
	return n
}
