package store

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// Backup writes a consistent, durable copy of the entries to a new SQLite file, while
// the store is in use. Blobs are not part of it: they are read one by one. Kind Conflict if
// there is a file of that name.
func (s *Store) Backup(ctx context.Context, path string) error {
	err := s.usable(ctx)
	if err == nil {
		db := s.read
		if db == nil {
			db = s.write
		}
		err = sqlite.Copy(ctx, db, path)
	}
	return moot.Wrap("backup", err)
}

// HoldCollection has nothing collected until release is called: what an entry names when it
// is copied can be read as long. It waits for a collection that is under way.
func (s *Store) HoldCollection() (release func()) {
	s.collecting.RLock()
	return s.collecting.RUnlock
}
