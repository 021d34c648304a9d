package store

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// partial is one reference to a part: what Fill returns.
type partial struct {
	part   *part
	closed sync.Once
}

var _ blob.Partial = (*partial)(nil)

// Held returns a copy of the set of groups held.
func (p *partial) Held() *blob.Set {
	p.part.mu.RLock()
	defer p.part.mu.RUnlock()
	return p.part.set.Clone()
}

// Data reads the bytes of groups held; it stays valid until Close.
func (p *partial) Data() io.ReaderAt {
	if p.part.whole != nil {
		return p.part.whole.data
	}
	return p.part.data
}

// Tree reads the nodes verified on the way to groups held; it stays valid until Close.
func (p *partial) Tree() io.ReaderAt {
	if p.part.whole != nil {
		return p.part.whole.tree
	}
	return p.part.tree
}

// Write stores groups that a blob.Decoder has verified. It may be called by several
// at once; a group written twice is no error. Kinds: Invalid, Full.
func (p *partial) Write(g blob.Group) error {
	q := p.part
	if err := q.fits(g); err != nil {
		return err
	}
	if q.had(g) {
		return nil
	}
	err := q.write(g)
	if err == nil {
		q.mu.Lock()
		for i := range g.Count() {
			q.set.Add(g.Index + i)
		}
		q.mu.Unlock()
	}
	return durable.Error("download", err)
}

func (q *part) had(g blob.Group) bool {
	q.mu.RLock()
	defer q.mu.RUnlock()
	for i := range g.Count() {
		if !q.done && !q.set.Has(g.Index+i) {
			return false
		}
	}
	return true
}

// fits checks that a group is one of this blob, so that nothing is written past it.
func (q *part) fits(g blob.Group) error {
	whole := moot.Range{Offset: g.Index * blob.GroupSize, Length: g.Count() * blob.GroupSize}.In(q.Size)
	bad := g.Index < 0 || g.Index+g.Count() > blob.Groups(q.Size) || int64(len(g.Data)) != whole.Length
	for _, node := range g.Nodes {
		bad = bad || node.Pos < 0 || (node.Pos+1)*int64(len(node.CV)) > blob.TreeSize(q.Size)
	}
	if bad {
		return moot.Errorf(moot.Invalid, "group %d is none of blob %s", g.Index, q.ID)
	}
	return nil
}

func (q *part) write(g blob.Group) error {
	if err := q.store.writable(context.Background()); err != nil {
		return err
	}
	if err := q.writeData(g.Data, g.Index*blob.GroupSize); err != nil {
		return err
	}
	if err := q.writeNodes(g.Nodes); err != nil {
		return err
	}
	return q.have.add(g.Index, g.Count())
}

// writeData leaves holes for zeros, unless a crash has left other bytes there.
func (q *part) writeData(data []byte, at int64) error {
	if q.resumed {
		old := make([]byte, len(data))
		if _, err := q.data.ReadAt(old, at); err != nil || !durable.IsZero(old) {
			_, err = q.data.WriteAt(data, at)
			return err
		}
	}
	_, err := durable.WriteSparse(q.data, data, at)
	return err
}

// writeNodes writes those that lie side by side together: most do.
func (q *part) writeNodes(nodes []blob.Node) error {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b blob.Node) int { return cmp.Compare(a.Pos, b.Pos) })
	var row []byte
	for i, node := range nodes {
		row = append(row, node.CV[:]...)
		if i+1 < len(nodes) && nodes[i+1].Pos == node.Pos+1 {
			continue
		}
		if _, err := q.tree.WriteAt(row, (node.Pos+1)*int64(len(node.CV))-int64(len(row))); err != nil {
			return err
		}
		row = row[:0]
	}
	return nil
}

// Complete makes the blob one that is wholly held, durably. Kind Unavailable if
// groups are missing.
func (p *partial) Complete(ctx context.Context) error {
	q := p.part
	if err := q.store.writable(ctx); err != nil {
		return moot.Wrap("download", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.store.blobs
	if q.done {
		b.touch(q.ID, q.store.now())
		_, err := q.store.small.has([]moot.BlobID{q.ID}) // renews its lease
		return sqlite.Error("download", err)
	}
	if !q.set.Complete() {
		return moot.Errorf(moot.Unavailable, "download of blob %s: %d of %d groups are held", q.ID, q.set.Count(), blob.Groups(q.Size))
	}
	var tree file
	treeName := ""
	if blob.TreeSize(q.Size) > 0 {
		tree, treeName = q.tree, partName(q.ID, ".tree")
	}
	if err := b.disk.use(partName(q.ID, ".data"), q.store.now()); err != nil { // it may have been written long ago
		return durable.Error("download", err)
	}
	if err := b.commit(q.ID, q.data, tree, partName(q.ID, ".data"), treeName); err != nil {
		return durable.Error("download", err)
	}
	q.done = true
	return durable.Error("download", q.forget())
}

// forget removes what is left of a part.
func (q *part) forget() error {
	d := q.store.blobs.disk
	for _, ext := range []string{".have", ".tree", ".data"} {
		if err := d.remove(partName(q.ID, ext)); err != nil {
			return err
		}
	}
	if err := d.syncDir(path.Dir(partName(q.ID, ""))); !errors.Is(err, fs.ErrNotExist) { // no download ever
		return err
	}
	return nil
}

// Close ends this use of the part. What was written stays, to be resumed.
func (p *partial) Close() error {
	p.closed.Do(func() {
		s := p.part.store
		s.mu.Lock()
		defer s.mu.Unlock()
		p.part.refs--
		if p.part.refs == 0 {
			delete(s.parts, p.part.ID)
			p.part.closeFiles()
		}
	})
	return nil
}
