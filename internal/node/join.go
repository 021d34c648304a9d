package node

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/seal"
)

// Introduction is a way to the nodes that an invitation names.
type Introduction struct {
	invitation members.Link
	key        ed25519.PrivateKey // in whose name they are asked
	host       *link.Host
	transport  func(moot.Peer, http.RoundTripper) http.RoundTripper
}

// Introduce returns a way to the nodes of an invitation, which are asked in the name of
// key: the invitation's to submit a join, then the newcomer's own to read the space.
func Introduce(l members.Link, key ed25519.PrivateKey) *Introduction {
	return &Introduction{invitation: l, key: key, transport: func(_ moot.Peer, rt http.RoundTripper) http.RoundTripper { return rt }}
}

// Through has wrap applied to the transport to each node, as Config.Transport is.
func (i *Introduction) Through(wrap func(moot.Peer, http.RoundTripper) http.RoundTripper) *Introduction {
	i.transport = wrap
	return i
}

// AsInvited returns a way to the same nodes in the name of the invitation.
func AsInvited(l members.Link) *Introduction { return Introduce(l, seal.FromSeed(l.Seed)) }

// Close ends the connections.
func (i *Introduction) Close() error {
	if i.host == nil {
		return nil
	}
	return i.host.Close()
}

// Client returns the client of a node that the invitation names.
func (i *Introduction) Client(p moot.Peer) (dial.Client, error) {
	if len(dial.HTTPS(p.Addrs)) > 0 {
		return dial.Server(i.key, p, i.transport)
	}
	if i.host == nil {
		host, err := link.NewHost(link.HostConfig{Key: i.key, Allow: func(k moot.Key) bool {
			return slices.ContainsFunc(i.invitation.Peers, func(p moot.Peer) bool { return p.ID == k })
		}})
		if err != nil {
			return dial.Client{}, err
		}
		i.host = host
	}
	return dial.Peer(i.host, p, i.transport), nil
}

// submitTimeout bounds how long one node may take to admit a newcomer.
const submitTimeout = 15 * time.Second

// Submit gives the newcomer's first entry to the first node that takes it, and returns
// which that was. A refusal is final; a node that is away, or does not know the
// invitation yet, is not.
func (i *Introduction) Submit(ctx context.Context, join moot.Entry) (introducer moot.Peer, err error) {
	var failed error
	for _, p := range slices.Concat(i.invitation.Servers, i.invitation.Peers) {
		err := i.submitTo(ctx, p, join)
		if err == nil || IsRefusal(err) {
			return p, err
		}
		failed = errors.Join(failed, err)
	}
	if failed == nil {
		return moot.Peer{}, moot.Errorf(moot.Unavailable, "the invitation names nobody to ask")
	}
	return moot.Peer{}, moot.Errorf(moot.Unavailable, "no node named in the invitation admitted this home: %w", failed)
}

func (i *Introduction) submitTo(ctx context.Context, p moot.Peer, join moot.Entry) error {
	c, err := i.Client(p)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	err = c.Append(ctx, moot.Merge, join)
	if moot.KindOf(err) == moot.Stranger && moot.HintOf(err) == "" { // an older node says no more to a newcomer
		return moot.Errorf(moot.Stranger, "%s does not know the invitation, or runs an older version of moot", cmp.Or(p.Name, p.ID.Short()))
	}
	return err
}

// IsRefusal reports whether asking another node would not help.
func IsRefusal(err error) bool {
	switch moot.KindOf(err) {
	case moot.Expired, moot.UsedUp, moot.Revoked, moot.Denied, moot.Invalid, moot.Corrupt, moot.Fork, moot.Conflict:
		return true
	}
	return false
}
