package node

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/wire"
	"github.com/mootspace/moot/internal/worker"
)

// Connect links this node with peers; without multiaddrs to listen on it only dials.
// With localNetwork it looks for members on the local network and can be found there.
func (n *Node) Connect(ctx context.Context, listen []string, localNetwork bool) error {
	if err := n.network.join(ctx, listen, localNetwork); err != nil {
		return err
	}
	n.tasks.start(n.network.Mesh().Run)
	return nil
}

// ServePeers answers peers until ctx ends. The node must be connected.
func (n *Node) ServePeers(ctx context.Context) error { return n.network.Host().Serve(ctx, n.handler) }

// Disconnect ends connections and requests of nodes that may not connect any more.
func (n *Node) Disconnect() {
	n.sessions.revoke(n.network.mayConnect)
	n.network.disconnectStrangers()
}

// Handler answers other nodes out of this node's own store.
func (n *Node) Handler() http.Handler { return n.handler }

func (n *Node) newHandler(roster *policy.Roster) http.Handler {
	public := newPublished(n.store, n.files.index, n.cfg.Log)
	rules := n.cfg.Role.Policy(arch.Owner{Roster: roster, Preferences: n.preferences, Publishes: func(ctx context.Context, blob string, names []string) bool {
		return n.mail.isMessage(ctx, blob) || public.has(ctx, blob, names)
	}})
	var seen moot.Node = n.files.store
	if n.cfg.Role.HoldsMail {
		seen = dial.Metered{Node: bounded{seen, n.mail.checkQuota}, In: &n.network.in}
	}
	seen = admitting{seen, n.witness}
	h := wire.Handler(n.cfg.Intercept.Seen(worker.Overlay{Node: seen, Cache: n.compute.cached}), guard{roster, rules, n.newcomerName()}, wire.Options{
		Log: n.cfg.Log, Version: n.cfg.Version, BackOff: n.cfg.Role.Seeds, Runner: n.compute,
		Jobs: n.followHandler(), Accounts: n.enableHandler(),
	})
	return n.sessions.register(n.network.out.Handler(n.hearing(h)))
}

// hearDelay is how long after it has asked what is held here another node has handed over
// what is not.
const hearDelay = 3 * time.Second

// hearing counts it as an exchange when another node compares its entries with those held
// here: a server may have no other way to hear.
func (n *Node) hearing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r)
		caller := moot.Caller(r.Context())
		if n.cfg.Home.ready() == nil || r.URL.Path != wire.PathVector || caller == n.Self() || !n.network.isMember(caller) {
			return
		}
		n.tasks.start(func(ctx context.Context) {
			select {
			case <-time.After(hearDelay):
				n.exchanged(ctx)
			case <-ctx.Done():
			}
		})
	})
}

// SetWebAddrs says at which https addresses the node is reached. It must be called
// before Start.
func (n *Node) SetWebAddrs(addrs []string) { n.state.webAddrs.Store(&addrs) }

// Addrs returns where the node is reached.
func (n *Node) Addrs() []string { return slices.Concat(n.state.addrs(), n.network.addrs()) }

// Start runs all services until Close. answer is called once the node is whole: nobody
// may be answered before.
func (n *Node) Start(ctx context.Context, answer func()) error {
	n.state.running.Store(true)
	if err := n.startMail(ctx); err != nil {
		return err
	}
	answer()
	if err := n.adopt(ctx); err != nil {
		return err
	}
	if err := n.accounts.Resume(ctx); err != nil {
		return err
	}
	if len(n.cfg.OldKeys) > 0 {
		n.tasks.start(n.PassOn)
	}
	n.tasks.start(n.files.folders.Run)
	n.tasks.start(n.collectGarbage)
	n.tasks.start(n.witness.run)
	n.tasks.start(n.keys.run)
	n.tasks.start(func(ctx context.Context) {
		if err := n.entries.run(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Log.Error("gossip ended", "error", err)
		}
	})
	if _, err := n.compute.coordinate(ctx); err != nil {
		return err
	}
	n.tasks.start(n.compute.expire)
	if err := n.introduceOnce(ctx); err != nil {
		return err
	}
	n.tasks.start(n.uploads.run)
	if n.network.Mesh() == nil {
		return nil
	}
	n.tasks.start(n.announceBlobs)
	if !n.cfg.Role.Mirror {
		n.tasks.start(n.files.copies.run)
	} else {
		m := newMirror(mirrorConfig{index: n.files.index, local: n.store, peers: routed{n.routes, arch.PeerToPeer().Asks}, every: n.cfg.Timing.Mirror, rules: n.fileRules, now: n.cfg.Now, log: n.cfg.Log})
		n.tasks.start(m.run)
	}
	return nil
}

