// Package sqlite opens SQLite databases: durable, readable by their owner only, migrated
// to the newest schema, their errors with kinds. It must not know what they contain.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite" // registers itself as "sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

const (
	readers  = 8                // queries at once; more wait
	lockWait = 10 * time.Second // for a lock of another connection
)

// Open opens the database in a file, making it if there is none: one connection that
// writes, and several that only read.
func Open(path string) (write, read *sql.DB, err error) {
	if err := private(path); err != nil {
		return nil, nil, err
	}
	if write, err = sql.Open("sqlite", dsn(path, lockWait, "&_txlock=immediate")); err != nil {
		return nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if read, err = sql.Open("sqlite", dsn(path, lockWait, "&_pragma=query_only(1)")); err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return write, read, nil
}

// OpenExclusive opens the database in a file, making it if there is none, for this
// process alone: while it is open, others get an error of kind Unavailable.
func OpenExclusive(path string) (*sql.DB, error) {
	if err := private(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn(path, 0, "&_pragma=locking_mode(EXCLUSIVE)&_txlock=immediate"))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// OpenMemory opens a database in memory.
func OpenMemory() (*sql.DB, error) {
	db, err := sql.Open("sqlite", ":memory:?_pragma=foreign_keys(1)&_txlock=immediate")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// private makes the database file, readable by its owner only.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), durable.SyncFolder(filepath.Dir(path)))
}

// dsn names the database as an SQLite URI. fullfsync concerns macOS, where a plain
// fsync does not reach the disk.
func dsn(path string, wait time.Duration, more string) string {
	return fileURI(path) +
		fmt.Sprintf("?_pragma=busy_timeout(%d)", wait.Milliseconds()) + "&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)" + more
}

func fileURI(path string) string { return "file:" + (&url.URL{Path: path}).EscapedPath() }

// Migrate brings a database to the newest of the schemas in the folder "migrations" of
// files. Kind Invalid if a newer version of this program made it.
func Migrate(ctx context.Context, db *sql.DB, files fs.FS) error {
	files, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return moot.Errorf(moot.Invalid, "the database was made by a newer version of Moot (its schema is %d, this program knows %d)", has, knows)
	}
	_, err = provider.Up(ctx)
	return err
}

// Error gives an error of the database its kind. Error of nil is nil.
func Error(op string, err error) error {
	var e *driver.Error
	if !errors.As(err, &e) {
		return durable.Error(op, err)
	}
	code := e.Code() & 0xff
	if e.Code() == lib.SQLITE_IOERR_SHMSIZE { // the index of the WAL could not be made larger
		code = lib.SQLITE_FULL
	}
	switch code {
	case lib.SQLITE_FULL:
		return moot.Wrap(op, moot.Errorf(moot.Full, "no space is left for the database: %w", err))
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return moot.Wrap(op, moot.Errorf(moot.Unavailable, "the database is busy: %w", err))
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return moot.Wrap(op, moot.Errorf(moot.Corrupt, "the database is damaged: %w", err))
	}
	return moot.Wrap(op, moot.Errorf(moot.Internal, "%w", err))
}

// IsFault reports whether a write of the database failed in a way that leaves open what
// the disk holds.
func IsFault(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_IOERR && e.Code() != lib.SQLITE_IOERR_SHMSIZE
}
