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

// Queue stores outbound messages durably until each recipient has got them, or the
// sender has got a bounce.
type Queue struct {
	folder string
	sign   []Signature
	limit  QueueLimits
	db     *sql.DB
	added  chan struct{} // signals an added message
}

// QueueLimits bound a Queue. Zero fields have the default.
type QueueLimits struct {
	Message    int64 // bytes of a message: 64 MiB
	Messages   int   // 10,000
	Recipients int   // of a message: 1000
}

// OpenQueue opens the queue in a folder for this process alone, and creates it if it
// does not exist. Messages are signed with all of sign when they are added. Kinds:
// Unavailable if another process has it open, Full, Corrupt.
func OpenQueue(ctx context.Context, folder string, limit QueueLimits, sign ...Signature) (*Queue, error) {
	q := &Queue{folder: folder, sign: sign, limit: limit.orDefault(), added: make(chan struct{}, 1)}
	if err := q.open(ctx); err != nil {
		_ = q.Close() // err is what is reported
		return nil, sqlite.Error("open the mail queue", err)
	}
	return q, nil
}

// Close closes the queue, which must not be in use.
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
	path := filepath.Join(q.folder, databaseFile)
	if q.db, err = sqlite.OpenExclusive(path); err != nil {
		return err
	}
	if err := sqlite.Migrate(ctx, q.db, migrations); err != nil {
		return err
	}
	if err := q.removeOrphans(ctx); err != nil {
		return err
	}
	return errors.Join(durable.SyncFolder(q.folder), durable.SyncFolder(filepath.Dir(filepath.Clean(q.folder))))
}

// removeOrphans removes files that a crash left without a row: of messages being added,
// or finished.
func (q *Queue) removeOrphans(ctx context.Context) error {
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
		id, _ := strconv.ParseInt(name, 10, 64) // 0, which no message has, for a staging file
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

// path returns the file name of a message.
func (q *Queue) path(id int64) string {
	return filepath.Join(q.folder, textFile(id))
}
