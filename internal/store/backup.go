package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// Backup writes a consistent, durable copy of the entries to a new SQLite file, while
// the store is in use. Blobs are not part of it: large ones are files that never change, small
// ones are read by [Store.GetMany]. Kind Conflict if there is a file of that name.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.usable(ctx); err != nil {
		return moot.Wrap("backup", err)
	}
	if _, err := os.Lstat(path); err == nil {
		return moot.Errorf(moot.Conflict, "backup: there is a file %s already", path)
	}
	tmp := path + ".partial"
	err := s.vacuumInto(tmp)
	if err == nil {
		err = syncFile(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return sqlite.Error("backup", err)
	}
	return durable.Error("backup", durable.SyncFolder(filepath.Dir(path)))
}

// vacuumInto makes the file itself, so that only its owner may read it.
func (s *Store) vacuumInto(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if s.read == nil {
		_, err = s.write.Exec(`VACUUM INTO ?`, path)
		return err
	}
	db, err := sqlite.Another(s.path) // a connection of its own: the writer does not wait
	if err != nil {
		return err
	}
	_, err = db.Exec(`VACUUM INTO ?`, path)
	return errors.Join(err, db.Close())
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
