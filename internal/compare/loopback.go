package compare

import (
	"context"
	"fmt"
	"os/exec"
)

// loopback is all hosts on this machine as it is: each node limits its own uploads.
// Downlinks are not limited, and no link is counted: nodes tell what they sent.
type loopback struct {
	o     Options
	nodes []bool // by host: has a node of its own
}

func newLoopback(n int, o Options) *loopback {
	return &loopback{o: o, nodes: make([]bool, n+1)}
}

func (l *loopback) start(_ int, cmd *exec.Cmd) error { return cmd.Start() }

// address is any free port.
func (l *loopback) address(int) string { return "127.0.0.1:0" }

// prepared implements ground: it has the node limit what it sends.
func (l *loopback) prepared(ctx context.Context, host int, st *Stage) error {
	l.nodes[host] = true
	up := l.o.Up
	if host == 0 {
		up = l.o.SourceUp
	}
	if up == 0 {
		return nil
	}
	_, err := st.Do(ctx, who(host), "policy", "--rate", fmt.Sprint(int64(up/8)))
	return err
}

// sent implements ground. Who has no node of its own sends nothing to others.
func (l *loopback) sent(ctx context.Context, st *Stage) ([]int64, error) {
	all := make([]int64, len(l.nodes))
	for host, runs := range l.nodes {
		if !runs {
			continue
		}
		out, err := st.Do(ctx, who(host), "--json", "status")
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
