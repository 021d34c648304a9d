package node

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// mirror has a server hold everything that the space's names stand for: what members
// share among themselves is fetched, so that it is there when they are not.
type mirror struct {
	local moot.Node // this node's own store
	peers moot.Node // this node as it asks peers
	every time.Duration
	log   *slog.Logger
}

// run fetches what is missing whenever entries come, until ctx ends.
func (m *mirror) run(ctx context.Context) {
	for ctx.Err() == nil {
		since, err := m.local.Vector(ctx)
		if err != nil {
			m.log.Error("mirror", "error", err)
			return
		}
		m.fetchMissing(ctx)
		m.waitForEntries(ctx, since)
	}
}

// waitForEntries returns when an entry was stored that since does not cover, or after a
// while.
func (m *mirror) waitForEntries(ctx context.Context, since moot.Vector) {
	ctx, cancel := context.WithTimeout(ctx, m.every)
	defer cancel()
	for range m.local.Watch(ctx, since) { //nolint:errcheck // an error ends the wait, too
		return
	}
	<-ctx.Done() // a watch that failed must not be begun again at once
}

// fetchMissing fetches what is missing of the files in force.
func (m *mirror) fetchMissing(ctx context.Context) {
	all := files.New(m.peers, nil, files.Options{Log: m.log})
	list, err := files.New(m.local, nil, files.Options{Log: m.log}).List(ctx, "")
	if err != nil {
		m.log.Warn("mirror", "error", err)
		return
	}
	for _, f := range list {
		if err := m.fetchFile(ctx, all, f); err != nil && ctx.Err() == nil {
			m.log.Debug("no holder can be reached now", "name", f.Name, "error", err)
		}
	}
}

func (m *mirror) fetchFile(ctx context.Context, all *files.Files, f files.File) error {
	if err := fetch(ctx, m.local, m.peers, f.Blob.ID); err != nil || !f.Folder {
		return err
	}
	for part, err := range all.Parts(ctx, f) {
		if err == nil {
			err = fetch(ctx, m.local, m.peers, part.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fetch brings a blob to the local store unless it is there.
func fetch(ctx context.Context, local, from moot.Blobs, id moot.BlobID) error {
	if complete(ctx, local, id) {
		return nil
	}
	rc, err := from.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(io.Discard, rc)
	return err
}
