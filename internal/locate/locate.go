// Package locate finds the nodes to ask: the server (Fixed, client-server), connected
// peers and those found through a distributed hash table (Mesh, peer-to-peer), or all of
// them (Both, hybrid).
//
// It must not know what is requested, how nodes communicate, or where anything is
// stored. Only members are ever named.
package locate

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/mootspace/moot"
)

// None names no nodes: only this machine's own data is used.
func None() moot.Locator { return none{} }

type none struct{}

func (none) Locate(context.Context, moot.BlobID) iter.Seq[moot.Peer] {
	return func(func(moot.Peer) bool) {}
}
func (none) Announce(context.Context, moot.BlobID) error { return nil }
func (none) Authority() (moot.Authority, bool)           { return moot.Authority{}, false }

// Fixed always names the server, which is a required authority.
func Fixed(server moot.Peer) moot.Locator {
	server.Server = true
	return fixed{server}
}

type fixed struct{ server moot.Peer }

func (f fixed) Locate(context.Context, moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) { yield(f.server) }
}

// Announce does nothing: the server knows what it holds.
func (fixed) Announce(context.Context, moot.BlobID) error { return nil }

func (f fixed) Authority() (moot.Authority, bool) {
	return moot.Authority{Peer: f.server, Required: true}, true
}

// Both names the nodes of both locators, neither waiting for the other. The server is the
// authority while it can be reached.
func Both(server, mesh moot.Locator) moot.Locator { return both{server, mesh} }

type both struct{ server, mesh moot.Locator }

func (b both) Locate(ctx context.Context, id moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		ctx, cancel := context.WithCancel(ctx)
		found := make(chan moot.Peer)
		var search sync.WaitGroup
		defer search.Wait()
		defer cancel()
		for _, l := range []moot.Locator{b.server, b.mesh} {
			search.Go(func() {
				for p := range l.Locate(ctx, id) {
					select {
					case found <- p:
					case <-ctx.Done():
						return
					}
				}
			})
		}
		go func() {
			search.Wait()
			close(found)
		}()
		for p := range found {
			if !yield(p) {
				return
			}
		}
	}
}

// Announce announces at both, also if one of them fails.
func (b both) Announce(ctx context.Context, id moot.BlobID) error {
	return errors.Join(b.server.Announce(ctx, id), b.mesh.Announce(ctx, id))
}

func (b both) Authority() (moot.Authority, bool) {
	a, ok := b.server.Authority()
	a.Required = false
	return a, ok
}
