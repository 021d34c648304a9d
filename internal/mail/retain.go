package mail

import (
	"context"
	"time"

	"github.com/mootspace/moot/internal/sqlite"
)

// Retention is how long unchanged messages stay in a folder. Zero: for ever.
type Retention struct {
	Trash, Junk time.Duration
	Mail        time.Duration // in all other folders but Drafts
}

// of returns the retention period of a folder.
func (r Retention) of(folder string) time.Duration {
	switch folder {
	case TrashFolder:
		return r.Trash
	case JunkFolder:
		return r.Junk
	case DraftsFolder:
		return 0
	}
	return r.Mail
}

// expireEvery is the interval of expiry in a running account.
const expireEvery = time.Hour

// expireBatch is how many messages one Change removes.
const expireBatch = 256

// Expire removes messages that arrived, or were last changed by the member, longer ago
// than the retention period of their folder. It returns how many.
func (acc *Account) Expire(ctx context.Context, r Retention) (removed int, err error) {
	folders, err := acc.index.folders(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range folders {
		maxAge := r.of(f.Name)
		if maxAge <= 0 {
			continue
		}
		for {
			stale, err := acc.index.stale(ctx, f.Name, acc.cfg.Now().Add(-maxAge))
			if err != nil {
				return removed, err
			}
			if len(stale) == 0 {
				break
			}
			if _, err := acc.Change(ctx, stale...); err != nil {
				return removed, err
			}
			removed += len(stale)
		}
	}
	return removed, nil
}

// stale returns changes that remove messages in a folder unchanged since a time.
func (a *accountIndex) stale(ctx context.Context, folder string, since time.Time) (list []Change, err error) {
	rows, err := a.read.QueryContext(ctx, `SELECT i.uid FROM items i JOIN folders f ON f.id = i.folder JOIN messages m ON m.id = i.message
		LEFT JOIN notes n ON n.account = m.account AND n.blob = m.blob
		WHERE f.account = ? AND f.name = ? AND max(m.arrived, coalesce(n.time >> 16, 0)) < ? LIMIT ?`, a.id, folder, since.UnixMilli(), expireBatch)
	if err != nil {
		return nil, sqlite.Error("index of messages", err)
	}
	defer rows.Close()
	for rows.Next() {
		c := Change{Folder: folder, Remove: true}
		if err := rows.Scan(&c.UID); err != nil {
			return nil, sqlite.Error("index of messages", err)
		}
		list = append(list, c)
	}
	return list, sqlite.Error("index of messages", rows.Err())
}
