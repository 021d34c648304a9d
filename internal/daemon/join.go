package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/wire"
)

// Join makes a home that belongs to the space of an invitation. Any server or peer
// that the link names can let the newcomer in; who made the link need not be there.
func (p Program) Join(ctx context.Context, dir, text, as string) (id cli.Identity, err error) {
	l, err := members.ParseLink(text, time.Now())
	if err != nil {
		return id, err
	}
	as = orDefault(as, login())
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
	j := &joining{home: h, link: l, log: p.Log}
	if err := j.write(as); err != nil {
		return id, err
	}
	sponsor, err := j.handIn(ctx)
	if err != nil {
		return id, moot.Wrap("join "+l.Name, err)
	}
	n, err := openNode(ctx, h, p.Log)
	if err != nil {
		return id, err
	}
	defer func() { err = errors.Join(err, n.close()) }()
	if err := n.learn(ctx, sponsor); err != nil {
		return id, moot.Wrap("joined, but the space could not be read yet (run the same command again)", err)
	}
	if err := h.save(); err != nil {
		return id, err
	}
	os.Remove(h.path(entryFile))
	return n.identity(), nil
}

// joining is a newcomer on the way in.
type joining struct {
	*home
	link  members.Link
	entry moot.Entry
	log   interface{ Debug(string, ...any) }
}

// entryFile keeps the entry of a join that may have been accepted without our
// hearing of it: a second, different one would fork the newcomer's feed.
const entryFile = "join.entry"

func (j *joining) write(as string) error {
	raw, err := os.ReadFile(j.path(entryFile))
	if err == nil {
		if e, err := feed.Decode(raw); err == nil && e.Space == j.link.Space {
			j.entry = e
			return nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return osError("join", err)
	}
	if j.entry, err = members.Enter(j.link, j.key, as, time.Now); err != nil {
		return err
	}
	return osError("join", os.WriteFile(j.path(entryFile), feed.Encode(j.entry), 0o600))
}

// handIn gives the entry to the first who takes it, and returns who that was. A
// refusal is final; somebody away, or who does not know the invitation, is not.
func (j *joining) handIn(ctx context.Context) (sponsor moot.Peer, err error) {
	key := seal.FromSeed(j.link.Seed)
	var failed error
	for _, s := range j.link.Servers {
		transport, err := serverTransport(key, s.ID, httpsAddrs(s.Addrs))
		if err != nil {
			return s, err
		}
		client := pooled{wire.NewClient(transport, orFirst(httpsAddrs(s.Addrs))), transport}
		if err = j.offer(ctx, client); err == nil || final(err) {
			return s, err
		}
		failed = errors.Join(failed, err)
	}
	if len(j.link.Peers) == 0 {
		return moot.Peer{}, orUnavailable(failed)
	}
	host, err := j.host(key)
	if err != nil {
		return moot.Peer{}, err
	}
	defer host.Close()
	for _, p := range j.link.Peers {
		if err = j.offer(ctx, peerClient(host, p)); err == nil || final(err) {
			return p, err
		}
		failed = errors.Join(failed, err)
	}
	return moot.Peer{}, orUnavailable(failed)
}

func (j *joining) host(key ed25519.PrivateKey) (*link.Host, error) {
	return link.NewHost(link.HostConfig{Key: key, Allow: func(k moot.Key) bool {
		return slices.ContainsFunc(j.link.Peers, func(p moot.Peer) bool { return p.ID == k })
	}})
}

// offerWithin bounds how long one node may take to let a newcomer in.
const offerWithin = 15 * time.Second

func (j *joining) offer(ctx context.Context, c pooled) error {
	defer c.transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, offerWithin)
	defer cancel()
	return c.Append(ctx, moot.Merge, j.entry)
}

func final(err error) bool {
	switch moot.KindOf(err) {
	case moot.Expired, moot.UsedUp, moot.Revoked, moot.Denied, moot.Invalid, moot.Corrupt, moot.Fork:
		return true
	}
	return false
}

func orFirst(addrs []string) string {
	if len(addrs) == 0 {
		return "https://nowhere"
	}
	return addrs[0]
}

func orUnavailable(err error) error {
	if err == nil {
		return moot.Errorf(moot.Unavailable, "the invitation names nobody to ask")
	}
	return moot.Errorf(moot.Unavailable, "nobody named in the invitation let this home in: %w", err)
}

// learn reads the space from the node that let this home in.
func (n *node) learn(ctx context.Context, sponsor moot.Peer) error {
	var remote moot.Node
	if web := httpsAddrs(sponsor.Addrs); len(web) > 0 {
		node, err := n.dial.Dial(sponsor)
		if err != nil {
			return err
		}
		remote = node
	} else {
		host, err := link.NewHost(link.HostConfig{Key: n.key, Allow: func(k moot.Key) bool { return k == sponsor.ID }, Log: n.log})
		if err != nil {
			return err
		}
		defer host.Close()
		remote = peerClient(host, sponsor)
	}
	if _, _, err := gossip.Reconcile(ctx, n.store, remote); err != nil {
		return err
	}
	if !n.isMember(n.self()) {
		return moot.Errorf(moot.Unavailable, "%s does not hand on the entry that makes this home a member", sponsor.ID.Short())
	}
	return nil
}
