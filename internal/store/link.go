package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// Link shares a file in place: it is hashed, and only its tree is stored. When it is
// served each group is compared with the tree, so that a file changed underneath
// is never served under its old ID. Kinds: NotFound, Invalid if it is no regular
// file, Unavailable if it changes while it is being hashed.
func (s *Store) Link(ctx context.Context, path string) (moot.Blob, error) {
	b, err := s.link(ctx, path)
	if err != nil {
		return moot.Blob{}, durable.Error("share "+path+" in place", err)
	}
	return b, nil
}

func (s *Store) link(ctx context.Context, path string) (b moot.Blob, err error) {
	if err := s.writable(ctx); err != nil {
		return b, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return b, err
	}
	f, before, err := openRegular(path)
	if err != nil {
		return b, err
	}
	defer f.Close()
	d := s.blobs.stage()
	defer d.discard()
	if b, err = d.fill(ctx, f, false); err != nil {
		return b, err
	}
	now, err := f.Stat()
	if err != nil {
		return b, err
	}
	if now.Size() != b.Size || !now.ModTime().Equal(before.ModTime()) {
		return b, moot.Errorf(moot.Unavailable, "the file was changed while it was read")
	}
	if err := d.commitTree(b.ID); err != nil {
		return b, err
	}
	_, err = s.write.Exec(`INSERT OR REPLACE INTO links (id, path, size, mtime) VALUES (?, ?, ?, ?)`,
		b.ID[:], path, b.Size, now.ModTime().UnixNano())
	return b, sqlite.Error("", err)
}

// openRegular opens a file to be shared. It looks before it opens: opening a pipe
// would wait for a writer.
func openRegular(path string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, moot.Errorf(moot.Invalid, "it is not a regular file")
	}
	f, err := os.Open(path)
	return f, info, err
}

// openLink opens a file shared in place that is still there and of the same size.
func (s *Store) openLink(id moot.BlobID) (*held, error) {
	rows, err := s.reads.Query(`SELECT path, size FROM links WHERE id = ? AND broken = 0`, id[:])
	if err != nil {
		return nil, sqlite.Error("", err)
	}
	defer rows.Close()
	for rows.Next() {
		var path string
		var size int64
		if err := rows.Scan(&path, &size); err != nil {
			return nil, sqlite.Error("", err)
		}
		if h, err := s.openLinked(moot.Blob{ID: id, Size: size}, path); err == nil {
			return h, nil
		}
	}
	return nil, cmpErr(sqlite.Error("", rows.Err()), moot.NotFound)
}

func (s *Store) openLinked(b moot.Blob, path string) (*held, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	tree, closeTree, err := s.blobs.openTree(b.ID, b.Size)
	if err != nil || info.Size() != b.Size {
		f.Close()
		return nil, cmpErr(err, moot.NotFound)
	}
	return &held{
		Blob: b, data: f, tree: tree,
		close:  func() { f.Close(); closeTree() },
		broken: func() { s.markBroken(b.ID, path) },
	}, nil
}

func (s *Store) markBroken(id moot.BlobID, path string) {
	s.log.Warn("a file shared in place has changed, and is no longer offered", "path", path, "blob", id)
	if _, err := s.write.Exec(`UPDATE links SET broken = 1 WHERE id = ? AND path = ?`, id[:], path); err != nil {
		s.log.Error("a changed file could not be marked", "path", path, "error", err)
	}
}

func (s *Store) unlink(id moot.BlobID) error {
	_, err := s.write.Exec(`DELETE FROM links WHERE id = ?`, id[:])
	return sqlite.Error("", err)
}

// eachLink yields links page by page. more is false if yield has ended the loop.
func (s *Store) eachLink(yield func(moot.Blob, error) bool) (more bool, err error) {
	var last moot.BlobID
	for {
		var id []byte
		var b moot.Blob
		err := s.reads.QueryRow(`SELECT id, size FROM links WHERE broken = 0 AND id > ?
			ORDER BY id LIMIT 1`, last[:]).Scan(&id, &b.Size)
		if errors.Is(err, sql.ErrNoRows) {
			return true, nil
		}
		if err != nil {
			return true, sqlite.Error("", err)
		}
		last, b.ID = moot.BlobID(id), moot.BlobID(id)
		if !yield(b, nil) {
			return false, nil
		}
	}
}
