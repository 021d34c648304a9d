package daemon

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// uploads remembers blobs put through the hybrid architecture, to be handed to a
// server that cannot fetch them itself: this node ends soon, or the server is none
// among peers.
type uploads struct {
	mu      sync.Mutex
	waiting []moot.BlobID
	more    chan struct{} // room for one
}

func (u *uploads) add(id moot.BlobID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting = append(u.waiting, id)
	select {
	case u.more <- struct{}{}:
	default:
	}
}

func (u *uploads) take() []moot.BlobID {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := u.waiting
	u.waiting = nil
	return ids
}

// upload hands what waits to the servers that lack it.
func (n *node) upload(ctx context.Context) {
	ids := n.uploads.take()
	for _, server := range n.servers(ctx) {
		if len(ids) == 0 {
			return
		}
		if n.running && fetchesItself(server) {
			continue
		}
		remote, err := n.dial.Dial(server)
		for _, id := range ids {
			if err == nil {
				err = n.uploadOne(ctx, remote, id)
			}
		}
		if err != nil {
			n.log.Warn("the server could not be given what was shared: it stays here, where others can fetch it while this node runs",
				"server", server.Addrs, "error", err)
		}
	}
}

// fetchesItself reports whether a server is a peer, too, and so fetches what it lacks.
func fetchesItself(server moot.Peer) bool {
	return slices.ContainsFunc(server.Addrs, func(a string) bool { return strings.HasPrefix(a, "/") })
}

func (n *node) uploadOne(ctx context.Context, server moot.Node, id moot.BlobID) error {
	if h, err := server.Have(ctx, id); err == nil && h.Complete() {
		return nil
	}
	rc, err := n.store.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = server.Put(ctx, io.Reader(blob.NewDecoder(rc, id, moot.Whole)))
	return err
}

// uploadLoop hands blobs over as they are put, until ctx ends.
func (n *node) uploadLoop(ctx context.Context) {
	for {
		select {
		case <-n.uploads.more:
			n.upload(ctx)
		case <-ctx.Done():
			return
		}
	}
}
