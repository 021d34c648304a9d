package compare

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
)

// runner executes one run: the members of one space fetch one file from its source
// through one architecture, each with a host, a home and, unless a client, a node.
type runner struct {
	arch     moot.Architecture
	n        int    // receivers
	file     string // path of the original
	size     int64
	topology topology
	testbed  *Testbed
	readCPU  func() []coreTime
}

// Limits of the set-up.
const (
	convergeTimeout = 60 * time.Second       // for entries and connections
	idleInterval    = 250 * time.Millisecond // between readings; as many as there are hosts
	idleCPU         = 0.25                   // busy share of an idle machine
)

// sharedName is the file's name in the space.
const sharedName = "data"

// setUp creates the space, its members and nodes, and waits until all know the file
// and all peers are connected.
func (r *runner) setUp(ctx context.Context) error {
	link, err := r.source(ctx)
	if err != nil {
		return err
	}
	// In two rounds: the connections are complete only once all members have joined.
	for _, step := range []func(context.Context, int) error{
		func(ctx context.Context, host int) error { return r.receiver(ctx, host, link) },
		r.ready,
	} {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(2, runtime.NumCPU()))
		for host := 1; host <= r.n; host++ {
			g.Go(func() error { return step(ctx, host) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return r.awaitIdle(ctx)
}

// source creates the space, starts its first node, shares the file and returns an invitation.
func (r *runner) source(ctx context.Context) (link string, err error) {
	if _, err := r.testbed.Do(ctx, memberOf(0), "init", "--name", "compare", "--as", memberOf(0)); err != nil {
		return "", err
	}
	command := "up"
	if r.arch.Server {
		command = "serve"
	}
	if err := r.startNode(ctx, 0, command); err != nil {
		return "", err
	}
	if _, err := r.testbed.Do(ctx, memberOf(0), "share", r.file, "--as", sharedName); err != nil {
		return "", err
	}
	link, err = r.testbed.Do(ctx, memberOf(0), "invite", "--uses", "0")
	return strings.TrimSpace(link), err
}

// receiver adds a member, with a node if peers are asked.
func (r *runner) receiver(ctx context.Context, host int, link string) error {
	if _, err := r.testbed.Do(ctx, memberOf(host), "join", link, "--as", memberOf(host)); err != nil {
		return err
	}
	if !r.arch.Peers {
		return nil
	}
	return r.startNode(ctx, host, "up")
}

func (r *runner) startNode(ctx context.Context, host int, command string) error {
	if err := r.testbed.Start(ctx, memberOf(host), command, "--listen", r.topology.address(host)); err != nil {
		return err
	}
	return r.topology.nodeStarted(ctx, host, r.testbed)
}

// ready waits until a receiver knows the file and is connected to all others.
func (r *runner) ready(ctx context.Context, host int) error {
	_, err := r.testbed.retryUntil(ctx, convergeTimeout, func(out string) bool { return strings.Contains(out, `"name":"`+sharedName+`"`) },
		memberOf(host), "--json", "ls", sharedName)
	if err != nil || !r.arch.Peers {
		return err
	}
	connected := func(out string) bool {
		s, err := readStatus(out)
		return err == nil && s.Peers >= r.n
	}
	_, err = r.testbed.retryUntil(ctx, convergeTimeout, connected, memberOf(host), "--json", "status")
	return err
}

// status is the used part of a node's status.
type status struct {
	Peers int   `json:"peers"`      // connected
	Sent  int64 `json:"sent_bytes"` // of blobs, to others
}

func readStatus(out string) (s status, err error) {
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, moot.Errorf(moot.Internal, "read a node's status: %w", err)
	}
	return s, nil
}

// awaitIdle waits, for a bounded time, until the set-up's load on the machine is over.
func (r *runner) awaitIdle(ctx context.Context) error {
	tick := time.NewTicker(idleInterval)
	defer tick.Stop()
	deadline := time.After(time.Duration(r.n+1) * idleInterval)
	for last := r.readCPU(); ; {
		select {
		case <-tick.C:
			now := r.readCPU()
			if c := cpuBetween(last, now); c == nil || c.Total < idleCPU {
				return nil
			}
			last = now
		case <-deadline:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
