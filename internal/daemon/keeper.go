package daemon

import (
	"context"
	"io"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/front/cli"
)

// keepAgain is how long the keeper waits before it looks again for what nobody had.
const keepAgain = time.Minute

// keep has a server hold everything that the space's names stand for: what members
// share among themselves is fetched from them, so that it is there when they are not.
func (n *node) keep(ctx context.Context) {
	for ctx.Err() == nil {
		since, err := n.store.Vector(ctx)
		if err == nil {
			n.fetchAll(ctx)
			n.waitNews(ctx, since)
		}
		if err != nil {
			n.log.Error("keep", "error", err)
			return
		}
	}
}

// waitNews returns when something was stored that since does not cover, or after a
// while.
func (n *node) waitNews(ctx context.Context, since moot.Vector) {
	ctx, cancel := context.WithTimeout(ctx, keepAgain)
	defer cancel()
	for range n.store.Watch(ctx, since) {
		return
	}
}

// fetchAll fetches what is missing of the files in force.
func (n *node) fetchAll(ctx context.Context) {
	peers, err := n.via(ctx, cli.ViaPeers)
	if err != nil {
		return
	}
	all := files.New(peers, nil, files.Options{Log: n.log})
	list, err := files.New(n.store, nil, files.Options{Log: n.log}).List(ctx, "")
	if err != nil {
		n.log.Warn("keep", "error", err)
		return
	}
	for _, f := range list {
		err := n.fetch(ctx, peers, f.Blob.ID)
		if err == nil && f.Folder {
			for part, partErr := range all.Parts(ctx, f) {
				if err = partErr; err == nil {
					err = n.fetch(ctx, peers, part.ID)
				}
				if err != nil {
					break
				}
			}
		}
		if err != nil && ctx.Err() == nil {
			n.log.Debug("nobody who has it can be reached now", "name", f.Name, "error", err)
		}
	}
}

// fetch has a blob fetched unless it is held.
func (n *node) fetch(ctx context.Context, peers moot.Node, id moot.BlobID) error {
	if h, err := n.store.Have(ctx, id); err == nil && h.Complete() {
		return nil
	}
	rc, err := peers.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(io.Discard, rc)
	return err
}
