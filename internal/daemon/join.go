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
	_, resumed, err := h.pendingJoin(l.Space)
	if err != nil {
		return id, err
	}
	introducer, refused := h.submitJoin(ctx, l, as)
	if refused != nil && !(resumed && errors.Is(refused, moot.UsedUp)) { // used up, maybe by the attempt before
		return id, moot.Wrap("join "+l.Name, refused)
	}
	if id, err = p.learn(ctx, h, l, introducer); err != nil {
		return id, cmp.Or(moot.Wrap("join "+l.Name, refused), err)
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

// pendingJoin returns the entry with which this home tried to join a space before.
func (h *home) pendingJoin(space moot.SpaceID) (e moot.Entry, found bool, err error) {
	raw, err := os.ReadFile(h.Path(joinFile))
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return e, false, node.OSError("join", err)
	}
	e, err = feed.Decode(raw)
	return e, err == nil && e.Space == space, nil // a damaged one was never submitted
}

func (h *home) joinEntry(l members.Link, as string) (moot.Entry, error) {
	e, found, err := h.pendingJoin(l.Space)
	if found || err != nil {
		return e, err
	}
	e, err = members.Enter(l, h.key, as, time.Now)
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
