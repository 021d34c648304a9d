package store

import (
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// copySize is how many bytes are hashed and written at once.
const copySize = 256 << 10

// Put implements [moot.Blobs]. A small blob becomes a row, which costs one flush and no file.
func (s *Store) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	if err := s.writable(ctx); err != nil {
		return moot.Blob{}, moot.Wrap("put", err)
	}
	head := make([]byte, moot.MaxSmall+1)
	n, err := io.ReadFull(r, head)
	switch {
	case ctx.Err() != nil:
		return moot.Blob{}, moot.Wrap("put", ctx.Err())
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return s.putSmall(head[:n])
	case err != nil:
		return moot.Blob{}, moot.Wrap("put", unreadable(err))
	}
	d := s.blobs.stage()
	defer d.discard()
	b, err := d.fill(ctx, io.MultiReader(bytes.NewReader(head), r), true)
	if err == nil {
		err = d.commit(b.ID)
	}
	if err != nil {
		return moot.Blob{}, durable.Error("put", err)
	}
	return b, nil
}

// fill hashes r; the bytes are written only with withData.
func (d *staging) fill(ctx context.Context, r io.Reader, withData bool) (moot.Blob, error) {
	h := blob.NewHasher(d.tree)
	buf := make([]byte, copySize)
	for {
		if err := ctx.Err(); err != nil {
			return moot.Blob{}, err
		}
		n, end := io.ReadFull(r, buf)
		if _, err := h.Write(buf[:n]); err != nil {
			return moot.Blob{}, err
		}
		if withData && n > 0 {
			if _, err := d.data.Write(buf[:n]); err != nil {
				return moot.Blob{}, err
			}
		}
		if end == io.EOF || end == io.ErrUnexpectedEOF {
			return h.Sum()
		}
		if end != nil {
			return moot.Blob{}, unreadable(end)
		}
	}
}

// unreadable gives an error of a source its kind: it is none of the store.
func unreadable(err error) error {
	if moot.KindOf(err) != moot.Internal {
		return err
	}
	return moot.Errorf(moot.Unavailable, "the bytes to be stored could not be read: %w", err)
}

// Drop removes a blob: its bytes, and its links, but not the files they lead to. A
// blob that is not held is no error.
func (s *Store) Drop(ctx context.Context, id moot.BlobID) error {
	if err := s.writable(ctx); err != nil {
		return moot.Wrap("drop", err)
	}
	if err := s.unlink(id); err != nil {
		return moot.Wrap("drop", err)
	}
	if err := s.small.drop(id); err != nil {
		return sqlite.Error("drop", err)
	}
	if err := s.dropPart(id); err != nil {
		return durable.Error("drop", err)
	}
	return durable.Error("drop", s.blobs.drop(id))
}

// dropPart removes what was downloaded of a blob, unless the download is open.
func (s *Store) dropPart(id moot.BlobID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parts[id] != nil {
		return nil
	}
	return (&part{Blob: moot.Blob{ID: id}, store: s}).forget()
}

// Blobs yields every blob that is wholly held, those shared in place after the others;
// one that is both comes twice.
func (s *Store) Blobs(ctx context.Context) iter.Seq2[moot.Blob, error] {
	return func(yield func(moot.Blob, error) bool) {
		more, err := true, s.usable(ctx)
		if err == nil {
			err = s.blobs.each(func(id moot.BlobID) bool {
				h, err := s.blobs.open(id)
				if err != nil { // dropped or quarantined a moment ago
					return true
				}
				h.close()
				more = ctx.Err() == nil && yield(h.Blob, nil)
				return more
			})
		}
		if err == nil && more {
			more, err = s.eachSmall(ctx, yield)
		}
		if err == nil && more {
			more, err = s.eachLink(yield)
		}
		if err == nil && more {
			err = ctx.Err()
		}
		if err != nil && more {
			yield(moot.Blob{}, durable.Error("blobs", err))
		}
	}
}

// eachSmall yields the small blobs. more is false if yield has ended the loop.
func (s *Store) eachSmall(ctx context.Context, yield func(moot.Blob, error) bool) (more bool, err error) {
	for f, err := range s.small.each() {
		if err != nil {
			return true, err
		}
		if ctx.Err() != nil || !yield(f.Blob, nil) {
			return false, nil
		}
	}
	return true, nil
}
