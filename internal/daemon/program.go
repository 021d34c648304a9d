package daemon

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"os/user"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/mta"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
)

// Program runs in home directories.
type Program struct {
	Version string
	Log     *slog.Logger // nil: none
	// Listen opens what a running node serves on.
	Listen func(ctx context.Context, n *node.Node, data node.Data, o app.RunOptions, log *slog.Logger) (app.Listeners, error)
}

var _ app.Program = Program{}

func (p Program) logger() *slog.Logger {
	if p.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return p.Log
}

// Init implements app.Program.
func (p Program) Init(ctx context.Context, dir string, o app.InitOptions) (made app.NewHome, err error) {
	as, label := cmp.Or(o.As, loginName()), cmp.Or(o.Label, hostName())
	if err := errors.Join(policy.CheckName(o.Space), policy.CheckName(as), policy.CheckName(label)); err != nil {
		return made, err
	}
	h, _, err := createHome(dir)
	if err != nil {
		return made, err
	}
	if err := h.beginAnew(); err != nil {
		return made, err
	}
	founding, err := members.Founding(o.Space, label, h.key, time.Now)
	if err == nil {
		err = h.keepFirstAct(founding)
	}
	if err != nil {
		return made, err
	}
	h.settings = settings{Space: feed.SpaceOf(&founding), Name: o.Space, As: as}
	n, err := p.open(ctx, h, arch.Peer())
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if made.Recovery, err = n.Found(ctx, founding, as); err != nil {
		return made, err
	}
	made.Identity = n.Identity()
	if err := h.save(); err != nil { // last: a home without settings may be made anew
		return made, err
	}
	return made, node.OSError("init", remove(h.Path(firstFile)))
}

// loginName names a member who did not choose a name.
func loginName() string {
	if u, err := user.Current(); err == nil && policy.CheckName(u.Username) == nil {
		return u.Username
	}
	return "somebody"
}

// open makes the home's node; nothing is connected yet.
func (p Program) open(ctx context.Context, h *home, role arch.Role) (*node.Node, error) {
	log, s := p.logger(), h.settings
	cfg := node.Config{
		Space: s.Space, Names: node.Names{Space: s.Name, Member: s.As, Account: hostName()}, Key: h.key, OldKeys: h.old, Role: role, Data: h, Version: p.Version, Log: log,
		Store: store.Config{Database: cmp.Or(s.Database, h.Path(databaseFile)), Blobs: cmp.Or(s.Blobs, h.Path("blobs"))},
		Known: node.Known{Servers: s.Servers, Peers: s.Peers, NoPeers: s.NoPeer},
		Mail:  node.MailServer{Domain: s.MailDomain, Quota: s.MailQuota},
		Home:  node.Home{Ready: h.ready, Reached: func() { h.reached(log) }, Backup: h.backup},
	}
	if s.MailDomain != "" {
		cfg.Mail.Records = func() ([]string, error) {
			signatures, err := mta.LoadSignatures(h.Path, s.MailDomain)
			if err != nil {
				return nil, err
			}
			return mta.Records(s.MailDomain, cmp.Or(s.MailHost, s.MailDomain), signatures...)
		}
	}
	n, err := node.New(ctx, cfg)
	if err != nil {
		return nil, moot.Wrap("open the home "+string(h.Dir), err)
	}
	if changed, err := h.inherit(n); err != nil || changed {
		if err = errors.Join(err, n.Close()); err != nil {
			return nil, err
		}
		return p.open(ctx, h, role)
	}
	return n, nil
}

// How long a command waits for another process to release the home; and how long a node
// does, to which commands that follow one another may leave few moments.
const (
	commandLockTimeout = 10 * time.Second
	nodeLockTimeout    = time.Minute
	lockPoll           = 50 * time.Millisecond
)

// Open implements app.Program.
func (p Program) Open(ctx context.Context, dir string, via moot.Architecture) (*app.Session, error) {
	h, err := openHome(dir)
	if err != nil {
		return nil, err
	}
	s, n, err := p.reach(ctx, h, via, arch.Peer(), commandLockTimeout)
	if n == nil {
		return s, err
	}
	s, err = n.OneShot(ctx, via)
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	select {
	case <-n.Forked():
		if err := h.succeed(ctx, n); err != nil {
			return nil, errors.Join(err, s.Close())
		}
		if err := s.Close(); err != nil {
			return nil, err
		}
		return p.Open(ctx, dir, via)
	default:
		return s, nil
	}
}

// reach returns a session with the home's running node, or a node in this process. It
// waits for a command that has the home, or a node that is just starting.
func (p Program) reach(ctx context.Context, h *home, via moot.Architecture, role arch.Role, timeout time.Duration) (*app.Session, *node.Node, error) {
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	deadline := time.After(timeout)
	for {
		s, err := dialSocket(ctx, h, via)
		if !errors.Is(err, moot.NotFound) {
			return s, nil, err
		}
		n, err := p.open(ctx, h, role)
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
