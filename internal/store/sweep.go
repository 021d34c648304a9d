package store

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// sweepParts removes what was downloaded of blobs by nobody any more.
func (s *Store) sweepParts(limit time.Time, dry bool, c *Collected) error {
	names, err := s.blobs.disk.list("part")
	if err != nil {
		return err
	}
	given := map[moot.BlobID]bool{}
	for _, name := range names {
		hex, _, _ := strings.Cut(name, ".")
		if id, err := moot.ParseBlobID(hex); err == nil && !given[id] {
			given[id] = true
			if err := s.sweepPart(id, limit, dry, c); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) sweepPart(id moot.BlobID, limit time.Time, dry bool, c *Collected) error {
	s.mu.Lock() // nobody begins to use it
	defer s.mu.Unlock()
	if s.parts[id] != nil {
		return nil
	}
	for _, ext := range []string{".data", ".have"} {
		used, err := s.blobs.disk.used(partName(id, ext))
		if err == nil && used.After(limit) {
			return nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	c.Parts, c.PartBytes = c.Parts+1, c.PartBytes+s.blobs.partBytes(id)
	if dry {
		return nil
	}
	return (&part{Blob: moot.Blob{ID: id}, store: s}).forget()
}

// partBytes returns about how much was downloaded of a blob.
func (b *blobs) partBytes(id moot.BlobID) int64 {
	data, err := b.disk.open(partName(id, ".data"))
	if err != nil {
		return 0
	}
	defer data.Close()
	list, err := b.disk.open(partName(id, ".have"))
	if err != nil {
		return 0
	}
	defer list.Close()
	size, err := data.Size()
	if err != nil {
		return 0
	}
	groups, err := (&haveFile{file: list}).load(size)
	if err != nil {
		return 0
	}
	return min(size, int64(len(groups))*blob.GroupSize)
}

// sweepTrees removes trees without bytes that neither a link nor a file elsewhere needs.
func (s *Store) sweepTrees(ctx context.Context, o CollectOptions, limit time.Time) error {
	shards, err := s.blobs.disk.list("all")
	if err != nil {
		return err
	}
	for _, shard := range shards {
		names, err := s.blobs.disk.list("all/" + shard)
		if err != nil {
			return err
		}
		for _, name := range names {
			hex, isTree := strings.CutSuffix(name, treeOf(""))
			if !isTree || slices.Contains(names, hex) {
				continue
			}
			id, err := moot.ParseBlobID(hex)
			if err == nil {
				err = s.sweepTree(o, id, limit)
			} else {
				err = nil // none of ours
			}
			if err = cmpErr(err, ctx.Err()); err != nil {
				return err
			}
		}
	}
	return nil
}

// sweepTree removes a tree, unless it is needed. One that is younger than limit stays:
// what needs it may be about to be written down.
func (s *Store) sweepTree(o CollectOptions, id moot.BlobID, limit time.Time) error {
	var links int
	if err := s.reads.QueryRow(`SELECT count(*) FROM links WHERE id = ?`, id[:]).Scan(&links); err != nil || links > 0 {
		return err
	}
	if o.Elsewhere != nil && o.Elsewhere(id) {
		return nil
	}
	if f, _, _ := s.placed(id); f != nil {
		return f.Close()
	}
	return s.blobs.sweepTree(id, limit)
}

func (b *blobs) sweepTree(id moot.BlobID, limit time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	tree := treeOf(b.name(id))
	used, err := b.disk.used(tree)
	if errors.Is(err, fs.ErrNotExist) || err == nil && used.After(limit) {
		return nil
	} else if err != nil {
		return err
	}
	if _, err := b.disk.used(b.name(id)); !errors.Is(err, fs.ErrNotExist) {
		return err // put anew
	}
	return b.disk.remove(tree)
}
