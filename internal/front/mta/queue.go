package mta

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Queue keeps messages on their way out until each recipient has got them, or its
// sender has been told why not. It survives a power failure at any time.
type Queue struct {
	folder string
	sign   []Signature
	limit  QueueLimits
	db     *sql.DB
	news   chan struct{} // holds a value after something was added
}

// QueueLimits bound a Queue. Zero fields have the default.
type QueueLimits struct {
	Message    int64 // bytes of a message: 64 MiB
	Messages   int   // 10,000
	Recipients int   // of a message: 1000
}

// OpenQueue opens the queue in a folder, which only this process then has open, and
// makes it if there is none. Messages that are added are signed with all of sign.
// Kinds: Unavailable if another process has it open, Full, Corrupt.
func OpenQueue(ctx context.Context, folder string, limit QueueLimits, sign ...Signature) (*Queue, error) {
	q := &Queue{folder: folder, sign: sign, limit: limit.orDefault(), news: make(chan struct{}, 1)}
	if err := q.open(ctx); err != nil {
		q.Close()
		return nil, queueError("open the mail queue", err)
	}
	return q, nil
}

// Close closes the queue. Nobody may be using it.
func (q *Queue) Close() error {
	if q.db == nil {
		return nil
	}
	return queueError("close the mail queue", q.db.Close())
}

func (q *Queue) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(q.folder, 0o700); err != nil {
		return err
	}
	path := filepath.Join(q.folder, "queue.db")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // so that SQLite need not choose who may read it
	if err != nil {
		return err
	}
	f.Close()
	if q.db, err = sql.Open("sqlite", dsn(path)); err != nil {
		return err
	}
	q.db.SetMaxOpenConns(1)
	if err := migrate(ctx, q.db); err != nil {
		return err
	}
	if err := q.tidy(ctx); err != nil {
		return err
	}
	return errors.Join(durable.SyncFolder(q.folder), durable.SyncFolder(filepath.Dir(filepath.Clean(q.folder))))
}

// dsn names the database. As nobody else may use it, its lock is kept: two senders
// would send everything twice.
func dsn(path string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
		"&_pragma=foreign_keys(1)&_pragma=fullfsync(1)&_pragma=checkpoint_fullfsync(1)&_txlock=immediate"
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
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
		return moot.Errorf(moot.Invalid, "a newer version of Moot made it (its schema is %d, this program knows %d)", has, knows)
	}
	_, err = provider.Up(ctx)
	return err
}

// tidy removes files that a crash has left of messages that were not added, or that
// were finished.
func (q *Queue) tidy(ctx context.Context) error {
	files, err := os.ReadDir(q.folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".eml")
		if !ok {
			continue
		}
		var n int
		id, _ := strconv.ParseInt(name, 10, 64) // 0, which none has, for a message that was being written
		if err := q.db.QueryRowContext(ctx, `SELECT count(*) FROM messages WHERE id = ?`, id).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			if err := os.Remove(filepath.Join(q.folder, f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// path returns the file of a message.
func (q *Queue) path(id int64) string {
	return filepath.Join(q.folder, strconv.FormatInt(id, 10)+".eml")
}

// queueError gives an error of the disk or the database its kind.
func queueError(op string, err error) error {
	var known *moot.Error
	var e *sqlite.Error
	switch {
	case err == nil || errors.As(err, &known):
		return moot.Wrap(op, err)
	case errors.As(err, &e):
		return moot.Wrap(op, moot.Errorf(sqlKind(e.Code()&0xff), "%w", err))
	case durable.IsFull(err):
		return moot.Wrap(op, moot.Errorf(moot.Full, "no space is left on the disk: %w", err))
	}
	return moot.Wrap(op, err)
}

func sqlKind(code int) moot.ErrorKind {
	switch code {
	case lib.SQLITE_FULL:
		return moot.Full
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return moot.Unavailable
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return moot.Corrupt
	}
	return moot.Internal
}
