package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Copy writes a consistent, durable copy of a database that is in use to a new file, page by
// page: what has not changed since an earlier copy lies where it did in that one. Kind
// Conflict if there is a file of that name.
func Copy(ctx context.Context, db *sql.DB, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return moot.Errorf(moot.Conflict, "there is a file %s already", path)
	}
	tmp := path + ".partial"
	err := copyPages(ctx, db, tmp)
	if err == nil {
		err = syncFile(tmp)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(Error("copy the database", err), discard(tmp))
	}
	return durable.SyncFolder(filepath.Dir(path))
}

func discard(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyPages copies all pages in one step, and so in one transaction
// (sqlite.org/c3ref/backup_finish.html).
func copyPages(ctx context.Context, db *sql.DB, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600) // for its owner only
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		from, ok := c.(interface {
			NewBackup(uri string) (*driver.Backup, error)
		})
		if !ok {
			return moot.Errorf(moot.Internal, "the driver copies no databases")
		}
		pages, err := from.NewBackup(fileURI(path))
		if err != nil {
			return err
		}
		_, err = pages.Step(-1)
		return errors.Join(err, pages.Finish())
	})
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
