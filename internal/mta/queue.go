package mta

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mootspace/moot/internal/sqlite"

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
		return nil, sqlite.Error("open the mail queue", err)
	}
	return q, nil
}

// Close closes the queue. Nobody may be using it.
func (q *Queue) Close() error {
	if q.db == nil {
		return nil
	}
	return sqlite.Error("close the mail queue", q.db.Close())
}

func (q *Queue) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(q.folder, 0o700); err != nil {
		return err
	}
	path := filepath.Join(q.folder, "queue.db")
	if q.db, err = sqlite.OpenExclusive(path); err != nil {
		return err
	}
	if err := sqlite.Migrate(ctx, q.db, migrations); err != nil {
		return err
	}
	if err := q.tidy(ctx); err != nil {
		return err
	}
	return errors.Join(durable.SyncFolder(q.folder), durable.SyncFolder(filepath.Dir(filepath.Clean(q.folder))))
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
