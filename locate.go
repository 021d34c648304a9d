package moot

import (
	"context"
	"iter"
)

// Peer is a node and its addresses.
type Peer struct {
	ID     Key      `json:"id"`               // its device's key
	Name   string   `json:"name,omitempty"`   // the member's name for people, if known
	Addrs  []string `json:"addrs,omitempty"`  // https://host:port, or multiaddrs; may be empty if connected
	Server bool     `json:"server,omitempty"` // it is the space's server
}

// Locator is the part of an architecture that finds nodes: the answer to "whom do I
// ask?".
type Locator interface {
	// Locate yields nodes likely to hold the blob, the best first, until no more
	// are known or the loop breaks. It may yield a node twice.
	Locate(ctx context.Context, id BlobID) iter.Seq[Peer]

	// Announce makes this node findable as a holder of the blob.
	Announce(ctx context.Context, id BlobID) error

	// Authority returns the node that decides about changes, if there is one.
	Authority() (Authority, bool)
}

// Authority is a node that linearises changes.
type Authority struct {
	Peer
	// Required means that nothing may be changed without it (client-server).
	// Otherwise it decides first, and changes made while it is away are merged.
	Required bool
}

// Dialer turns a peer into the node behind it. It does not wait for the network:
// an unreachable node fails when it is used, with kind Unavailable.
type Dialer func(Peer) (Node, error)

type callerKey struct{}

// WithCaller returns a context that holds the caller of a request. Only links set
// it, from the key that their connection has proven.
func WithCaller(ctx context.Context, caller Key) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// Caller returns the caller of a request; the zero Key if no key was proven.
func Caller(ctx context.Context) Key {
	k, _ := ctx.Value(callerKey{}).(Key)
	return k
}
