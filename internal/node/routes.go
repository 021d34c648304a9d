package node

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/ask"
)

// routes are this node as seen through each architecture: the same store, asked for in
// another way. They are made when they are first used, and anew when the space's
// servers have changed.
type routes struct {
	network *network
	server  bool // this node is the space's server
	noPeers bool
	ask     ask.Config // without Locator

	mu      sync.Mutex
	made    map[moot.Architecture]*ask.Node
	servers []moot.Peer // for which they were made
}

// preferred returns the architecture that the space and the node allow.
func (r *routes) preferred(ctx context.Context) moot.Architecture {
	return arch.Prefer(!r.server && len(r.network.Servers(ctx)) > 0, !r.noPeers)
}

// pool returns who may run a member's jobs; without a choice, who can: a server has no
// other to ask, and lends itself.
func (r *routes) pool(ctx context.Context, via moot.Architecture) moot.Architecture {
	switch {
	case !via.IsZero():
		return via
	case r.server:
		return moot.Architecture{Server: true, Peers: !r.noPeers}
	}
	return r.preferred(ctx)
}

// rules returns the architecture of a choice, as this node carries it out.
func (r *routes) rules(via moot.Architecture) arch.Architecture {
	if r.server {
		return arch.OfServer(via)
	}
	return arch.Of(via)
}

// through returns this node as seen through an architecture.
func (r *routes) through(ctx context.Context, via moot.Architecture) (*ask.Node, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if node := r.made[via]; node != nil {
		return node, nil
	}
	locator, err := r.locator(ctx, via)
	if err != nil {
		return nil, err
	}
	cfg := r.ask
	cfg.Locator = locator
	node := ask.New(cfg)
	r.made[via] = node
	return node, nil
}

func (r *routes) locator(ctx context.Context, via moot.Architecture) (moot.Locator, error) {
	return r.rules(via).Locator(r.reachable(ctx))
}

func (r *routes) reachable(ctx context.Context) arch.Reachable {
	reach := arch.Reachable{Servers: r.network.Servers(ctx)}
	if mesh := r.network.Mesh(); mesh != nil {
		reach.Mesh = mesh
	}
	return reach
}

// storeHere stores here what another node has accepted, so that this node's own view is as new:
// what it says next follows it. What it lacks before that comes with the next exchange.
func (r *routes) storeHere(ctx context.Context, entries []moot.Entry) error {
	err := r.ask.Local.Append(ctx, moot.Merge, entries...)
	if moot.KindOf(err) == moot.Gap {
		return nil
	}
	return err
}

// refresh drops the routes if the space's servers have changed.
func (r *routes) refresh(ctx context.Context) {
	servers := r.network.Servers(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !samePeers(servers, r.servers) {
		clear(r.made)
	}
	r.servers = servers
}

func samePeers(a, b []moot.Peer) bool {
	return slices.EqualFunc(a, b, func(p, q moot.Peer) bool {
		return p.ID == q.ID && strings.Join(p.Addrs, " ") == strings.Join(q.Addrs, " ")
	})
}

// routed is this node through an architecture, whatever servers the space comes to
// have. It is comparable, so that writers can tell whether two go to the same node.
type routed struct {
	routes *routes
	via    moot.Architecture
}

var _ moot.Node = routed{}

// Put implements moot.Blobs.
func (n routed) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return moot.Blob{}, err
	}
	return node.Put(ctx, r)
}

// Get implements moot.Blobs.
func (n routed) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return nil, err
	}
	return node.Get(ctx, id, r)
}

// Have implements moot.Blobs.
func (n routed) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return moot.Holding{}, err
	}
	return node.Have(ctx, id)
}

// Exchange implements moot.Blobs.
func (n routed) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return nil, err
	}
	return node.Exchange(ctx, id)
}

// PutMany implements moot.Blobs.
func (n routed) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return nil, err
	}
	return node.PutMany(ctx, contents)
}

// GetMany implements moot.Blobs.
func (n routed) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return failed[moot.Small](err)
	}
	return node.GetMany(ctx, ids)
}

// HaveMany implements moot.Blobs.
func (n routed) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return nil, err
	}
	return node.HaveMany(ctx, ids)
}

// Append implements moot.Feeds.
func (n routed) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return err
	}
	if err := node.Append(ctx, mode, entries...); err != nil {
		return err
	}
	return n.routes.storeHere(ctx, entries)
}

// Query implements moot.Feeds.
func (n routed) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return failed[moot.Entry](err)
	}
	return node.Query(ctx, q)
}

// Watch implements moot.Feeds.
func (n routed) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return failed[moot.Entry](err)
	}
	return node.Watch(ctx, since)
}

// Vector implements moot.Feeds.
func (n routed) Vector(ctx context.Context) (moot.Vector, error) {
	node, err := n.routes.through(ctx, n.via)
	if err != nil {
		return moot.Vector{}, err
	}
	return node.Vector(ctx)
}

// failed yields one error.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}
