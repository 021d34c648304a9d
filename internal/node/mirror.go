package node

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/rules"
	"github.com/mootspace/moot/internal/tree"
)

// mirror has a server hold everything that the space's names stand for, and what is
// retained of old versions: what members share among themselves is fetched, so that it is
// there when they are not.
type mirror struct {
	mirrorConfig
	of      *tree.Tree // that was looked at, up to a revision
	seen    uint64
	missing map[moot.BlobID]int64      // sizes of what is not held here, as stated
	wanted  []moot.BlobID              // of missing, to be fetched now
	lists   map[moot.BlobID]files.File // frozen folders whose parts are perhaps not held
}

type mirrorConfig struct {
	index *files.Index
	local moot.Node // this node's own store
	peers moot.Node // this node as it asks peers
	every time.Duration
	rules func(context.Context) (rules.Rules, error)
	now   func() time.Time
	log   *slog.Logger
}

func newMirror(cfg mirrorConfig) *mirror {
	return &mirror{mirrorConfig: cfg, missing: map[moot.BlobID]int64{}, lists: map[moot.BlobID]files.File{}}
}

// lookAgain is after how many retries all files are looked at again.
const lookAgain = 60

// run fetches what is missing whenever files change, until ctx ends. What nobody had is
// asked for again after a while.
func (m *mirror) run(ctx context.Context) {
	again := time.NewTicker(m.every)
	defer again.Stop()
	changed := m.index.Changed(ctx)
	for n := 1; ; {
		retry := false
		select {
		case <-changed:
		case <-again.C:
			if retry = true; n%lookAgain == 0 {
				m.of = nil
			}
			n++
		case <-ctx.Done():
			return
		}
		if err := m.pass(ctx, retry); err != nil && ctx.Err() == nil {
			m.log.Warn("mirror", "error", err)
		}
	}
}

// pass fetches what has come to be needed; and what is missing since before, on a retry.
func (m *mirror) pass(ctx context.Context, retry bool) error {
	m.wanted = nil
	if err := m.look(ctx); err != nil {
		return err
	}
	if retry {
		m.wanted = slices.Collect(maps.Keys(m.missing))
	}
	m.fetchLists(ctx)
	m.fetchWanted(ctx)
	return nil
}

// look finds out which blobs are needed and not held: of all files at first, then of those
// in folders that have changed.
func (m *mirror) look(ctx context.Context) error {
	needed := map[moot.BlobID]int64{}
	all := false
	asked, err := m.rules(ctx)
	if err != nil {
		return err
	}
	err = m.index.View(ctx, func(t *tree.Tree) error {
		folders, known := t.Changed(m.seen)
		if all = m.of != t || !known; all {
			m.needed(t, asked, needed)
		} else {
			m.neededIn(t, folders, needed)
		}
		m.of, m.seen = t, t.Revision()
		return nil
	})
	if err != nil {
		return err
	}
	if all {
		m.missing = map[moot.BlobID]int64{}
	}
	return m.note(ctx, needed)
}

// needed adds what all files need.
func (m *mirror) needed(t *tree.Tree, asked rules.Rules, needed map[moot.BlobID]int64) {
	for b := range t.Needed(m.now(), asked.Retention) {
		needed[b.ID] = b.Size
	}
	for name, s := range t.Walk("") {
		m.list(name, s)
	}
}

// neededIn adds what files in some folders need, but not in those below them: of folders
// that moved nothing is new.
func (m *mirror) neededIn(t *tree.Tree, folders []tree.ID, needed map[moot.BlobID]int64) {
	for _, folder := range folders {
		for _, s := range t.ReadDir(folder) {
			if s.Type == tree.File {
				needed[s.Blob.ID] = s.Blob.Size
				m.list(s.Name, s)
			}
		}
	}
}

func (m *mirror) list(name string, s tree.Shown) {
	if s.Manifest {
		m.lists[s.Blob.ID] = files.File{Name: name, Blob: s.Blob, Folder: true, Frozen: true}
	}
}

