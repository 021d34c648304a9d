package mta

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mootspace/moot/internal/sqlite"

	"github.com/mootspace/moot"
)

// task is due work: an attempt to deliver a message to a domain, or its bounce.
type task struct {
	message int64
	domain  string // "" for the smarthost
	bounce  bool
}

// due returns due tasks, longest waiting first, except for busy domains; if there are
// none, when the next is due, zero for never.
func (q *Queue) due(ctx context.Context, now time.Time, smarthost bool, busy []string) (tasks []task, next time.Time, err error) {
	names, err := json.Marshal(busy)
	if err != nil {
		return nil, next, err
	}
	rows, err := q.db.QueryContext(ctx, `
		SELECT message, CASE WHEN state = 2 OR ?1 THEN '' ELSE domain END AS target, state = 2 AS bounce, min(next) AS first
		FROM recipients WHERE next <= ?2 GROUP BY message, target, bounce
		HAVING bounce OR target NOT IN (SELECT value FROM json_each(?3)) ORDER BY first LIMIT ?4`,
		smarthost, now.UnixMilli(), string(names), maxTasks)
	if err != nil {
		return nil, next, err
	}
	defer rows.Close()
	for rows.Next() {
		var t task
		var first int64
		if err := rows.Scan(&t.message, &t.domain, &t.bounce, &first); err != nil {
			return nil, next, err
		}
		tasks = append(tasks, t)
	}
	if err := rows.Err(); err != nil {
		return nil, next, err
	}
	rows.Close()
	var ms sql.NullInt64
	err = q.db.QueryRowContext(ctx, `SELECT min(next) FROM recipients WHERE next > ?`, now.UnixMilli()).Scan(&ms)
	if ms.Valid {
		next = time.UnixMilli(ms.Int64)
	}
	return tasks, next, err
}

const (
	maxTasks = 1000
	maxBatch = 100 // recipients per attempt, which every server accepts (RFC 5321, 4.5.3.1.8)
)

// load returns the message with the task's recipients, at most maxBatch. Kind NotFound
// if none are left.
func (q *Queue) load(ctx context.Context, t task, now time.Time) (*queued, error) {
	m := &queued{id: t.message}
	var added int64
	err := q.db.QueryRowContext(ctx, `SELECT sender, added, size, utf8, head FROM messages WHERE id = ?`, t.message).
		Scan(&m.from, &added, &m.size, &m.utf8, &m.head)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, moot.Errorf(moot.NotFound, "message %d is delivered", t.message)
	}
	if err != nil {
		return nil, err
	}
	m.added = time.UnixMilli(added)
	rows, err := q.db.QueryContext(ctx, `
		SELECT address, domain, tries, state, answer, status, host FROM recipients
		WHERE message = ? AND (state = 2) = ? AND (? = '' OR domain = ?) AND next <= ? LIMIT ?`,
		t.message, t.bounce, t.domain, t.domain, now.UnixMilli(), maxBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r := &recipient{}
		if err := rows.Scan(&r.address, &r.domain, &r.attempts, &r.state, &r.text, &r.status, &r.host); err != nil {
			return nil, err
		}
		m.to = append(m.to, r)
	}
	if len(m.to) == 0 && rows.Err() == nil {
		return nil, moot.Errorf(moot.NotFound, "message %d has no such recipients", t.message)
	}
	return m, rows.Err()
}

// openText returns the message as it is transmitted.
func (q *Queue) openText(m *queued) (io.ReadCloser, error) {
	f, err := os.Open(q.path(m.id))
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(m.head), f), f}, nil
}

// save stores the state of recipients, and deletes those for which gone is true. A
// message without recipients is deleted.
func (q *Queue) save(ctx context.Context, m *queued, next func(*recipient) time.Time, gone func(*recipient) bool) error {
	finished := false
	err := q.change(ctx, func(tx *sql.Tx) error {
		for _, r := range m.to {
			if gone(r) {
				if _, err := tx.Exec(`DELETE FROM recipients WHERE message = ? AND address = ?`, m.id, r.address); err != nil {
					return err
				}
				continue
			}
			_, err := tx.Exec(`UPDATE recipients SET tries = ?, next = ?, state = ?, answer = ?, status = ?, host = ?
				WHERE message = ? AND address = ?`,
				r.attempts, next(r).UnixMilli(), r.state, r.text, r.status, r.host, m.id, r.address)
			if err != nil {
				return err
			}
		}
		res, err := tx.Exec(`DELETE FROM messages WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM recipients WHERE message = ?1)`, m.id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		finished = n > 0
		return err
	})
	if err == nil && finished {
		os.Remove(q.path(m.id)) // else removeOrphans does it
	}
	return sqlite.Error("save the mail queue", err)
}

// Pending returns the number of queued messages, and when the oldest was added.
func (q *Queue) Pending(ctx context.Context) (messages int, oldest time.Time, err error) {
	var added sql.NullInt64
	err = q.db.QueryRowContext(ctx, `SELECT count(*), min(added) FROM messages`).Scan(&messages, &added)
	if added.Valid {
		oldest = time.UnixMilli(added.Int64)
	}
	return messages, oldest, sqlite.Error("mail queue", err)
}
