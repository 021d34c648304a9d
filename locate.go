package moot

import (
	"context"
	"iter"
)

// Peer is a node that can be asked, and where.
type Peer struct {
	ID     Key      `json:"id"`
	Name   string   `json:"name,omitempty"`   // the member's name, if known; for people
	Addrs  []string `json:"addrs,omitempty"`  // https://host:port, or multiaddrs; may be empty if connected
	Server bool     `json:"server,omitempty"` // it is the space's server
}

// Locator is an architecture: the answer to "whom do I ask?".
type Locator interface {
	// Locate yields nodes likely to hold the blob, the best first, until there is
	// nobody left to name or the loop breaks. It may yield a node twice.
	Locate(ctx context.Context, id BlobID) iter.Seq[Peer]

	// Announce makes this node findable as a holder of the blob.
	Announce(ctx context.Context, id BlobID) error

	// Authority returns the node whose word on names is law, if there is one.
	Authority() (Authority, bool)
}

// Authority is a node that linearises changes.
type Authority struct {
	Peer
	// Required means that nothing may be changed without it (client-server).
	// Otherwise it is asked first, and changes made while it is away are merged.
	Required bool
}

// Dialer turns a peer into the node behind it. It does not wait for the network:
// failures show when the node is used, as errors of kind Unavailable. The node's Put
// verifies the name that the other side answers with; the kind is Corrupt if it is wrong.
type Dialer func(Peer) (Node, error)

type callerKey struct{}

// WithCaller returns a context that says on whose behalf a request is served.
// Only links set it, from the key their connection has proven.
func WithCaller(ctx context.Context, caller Key) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// Caller returns who is asking; the zero Key if nobody proved a key.
func Caller(ctx context.Context) Key {
	k, _ := ctx.Value(callerKey{}).(Key)
	return k
}
