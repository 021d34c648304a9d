package blob

import (
	"bytes"
	"context"
	"io"
	"iter"

	"github.com/mootspace/moot"
)

// One is a node that is asked for one blob at a time.
type One interface {
	Source
	Put(ctx context.Context, r io.Reader) (moot.Blob, error)
}

// PutEach is PutMany for a node that stores one blob after another.
func PutEach(ctx context.Context, n One, contents [][]byte) ([]moot.Blob, error) {
	list := make([]moot.Blob, 0, len(contents))
	for _, content := range contents {
		b, err := n.Put(ctx, bytes.NewReader(content))
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, nil
}

// GetEach is GetMany for a node that is asked for one blob after another.
func GetEach(ctx context.Context, n Source, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		for _, id := range ids {
			data, err := getSmall(ctx, n, id)
			if moot.KindOf(err) == moot.NotFound || moot.KindOf(err) == moot.TooLarge {
				continue
			}
			if !yield(moot.Small{ID: id, Data: data}, err) || err != nil {
				return
			}
		}
	}
}

func getSmall(ctx context.Context, n Source, id moot.BlobID) ([]byte, error) {
	h, err := n.Have(ctx, id)
	if err != nil {
		return nil, err
	}
	if h.Size > moot.MaxSmall {
		return nil, moot.Errorf(moot.TooLarge, "blob %s has %d bytes", id, h.Size)
	}
	rc, err := n.Get(ctx, id, moot.Whole)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(io.LimitReader(NewDecoder(rc, id, moot.Whole), moot.MaxSmall+1))
}

// HaveEach is HaveMany for a node that is asked for one blob after another.
func HaveEach(ctx context.Context, n Source, ids []moot.BlobID) ([]bool, error) {
	list := make([]bool, len(ids))
	for i, id := range ids {
		h, err := n.Have(ctx, id)
		if err != nil && moot.KindOf(err) != moot.NotFound {
			return nil, err
		}
		list[i] = err == nil && h.Complete()
	}
	return list, nil
}

// IDOf returns the name of bytes that are in memory.
func IDOf(data []byte) moot.BlobID {
	h := NewHasher(nil)
	_, _ = h.Write(data) // fails only if a tree is written
	b, _ := h.Sum()
	return b.ID
}
