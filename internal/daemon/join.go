package daemon

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
)

// Join implements app.Program. Any server or peer that the link names can admit the
// newcomer; the inviter need not be online.
func (p Program) Join(ctx context.Context, dir, text, as string) (id app.Identity, err error) {
	l, err := members.ParseLink(text, time.Now())
	if err != nil {
		return id, err
	}
	as = cmp.Or(as, loginName())
	if err := policy.CheckName(as); err != nil {
		return id, err
	}
	h, err := createHome(dir)
	if err != nil {
		return id, err
	}
	h.settings = settings{
		Space: l.Space, Name: l.Name, As: as, Servers: l.Servers, Peers: l.Peers,
		NoPeer: len(l.Peers) == 0 && len(l.Servers) > 0,
	}
	introducer, err := h.submitJoin(ctx, l, as)
	if err != nil {
		return id, moot.Wrap("join "+l.Name, err)
	}
	if id, err = p.learn(ctx, h, l, introducer); err != nil {
		return id, err
	}
	if err := h.save(); err != nil {
		return id, err
	}
	return id, node.OSError("join", os.Remove(h.Path(joinFile)))
}

// joinFile holds the entry of a join that may have been accepted without an
// acknowledgement: a second, different one would fork the newcomer's feed.
const joinFile = "join.entry"

// submitJoin gives the entry that makes this home's member one to a node that the
// invitation names.
func (h *home) submitJoin(ctx context.Context, l members.Link, as string) (introducer moot.Peer, err error) {
	join, err := h.joinEntry(l, as)
	if err != nil {
		return introducer, err
	}
	in := node.AsInvited(l)
	defer func() { err = errors.Join(err, in.Close()) }()
	return in.Submit(ctx, join)
}

func (h *home) joinEntry(l members.Link, as string) (moot.Entry, error) {
	raw, err := os.ReadFile(h.Path(joinFile))
	if err == nil {
		if e, err := feed.Decode(raw); err == nil && e.Space == l.Space {
			return e, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return moot.Entry{}, node.OSError("join", err)
	}
	e, err := members.Enter(l, h.key, as, time.Now)
	if err != nil {
		return e, err
	}
	return e, node.OSError("join", os.WriteFile(h.Path(joinFile), feed.Encode(e), 0o600))
}

// learn reads the space from the node that admitted this home.
func (p Program) learn(ctx context.Context, h *home, l members.Link, introducer moot.Peer) (id app.Identity, err error) {
	n, err := p.open(ctx, h, arch.Peer())
	if err != nil {
		return id, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	in := node.Introduce(l, h.key)
	defer func() { err = errors.Join(err, in.Close()) }()
	from, err := in.Client(introducer)
	if err != nil {
		return id, err
	}
	defer from.Close()
	if err := n.Learn(ctx, from); err != nil {
		return id, moot.WithHint(moot.Wrap("joined, but the space could not be read yet", err), moot.HintRetry)
	}
	return n.Identity(), nil
}
