package node

import (
	"bytes"
	"context"
	"iter"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/tree"
)

// Times of the collector.
const (
	collectFirst = 10 * time.Minute // after the start
	collectEvery = time.Hour
)

// collectGarbage frees what nothing needs, now and then, until ctx ends.
func (n *Node) collectGarbage(ctx context.Context) {
	next := time.NewTimer(collectFirst)
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
		c, err := n.collect(ctx, false)
		switch {
		case err != nil && ctx.Err() == nil:
			n.cfg.Log.Warn("collect garbage", "error", err)
		case c.Blobs > 0:
			n.cfg.Log.Info("garbage was collected", "blobs", c.Blobs, "bytes", c.Bytes)
		}
		next.Reset(collectEvery)
	}
}

// Collect implements app.Control.
func (c control) Collect(ctx context.Context, o app.GarbageOptions) (app.Garbage, error) {
	g, err := c.collect(ctx, o.DryRun)
	return app.Garbage{Blobs: g.Blobs, Bytes: g.Bytes, Needed: g.Needed, Leased: g.Leased}, err
}

func (n *Node) collect(ctx context.Context, dry bool) (store.Collected, error) {
	o := store.CollectOptions{Needed: n.needed, DryRun: dry}
	if !n.cfg.Role.Copies { // a server serves no file from where somebody may change it
		o.Elsewhere = n.files.folders.Holds
	}
	return n.store.Collect(ctx, o)
}

// needed yields the blobs that must stay: of versions in force and retained, of messages,
// and of jobs. What only looks like a blob's name stays, too.
func (n *Node) needed(ctx context.Context) iter.Seq2[moot.BlobID, error] {
	return func(yield func(moot.BlobID, error) bool) {
		named := map[moot.BlobID]bool{}
		lists := map[moot.BlobID]bool{} // what may list a folder
		err := n.viewRetained(ctx, func(t *tree.Tree, retention func(string) tree.Retention) error {
			for b := range t.Needed(n.cfg.Now(), retention) {
				named[b.ID] = true
			}
			for v := range t.Versions() {
				if v.Manifest {
					lists[v.Blob.ID] = true
				}
			}
			return ctx.Err()
		})
		if err == nil {
			err = n.namedElsewhere(ctx, lists)
		}
		if err != nil {
			yield(moot.BlobID{}, err)
			return
		}
		for id := range lists {
			named[id] = true
			n.listed(ctx, id, named)
		}
		for id := range named {
			if !yield(id, nil) {
				return
			}
		}
	}
}

// viewRetained calls f with the tree, and how long versions of a path are retained.
func (n *Node) viewRetained(ctx context.Context, f func(*tree.Tree, func(path string) tree.Retention) error) error {
	asked, err := n.fileRules(ctx)
	if err != nil {
		return err
	}
	return n.files.index.View(ctx, func(t *tree.Tree) error { return f(t, asked.Retention) })
}

// namedElsewhere adds what entries about other things than files name, and what jobs do.
func (n *Node) namedElsewhere(ctx context.Context, named map[moot.BlobID]bool) error {
	for e, err := range n.store.Query(ctx, moot.Query{History: true, Replica: true}) {
		if err != nil {
			return err
		}
		if e.Kind == moot.KindChange || e.Kind == moot.KindFile || e.Kind == moot.KindAct {
			continue
		}
		for _, text := range bytes.Split([]byte(e.Key), []byte("/")) {
			if id, err := moot.ParseBlobID(string(text)); err == nil {
				named[id] = true
			}
		}
		namedIn(e.Body, named)
	}
	coordinator, err := n.compute.coordinate(ctx)
	if err != nil {
		return err
	}
	for id, err := range coordinator.Needed(ctx) {
		if err != nil {
			return err
		}
		named[id] = true
	}
	return nil
}

// idMark begins a byte string of 32 bytes in CBOR (RFC 8949), as blobs are named in bodies.
var idMark = []byte{0x58, 0x20}

// namedIn adds what may be the name of a blob in a body, whatever else it says.
func namedIn(body []byte, named map[moot.BlobID]bool) {
	for at := bytes.Index(body, idMark); at >= 0; {
		rest := body[at+len(idMark):]
		if len(rest) < len(moot.BlobID{}) {
			return
		}
		named[moot.BlobID(rest[:len(moot.BlobID{})])] = true
		next := bytes.Index(rest, idMark)
		if next < 0 {
			return
		}
		at += len(idMark) + next
	}
}

// listed adds the parts of a folder that a blob lists, if it is held and lists one.
func (n *Node) listed(ctx context.Context, id moot.BlobID, named map[moot.BlobID]bool) {
	h, err := n.store.Have(ctx, id)
	if err != nil || !h.Complete() {
		return
	}
	list := files.New(n.store, nil, files.Options{Index: n.files.index, Log: n.cfg.Log})
	for part, err := range list.Parts(ctx, files.File{Blob: moot.Blob{ID: id, Size: h.Size}, Folder: true}) {
		if err != nil {
			return // it lists none
		}
		named[part.ID] = true
	}
}
