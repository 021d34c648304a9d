package node

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// uploader hands blobs that were stored here to servers that cannot fetch them: this
// node ends soon, or the server is not among the peers.
type uploader struct {
	local   moot.Blobs
	servers func(context.Context) []moot.Peer
	dial    moot.Dialer
	log     *slog.Logger

	mu      sync.Mutex
	waiting []moot.BlobID
	more    chan struct{} // room for one
}

func newUploader(local moot.Blobs, n *network) *uploader {
	return &uploader{local: local, servers: n.Servers, dial: n.dial.Dial, log: n.log, more: make(chan struct{}, 1)}
}

// add queues a blob.
func (u *uploader) add(id moot.BlobID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.waiting = append(u.waiting, id)
	select {
	case u.more <- struct{}{}:
	default:
	}
}

func (u *uploader) take() []moot.BlobID {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := u.waiting
	u.waiting = nil
	return ids
}

// run uploads to servers that are no peers, as blobs are added, until ctx ends.
func (u *uploader) run(ctx context.Context) {
	for {
		select {
		case <-u.more:
			u.upload(ctx, func(server moot.Peer) bool { return !isPeer(server) })
		case <-ctx.Done():
			return
		}
	}
}

// flush uploads all that waits to all servers.
func (u *uploader) flush(ctx context.Context) {
	u.upload(ctx, func(moot.Peer) bool { return true })
}

// upload hands the queued blobs to the chosen servers that lack them.
func (u *uploader) upload(ctx context.Context, to func(moot.Peer) bool) {
	ids := u.take()
	for _, server := range u.servers(ctx) {
		if len(ids) == 0 || !to(server) {
			continue
		}
		remote, err := u.dial(server)
		for _, id := range ids {
			if err == nil {
				err = u.uploadOne(ctx, remote, id)
			}
		}
		if err != nil {
			u.log.Warn("the server does not have what was shared yet: it stays here, where others can fetch it while this node runs",
				"server", server.Addrs, "error", err)
		}
	}
}

// isPeer reports whether a server is among the peers, too, and so fetches what it lacks.
func isPeer(server moot.Peer) bool {
	return slices.ContainsFunc(server.Addrs, func(a string) bool { return strings.HasPrefix(a, "/") })
}

func (u *uploader) uploadOne(ctx context.Context, server moot.Node, id moot.BlobID) error {
	if complete(ctx, server, id) {
		return nil
	}
	rc, err := u.local.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = server.Put(ctx, io.Reader(blob.NewDecoder(rc, id, moot.Whole)))
	return err
}

// complete reports whether a node holds all of a blob.
func complete(ctx context.Context, at moot.Blobs, id moot.BlobID) bool {
	h, err := at.Have(ctx, id)
	return err == nil && h.Complete()
}
