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
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/trust"
)

// Join implements app.Program. Any server or peer that the link names can take the
// newcomer in; the inviter need not be online.
func (p Program) Join(ctx context.Context, dir string, o app.JoinOptions) (made app.NewHome, err error) {
	l, err := members.ParseLink(o.Link, time.Now())
	if err != nil {
		return made, err
	}
	as, label, err := names(l, o)
	if err != nil {
		return made, err
	}
	h, fresh, err := createHome(dir)
	if err != nil {
		return made, err
	}
	h.settings = settings{
		Space: l.Space, Name: l.Name, As: as, Servers: l.Servers, Peers: l.Peers,
		NoPeer: len(l.Peers) == 0 && len(l.Servers) > 0,
	}
	resumed, err := h.prepareJoin(l, as, label)
	if err != nil {
		return made, err
	}
	introducer, refused := h.submitJoin(ctx, l)
	if refused != nil && !(resumed && errors.Is(refused, moot.UsedUp)) { // used up, maybe by the attempt before
		if node.IsRefusal(refused) {
			refused = errors.Join(refused, h.forget(fresh))
		}
		return made, moot.Wrap("join "+l.Name, refused)
	}
	if made, err = p.learn(ctx, h, l, introducer); err != nil {
		return made, cmp.Or(moot.Wrap("join "+l.Name, refused), err)
	}
	if err := h.save(); err != nil {
		return made, err
	}
	return made, node.OSError("join", os.Remove(h.Path(firstFile)))
}

// names returns the name of the new member, or the one that it has, and the device's
// label.
func names(l members.Link, o app.JoinOptions) (as, label string, err error) {
	if l.For.IsZero() {
		as, label = cmp.Or(o.As, loginName()), cmp.Or(o.Label, hostName())
	} else {
		if o.As != "" && o.Label != "" && o.As != o.Label {
			return "", "", moot.Errorf(moot.Invalid, "the link is for a device of %s, which can have one name only", l.As)
		}
		as, label = l.As, cmp.Or(o.As, o.Label, hostName())
	}
	if l.For.IsZero() {
		err = policy.CheckName(as)
	}
	return as, label, errors.Join(err, policy.CheckName(label))
}

// hostName names a device that nobody gave a name.
func hostName() string {
	if name, err := os.Hostname(); err == nil && policy.CheckName(name) == nil {
		return name
	}
	return "device"
}

// firstFile holds the first act of this home's device, which may have been taken without
// an acknowledgement: a second, different one would fork the feed.
const firstFile = "join.entry"

// firstAct returns the act with which this home began before, if it was kept.
func (h *home) firstAct() (e moot.Entry, found bool, err error) {
	raw, err := os.ReadFile(h.Path(firstFile))
	if errors.Is(err, fs.ErrNotExist) {
		return e, false, nil
	}
	if err != nil {
		return e, false, node.OSError("join", err)
	}
	e, err = feed.Decode(raw)
	return e, err == nil, nil // a damaged one was never submitted
}

func (h *home) keepFirstAct(e moot.Entry) error {
	f, err := os.OpenFile(h.Path(firstFile), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.Write(feed.Encode(e))
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = durable.SyncFolder(string(h.Dir))
	}
	return node.OSError("keep the first act", err)
}

// prepareJoin makes the act that joins, or takes the one of an attempt before with the
// same link. After an attempt with another link the home gets a new key.
func (h *home) prepareJoin(l members.Link, as, label string) (resumed bool, err error) {
	e, found, err := h.firstAct()
	if err != nil {
		return false, err
	}
	if found {
		body, err := trust.Decode(e.Key, e.Body)
		if join, ok := body.(trust.Join); ok && err == nil && e.Space == l.Space && join.Invite == l.Invite {
			return true, nil
		}
		if err := h.newKey(); err != nil {
			return false, err
		}
	}
	if e, err = members.Enter(l, h.key, as, label, time.Now); err != nil {
		return false, err
	}
	return false, h.keepFirstAct(e)
}

// submitJoin gives the act that joins to a node that the invitation names.
func (h *home) submitJoin(ctx context.Context, l members.Link) (introducer moot.Peer, err error) {
	join, _, err := h.firstAct()
	if err != nil {
		return introducer, err
	}
	in := node.AsInvited(l)
	defer func() { err = errors.Join(err, in.Close()) }()
	return in.Submit(ctx, join)
}

// forget removes what a refused join has left; the directory, too, if it was made for it.
func (h *home) forget(fresh bool) error {
	err := errors.Join(remove(h.Path(firstFile)), remove(h.Path(keyFile)))
	if fresh && err == nil {
		err = remove(string(h.Dir))
	}
	return node.OSError("remove what a refused join left", err)
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// learn reads the space from the node that took the newcomer in.
func (p Program) learn(ctx context.Context, h *home, l members.Link, introducer moot.Peer) (made app.NewHome, err error) {
	n, err := p.open(ctx, h, arch.Peer())
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	in := node.Introduce(l, h.key)
	defer func() { err = errors.Join(err, in.Close()) }()
	from, err := in.Client(introducer)
	if err != nil {
		return made, err
	}
	defer from.Close()
	if err := n.Learn(ctx, from, l); err != nil {
		return made, moot.WithHint(moot.Wrap("joined, but the space could not be read yet", err), moot.HintRetry)
	}
	return app.NewHome{Identity: n.Identity(), Added: !l.For.IsZero(), Waiting: n.Waits()}, nil
}
