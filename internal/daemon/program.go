package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os/user"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// Program carries out what the command line asks.
type Program struct{ Log *slog.Logger }

var _ cli.Program = Program{}

// Init makes a home with a new space in it.
func (p Program) Init(ctx context.Context, dir, space, as string) (id cli.Identity, err error) {
	as = orDefault(as, login())
	if err := errors.Join(policy.CheckName(space), policy.CheckName(as)); err != nil {
		return id, err
	}
	h, err := createHome(dir)
	if err != nil {
		return id, err
	}
	h.settings = settings{Space: h.self(), Name: space, As: as}
	n, err := openNode(ctx, h, p.Log)
	if err != nil {
		return id, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if _, known := n.roster.Member(h.self()); !known || n.roster.Space() == "" {
		if err := members.New(h.settings.Space, n.store, n.signer.Through(n.store)).Found(ctx, space, as); err != nil {
			return id, moot.Wrap("found the space", err)
		}
	}
	return n.identity(), h.save() // last: a home without settings may be made anew
}

// login names a member who did not choose a name.
func login() string {
	if u, err := user.Current(); err == nil && policy.CheckName(u.Username) == nil {
		return u.Username
	}
	return "somebody"
}

// How long a command waits for another one to let go of the home; and how long a node
// does, which commands that follow one another may leave few moments to get in.
const (
	lockPatience = 10 * time.Second
	nodePatience = time.Minute
)

// Open speaks to the home's running node, or makes one for the length of a session.
func (p Program) Open(ctx context.Context, dir string, via cli.Via) (*cli.Session, error) {
	h, err := openHome(dir)
	if err != nil {
		return nil, err
	}
	s, n, err := p.reach(ctx, h, via, lockPatience)
	if n != nil {
		return n.visit(ctx, via)
	}
	return s, err
}

// reach returns a session with the home's running node, or a node in this process. It
// waits for a command that has the home, or a node that is just starting.
func (p Program) reach(ctx context.Context, h *home, via cli.Via, patience time.Duration) (*cli.Session, *node, error) {
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(patience)
	for {
		s, err := dialControl(ctx, h.socket(), via)
		if !errors.Is(err, moot.NotFound) {
			return s, nil, err
		}
		n, err := openNode(ctx, h, p.Log)
		if err == nil || moot.KindOf(err) != moot.Unavailable {
			return nil, n, err
		}
		select {
		case <-poll.C:
		case <-deadline:
			return nil, nil, err
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// visit makes a session of a node that lives only as long as one command.
func (n *node) visit(ctx context.Context, via cli.Via) (*cli.Session, error) {
	if via == cli.ViaDefault {
		via = n.prefers(ctx)
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := func() error {
		n.die()
		n.sendOff(ctx)
		end()
		n.crew.Wait()
		return n.close()
	}
	abandon := func(err error) (*cli.Session, error) {
		end()
		return nil, errors.Join(err, n.close())
	}
	if via != cli.ViaServer && !n.settings.NoPeer {
		if err := n.joinMesh(life, nil); err != nil {
			return abandon(err)
		}
		n.crew.Go(func() { n.host.Serve(life, n.handler()) }) // others may come for what this command leaves with them
	}
	s, err := n.session(ctx, via, stop)
	if err != nil {
		return abandon(err)
	}
	if via != cli.ViaServer {
		n.freshen(ctx)
	}
	return s, nil
}
