package node

import (
	"context"
	"path"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/tree"
)

// defaultSpace is how much a device lends for copies of others' files.
const defaultSpace = 10 << 30

func (n *Node) newCopies() *copies {
	peers := routed{n.routes, arch.PeerToPeer().Asks}
	return newCopies(copiesConfig{
		self: n.Self(), files: filesOf(n.files.index, n.Self()), changed: n.copiesChanged, rules: n.fileRules, local: n.files.store,
		fetch: func(ctx context.Context, list []heldFile) {
			fetchFiles(ctx, mirrorConfig{index: n.files.index, local: n.store, peers: peers, now: n.cfg.Now, log: n.cfg.Log}, list)
		},
		devices: n.network.others, dial: n.network.dial.Dial, peers: n.holdingPeers, space: n.lent, extra: n.files.folders.Holds,
		every: n.cfg.Timing.Copies, repair: n.cfg.Timing.Away, now: n.cfg.Now, log: n.cfg.Log,
	})
}

// holdingPeers returns who can be asked what it holds: members' devices that are connected.
func (n *Node) holdingPeers(context.Context) []moot.Peer {
	return distinct(slices.Clone(n.network.Connected()), n.Self())
}

// lent returns the bytes that this node lends for copies.
func (n *Node) lent() int64 {
	if lent := n.preferences().Space; lent != 0 {
		return max(lent, 0)
	}
	return defaultSpace
}

// copiesChanged signals when files may have changed, until ctx ends; rules that change wake
// the copies.
func (n *Node) copiesChanged(ctx context.Context) <-chan struct{} {
	n.tasks.start(func(context.Context) {
		for ctx.Err() == nil {
			n.watchRules(ctx)
			select {
			case <-time.After(watchRulesAgain):
			case <-ctx.Done():
			}
		}
	})
	return n.files.index.Changed(ctx)
}

// watchRulesAgain is how long a watch that failed is not begun again.
const watchRulesAgain = time.Second

// watchRules wakes the copies when a rule is stated, until ctx ends or the watch fails.
func (n *Node) watchRules(ctx context.Context) {
	since, err := n.store.Vector(ctx)
	if err != nil {
		return
	}
	for e, err := range n.store.Watch(ctx, since) {
		if err != nil {
			return
		}
		if e.Kind == moot.KindRule {
			n.files.copies.wake()
		}
	}
}

// fetchFiles brings what can be had of some files to the local store. Frozen folders are left
// out: what their parts take of the space that is lent is not known before.
func fetchFiles(ctx context.Context, cfg mirrorConfig, list []heldFile) {
	m := newMirror(cfg)
	for _, f := range list {
		if !f.Manifest {
			m.missing[f.Blob.ID] = f.Blob.Size
			m.wanted = append(m.wanted, f.Blob.ID)
		}
	}
	m.fetchWanted(ctx)
}

// filesOf yields the files in force of an index, as a device sees them.
func filesOf(index *files.Index, self moot.Key) func(context.Context, func(heldFile)) error {
	type folder struct {
		id   tree.ID
		rows []tree.Shown
	}
	return func(ctx context.Context, each func(heldFile)) error {
		folders := map[string]*folder{".": {}}
		err := index.View(ctx, func(t *tree.Tree) error {
			for name, s := range t.Walk("") {
				switch s.Type {
				case tree.Folder:
					folders[name] = &folder{id: s.Item}
				case tree.File:
					if in := folders[path.Dir(name)]; in != nil {
						in.rows = append(in.rows, s)
					}
				}
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		for name, in := range folders {
			for _, s := range in.rows {
				each(heldFile{path.Join(name, s.Name), s.Blob, s.Manifest, windowOf(in.id, s.Item, len(in.rows)), s.Author == self})
			}
		}
		return nil
	}
}
