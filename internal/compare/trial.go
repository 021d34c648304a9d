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

// trial is one space whose members get one file from its source through one
// architecture: as many hosts, processes and homes as that takes.
type trial struct {
	arch   Architecture
	n      int    // receivers
	file   string // what is shared
	size   int64
	ground ground
	stage  *Stage
}

// How long a space may take to come up, and to calm down.
const (
	knownWithin = 60 * time.Second
	calmWithin  = 250 * time.Millisecond // for each host
	calm        = 0.25                   // of the machine busy
)

// data is the name under which the file is shared.
const data = "data"

// setUp makes the space, its nodes and members, and waits until all know the file and,
// but for clients, all others.
func (t *trial) setUp(ctx context.Context) error {
	link, err := t.source(ctx)
	if err != nil {
		return err
	}
	// In two rounds: a member is connected with all only when all have come.
	for _, step := range []func(context.Context, int) error{
		func(ctx context.Context, host int) error { return t.receiver(ctx, host, link) },
		t.ready,
	} {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(2, runtime.NumCPU()))
		for host := 1; host <= t.n; host++ {
			g.Go(func() error { return step(ctx, host) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	return t.settle(ctx)
}

// source makes the space, runs its first node, shares the file and returns an invitation.
func (t *trial) source(ctx context.Context) (link string, err error) {
	if _, err := t.stage.Do(ctx, who(0), "init", "--name", "compare", "--as", who(0)); err != nil {
		return "", err
	}
	node := "serve"
	if t.arch == Peers {
		node = "up"
	}
	if err := t.node(ctx, 0, node); err != nil {
		return "", err
	}
	if _, err := t.stage.Do(ctx, who(0), "share", t.file, "--as", data); err != nil {
		return "", err
	}
	link, err = t.stage.Do(ctx, who(0), "invite", "--uses", "0")
	return strings.TrimSpace(link), err
}

// receiver makes a member, and a node if it is to be more than a client.
func (t *trial) receiver(ctx context.Context, host int, link string) error {
	if _, err := t.stage.Do(ctx, who(host), "join", link, "--as", who(host)); err != nil {
		return err
	}
	if t.arch == Server {
		return nil
	}
	return t.node(ctx, host, "up")
}

func (t *trial) node(ctx context.Context, host int, command string) error {
	if err := t.stage.Start(ctx, who(host), command, "--listen", t.ground.address(host)); err != nil {
		return err
	}
	return t.ground.prepared(ctx, host, t.stage)
}

// ready waits until a receiver knows the file and is connected with all others.
func (t *trial) ready(ctx context.Context, host int) error {
	_, err := t.stage.until(ctx, knownWithin, func(out string) bool { return strings.Contains(out, `"name":"`+data+`"`) },
		who(host), "--json", "ls", data)
	if err != nil || t.arch == Server {
		return err
	}
	connected := func(out string) bool {
		s, err := readStatus(out)
		return err == nil && s.Peers >= t.n
	}
	_, err = t.stage.until(ctx, knownWithin, connected, who(host), "--json", "status")
	return err
}

// status is what of `moot status` matters here.
type status struct {
	Peers int   `json:"peers"`      // connected now
	Sent  int64 `json:"sent_bytes"` // of blobs, to others
}

func readStatus(out string) (s status, err error) {
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, moot.Errorf(moot.Internal, "read a node's status: %w", err)
	}
	return s, nil
}

// settle waits a while for the machine to have done with the setting up.
func (t *trial) settle(ctx context.Context) error {
	tick := time.NewTicker(calmWithin)
	defer tick.Stop()
	deadline := time.After(time.Duration(t.n+1) * calmWithin)
	for last := readCPU(); ; {
		select {
		case <-tick.C:
			now := readCPU()
			if c := between(last, now); c == nil || c.Total < calm {
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