// startMail keeps the mail of the node's member and of all accounts up to date.
func (n *Node) startMail(ctx context.Context) error {
	if err := n.mail.run(ctx, n.tasks.start); err != nil {
		return err
	}
	b, err := n.ownMail(ctx, n.routes.preferred(ctx))
	if err != nil {
		return err
	}
	n.mail.attend(b)
	for _, a := range n.accounts.Hosted() {
		if err := n.attend(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// introduceOnce says in the space where this node is and what it lends, once it may write:
// a restored home waits until it has heard from others.
func (n *Node) introduceOnce(ctx context.Context) error {
	if n.cfg.Home.ready() != nil || !n.state.running.Load() || !n.state.introduced.CompareAndSwap(false, true) {
		return nil
	}
	if n.cfg.Role.Copies {
		if err := n.announceServer(ctx); err != nil {
			return err
		}
	}
	return n.compute.announce(ctx)
}

// exchanged is called when entries were exchanged with another node.
func (n *Node) exchanged(ctx context.Context) {
	n.cfg.Home.Reached()
	n.routes.refresh(ctx)
	n.late.repeat(ctx)
	if err := n.introduceOnce(ctx); err != nil && ctx.Err() == nil {
		n.cfg.Log.Error("announce this node", "error", err)
	}
}

// announceServer says in the space where its server is.
func (n *Node) announceServer(ctx context.Context) error {
	addrs := n.Addrs()
	if n.network.Host() == nil {
		addrs = n.state.addrs()
	}
	m := n.members(n.store, n.signer.Through(n.store), n.network.roster)
	known, err := m.Servers(ctx)
	if err == nil && !slices.ContainsFunc(known, func(p moot.Peer) bool { return p.ID == n.Self() && slices.Equal(p.Addrs, addrs) }) {
		n.entries.pull(ctx) // before something is written that a copy of this node may have written otherwise
	}
	return moot.Wrap("announce the server", m.Serve(ctx, addrs, n.cfg.Mail.Domain))
}

// announceBlobs makes this node findable as a holder of what it holds.
func (n *Node) announceBlobs(ctx context.Context) {
	for b, err := range n.store.Blobs(ctx) {
		if err != nil || ctx.Err() != nil {
			return
		}
		n.network.announce(ctx, b.ID)
	}
}

// members returns the people of the space as a node sees them; roster nil: as that node
// tells.
func (n *Node) members(node moot.Feeds, write sign.Writer, roster *policy.Roster) *members.Members {
	return members.New(members.Config{Space: n.cfg.Space, Self: n.Self(), Node: node, Write: write, Roster: roster, Now: n.cfg.Now, MayBeNamed: n.mayBeNamed})
}

// Found makes the node's space, which begins with the founder's act; the founder is
// called as. It returns the founder's recovery code.
func (n *Node) Found(ctx context.Context, founding moot.Entry, as string) (recovery string, err error) {
	if err := n.store.Append(ctx, moot.Merge, founding); err != nil {
		return recovery, moot.Wrap("make the space", err)
	}
	m := n.members(n.store, n.signer.Through(n.store), n.network.roster)
	if err := m.Found(ctx, as); err != nil {
		return recovery, moot.Wrap("make the space", err)
	}
	recovery, err = m.Recovery(ctx, nil)
	return recovery, moot.Wrap("make the recovery code", err)
}

// adopt brings a space that version 0.1.0 began under the rules of this one, if this
// node's member founded it.
func (n *Node) adopt(ctx context.Context) error {
	if n.network.roster.Adopted() || n.Self() != moot.Key(n.cfg.Space) || n.cfg.Home.ready() != nil {
		return nil
	}
	return moot.Wrap("bring the space over from version 0.1.0", n.members(n.store, n.signer.Through(n.store), n.network.roster).Adopt(ctx))
}

// Learn reads the space from a node that took this one in by a link, and the member's
// mailbox keys, if the link is for a device. Kind Unavailable if the node does not pass on
// the act with which this device joined.
func (n *Node) Learn(ctx context.Context, from moot.Feeds, l members.Link) error {
	if _, _, err := gossip.Reconcile(ctx, n.store, from); err != nil {
		return err
	}
	if n.Member().IsZero() {
		return moot.Errorf(moot.Unavailable, "the act with which this device joined was not passed on")
	}
	return n.keys.open(n.cfg.Key, l)
}

// Waits reports whether nobody who may has admitted this device yet.
func (n *Node) Waits() bool {
	d, ok := n.network.roster.Device(n.Self())
	return ok && d.Waiting
}
