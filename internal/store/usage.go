package store

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"iter"
	"math/bits"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// Usage is what a store takes, in bytes but for Blobs.
type Usage struct {
	Blobs    int64 // that are wholly held
	Bytes    int64 // of them
	Partial  int64 // of downloads under way
	Database int64 // of entries
	Linked   int64 // of files shared in place: they lie elsewhere
}

// Usage counts what is stored, without reading blobs.
func (s *Store) Usage(ctx context.Context) (u Usage, err error) {
	if err := s.usable(ctx); err != nil {
		return u, moot.Wrap("usage", err)
	}
	u.Blobs, u.Bytes, err = s.small.usage(ctx)
	if err == nil {
		err = s.blobs.each(func(id moot.BlobID) bool {
			if f, ok := s.blobs.found(id); ok {
				u.Blobs, u.Bytes = u.Blobs+1, u.Bytes+f.Size
			}
			return ctx.Err() == nil
		})
	}
	if err == nil {
		u.Partial, err = s.blobs.downloaded()
	}
	if err == nil {
		err = s.reads.QueryRowContext(ctx, `SELECT (SELECT coalesce(sum(size), 0) FROM links WHERE broken = 0), page_count * page_size
			FROM pragma_page_count, pragma_page_size`).Scan(&u.Linked, &u.Database)
	}
	return u, sqlite.Error("usage", cmpErr(err, ctx.Err()))
}

// Sizes yields every blob that the store holds wholly, without opening it; one that is both
// a row and a file comes twice.
func (s *Store) Sizes(ctx context.Context) iter.Seq2[moot.Blob, error] {
	return func(yield func(moot.Blob, error) bool) {
		err := s.usable(ctx)
		more := err == nil
		if more {
			more, err = s.eachSmall(ctx, yield)
		}
		if err == nil && more {
			err = s.blobs.each(func(id moot.BlobID) bool {
				if f, ok := s.blobs.found(id); ok {
					more = yield(f.Blob, nil)
				}
				return more && ctx.Err() == nil
			})
		}
		if err = cmpErr(err, ctx.Err()); err != nil && more {
			yield(moot.Blob{}, durable.Error("sizes", err))
		}
	}
}

// usage counts the rows that are held.
func (s *smallBlobs) usage(ctx context.Context) (blobs, bytes int64, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(size), 0) FROM small WHERE doomed = 0`).Scan(&blobs, &bytes)
	return blobs, bytes, err
}

// downloaded returns how many bytes the downloads under way have, about.
func (b *blobs) downloaded() (sum int64, err error) {
	names, err := b.disk.list("part")
	for _, name := range names {
		if !strings.HasSuffix(name, ".have") {
			continue
		}
		n, err := b.downloadedOf("part/" + name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // completed a moment ago
			return sum, err
		}
		sum += n
	}
	return sum, err
}

// downloadedOf reads a list of groups; see haveFile.
func (b *blobs) downloadedOf(name string) (int64, error) {
	f, err := b.disk.open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	length, err := f.Size()
	if err != nil || length < 8 {
		return 0, err
	}
	list := make([]byte, length)
	if _, err := f.ReadAt(list, 0); err != nil {
		return 0, err
	}
	groups := 0
	for _, held := range list[8:] {
		groups += bits.OnesCount8(held)
	}
	return min(int64(binary.LittleEndian.Uint64(list)), int64(groups)*blob.GroupSize), nil
}
