package backup

import (
	"context"
	"errors"
	"os"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Verify reads every byte that a list names. The error names each part that is damaged
// or missing; kind Corrupt.
func Verify(ctx context.Context, dir string, l List) error {
	var all error
	check := func(path string, want moot.Blob) {
		if ctx.Err() == nil {
			all = errors.Join(all, moot.Wrap(path, checkFile(path, want)))
		}
	}
	for _, f := range l.Files {
		check(filePath(dir, f.ID), f.Blob)
	}
	for _, b := range l.Packs {
		check(packPath(dir, b.ID), b)
	}
	for _, b := range l.Blobs {
		check(blobPath(dir, b.ID), b)
	}
	if all == nil {
		return ctx.Err()
	}
	return moot.Errorf(moot.Corrupt, "the backup is damaged: %w", all)
}

func checkFile(path string, want moot.Blob) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	got, err := blob.Hash(f)
	if err = errors.Join(err, f.Close()); err == nil && got != want {
		err = moot.Errorf(moot.Corrupt, "the bytes are not those that were written")
	}
	return err
}
