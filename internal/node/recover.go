package node

import (
	"context"
	"crypto/ed25519"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// recover puts a device of the node's member out by the member's recovery code. Others are
// spoken to in the code's name: that device may have put this one out, and nobody answers
// this one then.
func (n *Node) recover(ctx context.Context, code, device string) (policy.Device, error) {
	seed, err := seal.ParseRecoveryCode(code)
	if err != nil {
		return policy.Device{}, err
	}
	key := seal.FromSeed(seed)
	n.exchangeAllAs(ctx, key)
	d, err := n.members(n.store, n.signer.Through(n.store), n.network.roster).RemoveByRecovery(ctx, code, device)
	if err != nil {
		return d, err
	}
	if n.exchangeAllAs(ctx, key) == 0 && len(n.network.others()) > 0 {
		n.cfg.Log.Warn("nobody else has heard of the removal yet: it is passed on when this home reaches somebody")
	}
	return d, nil
}

// exchangeAllAs exchanges entries with all known nodes in the name of another device of the
// member, and returns with how many that succeeded.
func (n *Node) exchangeAllAs(ctx context.Context, key ed25519.PrivateKey) (reached int) {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	for _, p := range n.entries.partners(ctx) {
		if len(p.Addrs) == 0 {
			continue
		}
		if err := n.exchangeAs(ctx, key, p); err != nil {
			n.cfg.Log.Debug("exchange entries in the name of another device", "error", err)
			continue
		}
		reached++
	}
	return reached
}

// exchangeAs exchanges entries with a node in the name of another device.
func (n *Node) exchangeAs(ctx context.Context, key ed25519.PrivateKey, p moot.Peer) error {
	in := Introduce(members.Link{Peers: []moot.Peer{p}}, key)
	if n.cfg.Intercept.Transport != nil {
		in.Through(n.cfg.Intercept.Transport)
	}
	defer in.Close()
	c, err := in.Client(p)
	if err != nil {
		return err
	}
	defer c.Close()
	_, _, err = gossip.Reconcile(ctx, n.store, c)
	return err
}
