package ask

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// memory is a small node in memory, with partial downloads that stay when their readers
// leave.
type memory struct {
	feeds
	mu     sync.Mutex
	whole  map[moot.BlobID]*partial
	parts  map[moot.BlobID]*partial
	refuse error // what Write of a partial answers
	users  int   // partials not closed
}

func newMemory() *memory {
	return &memory{whole: map[moot.BlobID]*partial{}, parts: map[moot.BlobID]*partial{}}
}

// partial implements blob.Partial, and holds whole blobs as well.
type partial struct {
	home *memory
	blob moot.Blob
	mu   sync.RWMutex
	data []byte
	tree []byte
	held *blob.Set
}

func (m *memory) Put(_ context.Context, r io.Reader) (moot.Blob, error) {
	var tree bytes.Buffer
	h := blob.NewHasher(&tree)
	data, err := io.ReadAll(io.TeeReader(r, h))
	if err != nil {
		return moot.Blob{}, err
	}
	b, err := h.Sum()
	p := &partial{home: m, blob: b, data: data, tree: tree.Bytes(), held: blob.NewSet(b.Size)}
	for g := range blob.Groups(b.Size) {
		p.held.Add(g)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.whole[b.ID] = p
	return b, err
}

func (m *memory) find(id moot.BlobID) *partial {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.whole[id]; p != nil {
		return p
	}
	return m.parts[id]
}

func (m *memory) Have(_ context.Context, id moot.BlobID) (moot.Holding, error) {
	p := m.find(id)
	if p == nil || p.Held().Count() == 0 {
		return moot.Holding{}, moot.Errorf(moot.NotFound, "no blob %s", id)
	}
	return moot.Holding{Size: p.blob.Size, Ranges: p.Held().Ranges()}, nil
}

func (m *memory) Get(_ context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	p := m.find(id)
	if p == nil || len(p.Held().Missing(r.In(p.blob.Size))) > 0 {
		return nil, moot.Errorf(moot.NotFound, "no blob %s", id)
	}
	var out bytes.Buffer
	if err := blob.Encode(&out, p.blob, p.Data(), p.Tree(), r); err != nil {
		return nil, err
	}
	return io.NopCloser(&out), nil
}

func (m *memory) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, m, id), nil
}

func (m *memory) Fill(_ context.Context, b moot.Blob) (blob.Partial, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.users++
	if p := m.whole[b.ID]; p != nil {
		return p, nil
	}
	if m.parts[b.ID] == nil {
		m.parts[b.ID] = &partial{
			home: m, blob: b, held: blob.NewSet(b.Size),
			data: make([]byte, b.Size), tree: make([]byte, blob.TreeSize(b.Size)),
		}
	}
	return m.parts[b.ID], nil
}

func (p *partial) Held() *blob.Set {
	p.mu.RLock()
	defer p.mu.RUnlock()
	set := blob.NewSet(p.blob.Size)
	for g := range blob.Groups(p.blob.Size) {
		if p.held.Has(g) {
			set.Add(g)
		}
	}
	return set
}

func (p *partial) Write(g blob.Group) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.home.refuse != nil {
		return p.home.refuse
	}
	copy(p.data[g.Index*blob.GroupSize:], g.Data)
	for _, n := range g.Nodes {
		copy(p.tree[n.Pos*32:], n.CV[:])
	}
	for i := range g.Count() {
		p.held.Add(g.Index + i)
	}
	return nil
}

func (p *partial) Complete(context.Context) error {
	if !p.Held().Complete() {
		return moot.Errorf(moot.Internal, "not complete")
	}
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	p.home.whole[p.blob.ID] = p
	delete(p.home.parts, p.blob.ID)
	return nil
}

func (p *partial) Close() error {
	p.home.mu.Lock()
	defer p.home.mu.Unlock()
	p.home.users--
	return nil
}

func (p *partial) Data() io.ReaderAt {
	return readerAt(func(b []byte, off int64) (int, error) { return p.read(p.data, b, off) })
}
func (p *partial) Tree() io.ReaderAt {
	return readerAt(func(b []byte, off int64) (int, error) { return p.read(p.tree, b, off) })
}

func (p *partial) read(from, b []byte, off int64) (int, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return bytes.NewReader(from).ReadAt(b, off)
}

// retain leaves only some groups of a blob.
func (m *memory) retain(b moot.Blob, groups ...int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.whole[b.ID]
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = blob.NewSet(b.Size)
	for g := range blob.Groups(b.Size) {
		if slices.Contains(groups, g) {
			p.held.Add(g)
		}
	}
}

// PutMany implements moot.Blobs.
func (m *memory) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	return blob.PutEach(ctx, m, contents)
}

// GetMany implements moot.Blobs.
func (m *memory) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return blob.GetEach(ctx, m, ids)
}

// HaveMany implements moot.Blobs.
func (m *memory) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	return blob.HaveEach(ctx, m, ids)
}
