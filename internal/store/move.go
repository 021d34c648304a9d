package store

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// Move renames the bytes of a whole blob to path, replacing what is there, and makes the
// blob one shared in place, so that they are written only once. moved is false if that
// cannot be done – the blob is not in the folder of blobs, or path is on another disk –
// and then nothing has changed.
func (s *Store) Move(ctx context.Context, id moot.BlobID, path string, mode os.FileMode, modified time.Time) (moved bool, err error) {
	if err := s.writable(ctx); err != nil {
		return false, moot.Wrap("move", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return false, durable.Error("move", err)
	}
	h, err := s.blobs.open(id)
	if moot.KindOf(err) == moot.NotFound {
		return false, nil
	} else if err != nil {
		return false, err
	}
	h.close()
	// The link comes first: until the rename the blob is found at its former path.
	if _, err := s.write.Exec(`INSERT OR REPLACE INTO links (id, path, size, mtime) VALUES (?, ?, ?, ?)`,
		id[:], path, h.Size, modified.UnixNano()); err != nil {
		return false, sqlite.Error("move", err)
	}
	if err := s.blobs.moveOut(id, path, mode, modified); err != nil {
		_, err = s.write.Exec(`DELETE FROM links WHERE id = ? AND path = ?`, id[:], path)
		return false, sqlite.Error("move", err)
	}
	return true, durable.Error("move", durable.SyncFolder(filepath.Dir(path)))
}

// Take renames the bytes of a whole blob to a path where nothing is, and leaves it to others
// to offer it from there; its tree stays. moved is false if that cannot be done. Kind Corrupt
// if the blob has another size than is stated.
func (s *Store) Take(ctx context.Context, b moot.Blob, path string, mode os.FileMode, modified time.Time) (moved bool, err error) {
	if err := s.writable(ctx); err != nil {
		return false, moot.Wrap("move", err)
	}
	h, err := s.blobs.open(b.ID)
	if err != nil {
		return false, nil //nolint:nilerr // it lies elsewhere, and is copied
	}
	h.close()
	if h.Size != b.Size {
		return false, moot.Errorf(moot.Corrupt, "it has %d bytes and not the %d that its author states", h.Size, b.Size)
	}
	return s.blobs.moveOut(b.ID, path, mode, modified) == nil, nil
}

// moveOut renames the bytes of a blob out of the disk; its tree stays.
func (b *blobs) moveOut(id moot.BlobID, path string, mode os.FileMode, modified time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.disk.moveOut(b.name(id), path, mode, modified)
}

// moveOut implements disk.
func (d directory) moveOut(name, path string, mode os.FileMode, modified time.Time) error {
	from := d.path(name)
	err := os.Chmod(from, mode)
	if err == nil && !modified.IsZero() {
		err = os.Chtimes(from, modified, modified)
	}
	if err == nil {
		err = os.Rename(from, path)
	}
	if err != nil {
		_ = os.Chmod(from, 0o600) // best effort: err is what is reported
	}
	return err
}
