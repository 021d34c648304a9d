package compare

import (
	"context"
	"fmt"
	"os/exec"
)

// loopback is a topology of processes on this machine's loopback interface. Each node
// limits its own uploads and counts them; downlinks are unlimited and uncounted.
type loopback struct {
	o     Options
	nodes []bool // by host: runs a node
}

func newLoopback(n int, o Options) *loopback {
	return &loopback{o: o, nodes: make([]bool, n+1)}
}

func (l *loopback) start(_ int, cmd *exec.Cmd) error { return cmd.Start() }

// address is any free port.
func (l *loopback) address(int) string { return "127.0.0.1:0" }

// nodeStarted implements topology: it limits the node's uploads.
func (l *loopback) nodeStarted(ctx context.Context, host int, t *Testbed) error {
	l.nodes[host] = true
	up := l.o.Up
	if host == 0 {
		up = l.o.SourceUp
	}
	if up == 0 {
		return nil
	}
	_, err := t.Do(ctx, memberOf(host), "policy", "--rate", fmt.Sprint(int64(up/8)))
	return err
}

// sent implements topology. A member without a node sends nothing to others.
func (l *loopback) sent(ctx context.Context, t *Testbed) ([]int64, error) {
	all := make([]int64, len(l.nodes))
	for host, running := range l.nodes {
		if !running {
			continue
		}
		out, err := t.Do(ctx, memberOf(host), "--json", "status")
		if err != nil {
			return nil, err
		}
		s, err := readStatus(out)
		if err != nil {
			return nil, err
		}
		all[host] = s.Sent
	}
	return all, nil
}

func (l *loopback) received(int) (int64, bool) { return 0, false }

func (l *loopback) calibrate(context.Context) (*Calibration, error) { return nil, nil }

func (l *loopback) close() error { return nil }
