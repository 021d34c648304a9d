package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"iter"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/sqlite"
)

// openSmall opens a small blob.
func (s *Store) openSmall(id moot.BlobID) (*held, error) {
	data, err := s.small.get(id)
	if err != nil {
		return nil, sqlite.Error("blob "+id.String(), err)
	}
	if data == nil {
		return nil, moot.NotFound
	}
	return &held{
		Blob: moot.Blob{ID: id, Size: int64(len(data))}, data: bytes.NewReader(data), tree: treeIn(data), close: func() {},
		broken: func() { s.quarantineSmall(id) },
	}, nil
}

// treeIn returns the tree of a blob that is in memory.
func treeIn(data []byte) *bytes.Reader {
	var tree bytes.Buffer
	if len(data) > blob.GroupSize {
		h := blob.NewHasher(&tree)
		_, _ = h.Write(data) // neither fails in memory
		_, _ = h.Sum()
	}
	return bytes.NewReader(tree.Bytes())
}

// quarantineSmall has a row that no longer matches its name not held any more; a copy is
// set aside. It is verified once more: the blob may have been put anew meanwhile.
func (s *Store) quarantineSmall(id moot.BlobID) {
	var bad []byte
	err := s.small.submit(func(tx *sql.Tx) error {
		bad = nil
		err := tx.QueryRow(`SELECT data FROM small JOIN content USING (n) WHERE id = ?`, id[:]).Scan(&bad)
		if errors.Is(err, sql.ErrNoRows) || err == nil && blob.IDOf(bad) == id {
			return nil
		}
		if err == nil {
			err = s.blobs.setAside(id, bad)
		}
		if err == nil {
			_, err = tx.Exec(`DELETE FROM small WHERE id = ?`, id[:])
		}
		return err
	})
	if err != nil {
		s.log.Error("a damaged blob could not be set aside", "blob", id, "error", err)
	}
}

// PutMany implements moot.Blobs.
func (s *Store) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	if err := s.writable(ctx); err != nil {
		return nil, moot.Wrap("put", err)
	}
	if len(contents) > moot.MaxMany {
		return nil, moot.Errorf(moot.TooLarge, "put: %d blobs are more than the %d of one call", len(contents), moot.MaxMany)
	}
	names, list := make([]moot.Blob, len(contents)), make([]moot.Small, len(contents))
	for i, data := range contents {
		if len(data) > moot.MaxSmall {
			return nil, moot.Errorf(moot.TooLarge, "put: a blob of %d bytes is too large to be stored with others", len(data))
		}
		list[i] = moot.Small{ID: blob.IDOf(data), Data: data}
		names[i] = moot.Blob{ID: list[i].ID, Size: int64(len(data))}
	}
	if err := s.small.put(list); err != nil {
		return nil, sqlite.Error("put", err)
	}
	return names, nil
}

func (s *Store) putSmall(data []byte) (moot.Blob, error) {
	b := moot.Blob{ID: blob.IDOf(data), Size: int64(len(data))}
	if err := s.small.put([]moot.Small{{ID: b.ID, Data: data}}); err != nil {
		return moot.Blob{}, sqlite.Error("put", err)
	}
	return b, nil
}

// GetMany implements moot.Blobs.
func (s *Store) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		if len(ids) > moot.MaxMany {
			yield(moot.Small{}, moot.Errorf(moot.TooLarge, "get: %d blobs are more than the %d of one call", len(ids), moot.MaxMany))
			return
		}
		for _, id := range ids {
			if err := s.usable(ctx); err != nil {
				yield(moot.Small{}, moot.Wrap("get", err))
				return
			}
			if data := s.getOne(ctx, id); data != nil && !yield(moot.Small{ID: id, Data: data}, nil) {
				return
			}
		}
	}
}

// getOne returns a small blob, verified; nil if it is not held.
func (s *Store) getOne(ctx context.Context, id moot.BlobID) []byte {
	data, err := s.small.get(id)
	switch {
	case err != nil:
		s.log.Error("a small blob could not be read", "blob", id, "error", err)
	case data != nil && blob.IDOf(data) == id:
		return data
	case data != nil:
		s.quarantineSmall(id)
	}
	if data := s.getPlaced(id); data != nil {
		return data
	}
	for one, err := range blob.GetEach(ctx, s, []moot.BlobID{id}) {
		if err == nil {
			return one.Data
		}
	}
	return nil
}

// HaveMany implements moot.Blobs.
func (s *Store) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	if err := s.usable(ctx); err != nil {
		return nil, moot.Wrap("have", err)
	}
	if len(ids) > moot.MaxMany {
		return nil, moot.Errorf(moot.TooLarge, "have: %d blobs are more than the %d of one call", len(ids), moot.MaxMany)
	}
	small, err := s.small.has(ids)
	if err != nil {
		return nil, sqlite.Error("have", err)
	}
	list := make([]bool, len(ids))
	for i, id := range ids {
		if list[i] = small[id]; list[i] {
			continue
		}
		s.blobs.touch(id, s.now()) // before it is looked for, so that it is not doomed in between
		h, err := s.Have(ctx, id)
		list[i] = err == nil && h.Complete()
	}
	return list, nil
}