// note adds those of some blobs that are not held here to what is missing.
func (m *mirror) note(ctx context.Context, needed map[moot.BlobID]int64) error {
	ids := make([]moot.BlobID, 0, min(len(needed), moot.MaxMany))
	check := func() error {
		held, err := m.local.HaveMany(ctx, ids)
		for i, id := range ids {
			if err == nil && !held[i] {
				m.missing[id] = needed[id]
				m.wanted = append(m.wanted, id)
			}
		}
		ids = ids[:0]
		return err
	}
	for id := range needed {
		if ids = append(ids, id); len(ids) == moot.MaxMany {
			if err := check(); err != nil {
				return err
			}
		}
	}
	return check()
}

// fetchLists fetches the lists of frozen folders, and adds what they need.
func (m *mirror) fetchLists(ctx context.Context) {
	all := files.New(m.peers, nil, files.Options{Index: m.index, Log: m.log})
	for id, f := range m.lists {
		parts := map[moot.BlobID]int64{}
		for part, err := range all.Parts(ctx, f) {
			if err != nil {
				parts = nil
				break
			}
			if parts[part.ID] = part.Size; part.Size == 0 {
				parts[part.ID] = unknownSize
			}
		}
		if parts != nil && m.note(ctx, parts) == nil {
			delete(m.lists, id)
			delete(m.missing, id)
		}
	}
}

// Limits of what a mirror fetches at once.
const (
	mirrorAbreast = 4
	mirrorWindow  = 256     // small blobs
	mirrorBytes   = 4 << 20 // of small blobs stored at once
)

// unknownSize is the size of a blob of which only the ID is known.
const unknownSize = -1

// fetchWanted fetches blobs, small ones many at a time.
func (m *mirror) fetchWanted(ctx context.Context) {
	var small, large []moot.BlobID
	for _, id := range m.wanted {
		if size, missing := m.missing[id]; missing && size >= 0 && size <= moot.MaxSmall {
			small = append(small, id)
		} else if missing {
			large = append(large, id)
		}
	}
	var mu sync.Mutex
	var all []moot.BlobID
	got := func(ids ...moot.BlobID) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, ids...)
	}
	fetching, ctx := errgroup.WithContext(ctx)
	fetching.SetLimit(mirrorAbreast)
	for window := range slices.Chunk(small, mirrorWindow) {
		fetching.Go(func() error { return m.fetchWindow(ctx, window, got) })
	}
	for _, id := range large {
		size := m.missing[id]
		fetching.Go(func() error {
			if err := m.fetchOne(ctx, id, size); err == nil {
				got(id)
			} else if ctx.Err() == nil {
				m.log.Debug("no holder can be reached now", "blob", id, "error", err)
			}
			return ctx.Err()
		})
	}
	if err := fetching.Wait(); err != nil && ctx.Err() == nil {
		m.log.Warn("mirror", "error", err)
	}
	for _, id := range all {
		delete(m.missing, id)
	}
}

// fetchWindow brings small blobs to the local store; an error is one of that.
func (m *mirror) fetchWindow(ctx context.Context, ids []moot.BlobID, got func(...moot.BlobID)) error {
	var contents [][]byte
	size := 0
	put := func() error {
		if len(contents) == 0 {
			return nil
		}
		blobs, err := m.local.PutMany(ctx, contents)
		for _, b := range blobs {
			got(b.ID)
		}
		contents, size = nil, 0
		return err
	}
	for small, err := range m.peers.GetMany(ctx, ids) {
		if err != nil {
			m.log.Debug("no holder can be reached now", "blobs", len(ids), "error", err)
			break
		}
		if contents, size = append(contents, small.Data), size+len(small.Data); size >= mirrorBytes {
			if err := put(); err != nil {
				return err
			}
		}
	}
	return put()
}

// fetchOne brings a blob to the local store. One of another size than was stated is refused.
func (m *mirror) fetchOne(ctx context.Context, id moot.BlobID, size int64) error {
	rc, err := m.peers.Get(ctx, id, moot.Whole)
	if err != nil {
		return err
	}
	defer rc.Close()
	d := blob.NewDecoder(rc, id, moot.Whole)
	if n, err := d.Size(); err != nil || size != unknownSize && n != size {
		return firstError(err, moot.Errorf(moot.Corrupt, "blob %s has %d bytes, and not %d as was stated", id, n, size))
	}
	if _, err := io.Copy(io.Discard, d); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, rc) // to the end: by then it is held, durably
	return err
}

func firstError(errs ...error) error {
	for _, err := range errs {
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
