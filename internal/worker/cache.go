package worker

import (
	"context"
	"io"
	"iter"
	"math"
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Store is where a Cache stores blobs.
type Store interface {
	moot.Blobs
	Drop(ctx context.Context, id moot.BlobID) error
	Blobs(ctx context.Context) iter.Seq2[moot.Blob, error]
}

// Cache bounds the blobs in a store: the least recently used are dropped first. The blob
// used last stays even if it is too large alone.
type Cache struct {
	store    Store
	capacity func() int64 // bytes

	mu    sync.Mutex
	blobs *simplelru.LRU[moot.BlobID, int64] // sizes
	bytes int64
}

var (
	_ moot.Blobs = (*Cache)(nil)
	_ Outputs    = (*Cache)(nil)
)

// NewCache returns a cache of the blobs that are in the store already, and of those to
// come. The capacity in bytes may change at any time.
func NewCache(ctx context.Context, s Store, capacity func() int64) (*Cache, error) {
	c := &Cache{store: s, capacity: capacity}
	var err error
	if c.blobs, err = simplelru.NewLRU[moot.BlobID, int64](math.MaxInt, nil); err != nil {
		return nil, moot.Errorf(moot.Internal, "cache: %w", err)
	}
	for b, err := range s.Blobs(ctx) {
		if err != nil {
			return nil, moot.Wrap("cache", err)
		}
		c.add(b)
	}
	return c, c.evict(ctx)
}

// Put implements moot.Blobs.
func (c *Cache) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	b, err := c.store.Put(ctx, r)
	if err != nil {
		return b, err
	}
	return b, c.Use(ctx, b.ID)
}

// Get implements moot.Blobs. It counts as use.
func (c *Cache) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	c.mu.Lock()
	c.blobs.Get(id)
	c.mu.Unlock()
	return c.store.Get(ctx, id, r)
}

// Have implements moot.Blobs.
func (c *Cache) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	return c.store.Have(ctx, id)
}

// Exchange implements moot.Blobs.
func (c *Cache) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, c, id), nil
}

// Use adds a blob that is in the store already, or marks it as the most recently used.
// Kind NotFound if it was dropped meanwhile.
func (c *Cache) Use(ctx context.Context, id moot.BlobID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, err := c.store.Have(ctx, id)
	if err != nil {
		return err
	}
	c.add(moot.Blob{ID: id, Size: h.Size})
	return c.evict(ctx)
}

// add adds a blob. The caller has locked the cache.
func (c *Cache) add(b moot.Blob) {
	if _, known := c.blobs.Get(b.ID); !known {
		c.blobs.Add(b.ID, b.Size)
		c.bytes += b.Size
	}
}

// evict drops blobs until the others fit. The caller has locked the cache.
func (c *Cache) evict(ctx context.Context) error {
	for c.bytes > c.capacity() && c.blobs.Len() > 1 {
		id, size, _ := c.blobs.GetOldest()
		if err := c.store.Drop(ctx, id); err != nil {
			return err
		}
		c.blobs.Remove(id)
		c.bytes -= size
	}
	return nil
}

// Overlay is a node that also reads the blobs of a cache.
type Overlay struct {
	moot.Node
	Cache func() moot.Blobs // the result may be nil
}

// Get implements moot.Blobs.
func (o Overlay) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := o.Node.Get(ctx, id, r)
	if moot.KindOf(err) == moot.NotFound {
		if cache := o.Cache(); cache != nil {
			return cache.Get(ctx, id, r)
		}
	}
	return rc, err
}

// Exchange implements moot.Blobs.
func (o Overlay) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, o, id), nil
}

// Have implements moot.Blobs.
func (o Overlay) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	h, err := o.Node.Have(ctx, id)
	if moot.KindOf(err) == moot.NotFound {
		if cache := o.Cache(); cache != nil {
			return cache.Have(ctx, id)
		}
	}
	return h, err
}

// PutMany implements moot.Blobs.
func (c *Cache) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	stored, err := c.store.PutMany(ctx, contents)
	if err != nil {
		return stored, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range stored {
		c.add(b)
	}
	return stored, c.evict(ctx)
}

// GetMany implements moot.Blobs. It counts as use.
func (c *Cache) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	c.mu.Lock()
	for _, id := range ids {
		c.blobs.Get(id)
	}
	c.mu.Unlock()
	return c.store.GetMany(ctx, ids)
}

// HaveMany implements moot.Blobs.
func (c *Cache) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	return c.store.HaveMany(ctx, ids)
}

// GetMany implements moot.Blobs.
func (o Overlay) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		cache := o.Cache()
		had := make(map[moot.BlobID]bool, len(ids))
		for s, err := range o.Node.GetMany(ctx, ids) {
			had[s.ID] = true
			if !yield(s, err) || err != nil {
				return
			}
		}
		if cache == nil || len(had) == len(ids) {
			return
		}
		lacking := slices.DeleteFunc(slices.Clone(ids), func(id moot.BlobID) bool { return had[id] })
		for s, err := range cache.GetMany(ctx, lacking) {
			if !yield(s, err) {
				return
			}
		}
	}
}

// HaveMany implements moot.Blobs.
func (o Overlay) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	held, err := o.Node.HaveMany(ctx, ids)
	cache := o.Cache()
	if err != nil || cache == nil {
		return held, err
	}
	also, err := cache.HaveMany(ctx, ids)
	for i := range also {
		held[i] = held[i] || also[i]
	}
	return held, err
}
