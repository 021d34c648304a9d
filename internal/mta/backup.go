package mta

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/mootspace/moot/internal/sqlite"
)

// Backup writes a consistent copy of the queue to a folder, which it makes. Messages that
// are finished meanwhile are not in it.
func (q *Queue) Backup(ctx context.Context, folder string) error {
	return sqlite.Error("back up the mail queue", q.backup(ctx, folder))
}

func (q *Queue) backup(ctx context.Context, folder string) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	path := filepath.Join(folder, databaseFile)
	if err := sqlite.Copy(ctx, q.db, path); err != nil {
		return err
	}
	db, err := sqlite.OpenExclusive(path)
	if err != nil {
		return err
	}
	return errors.Join(q.copyTexts(ctx, db, folder), db.Close())
}

// copyTexts copies the messages that a copied database names, and drops the rows of those
// that are gone: they were delivered.
func (q *Queue) copyTexts(ctx context.Context, db *sql.DB, folder string) error {
	ids, err := messageIDs(ctx, db)
	for _, id := range ids {
		if err == nil {
			err = copyFile(q.path(id), filepath.Join(folder, textFile(id)))
		}
		if errors.Is(err, fs.ErrNotExist) {
			_, err = db.ExecContext(ctx, `DELETE FROM messages WHERE id = ?`, id)
		}
	}
	return err
}

func messageIDs(ctx context.Context, db *sql.DB) (ids []int64, err error) {
	rows, err := db.QueryContext(ctx, `SELECT id FROM messages`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

const databaseFile = "queue.db"

// textFile is the name of a message in the folder of the queue.
func textFile(id int64) string { return strconv.FormatInt(id, 10) + ".eml" }
