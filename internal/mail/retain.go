package mail

import (
	"context"
	"time"

	"github.com/mootspace/moot/internal/sqlite"
)

// Retention is how long messages are kept that nobody has touched. Zero means for ever.
type Retention struct {
	Trash, Junk time.Duration
	Mail        time.Duration // in all other folders but Drafts
}

// of returns how long a folder keeps messages.
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

// expireEvery is how often a running mailbox looks for messages that were kept long
// enough.
const expireEvery = time.Hour

// expired is how many messages are removed at once.
const expired = 256

// Expire removes what was kept long enough: since it came, or since the member last did
// something with it, as throwing it away. It returns how many messages that were.
func (b *Box) Expire(ctx context.Context, r Retention) (removed int, err error) {
	folders, err := b.acct.folders(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range folders {
		keep := r.of(f.Name)
		if keep <= 0 {
			continue
		}
		for {
			stale, err := b.acct.stale(ctx, f.Name, b.cfg.Now().Add(-keep))
			if err != nil {
				return removed, err
			}
			if len(stale) == 0 {
				break
			}
			if _, err := b.Change(ctx, stale...); err != nil {
				return removed, err
			}
			removed += len(stale)
		}
	}
	return removed, nil
}

// stale returns the removal of messages in a folder that were not touched since.
func (a *account) stale(ctx context.Context, folder string, since time.Time) (list []Change, err error) {
	rows, err := a.read.QueryContext(ctx, `SELECT i.uid FROM items i JOIN folders f ON f.id = i.folder JOIN messages m ON m.id = i.message
		LEFT JOIN notes n ON n.account = m.account AND n.blob = m.blob
		WHERE f.account = ? AND f.name = ? AND max(m.arrived, coalesce(n.time >> 16, 0)) < ? LIMIT ?`, a.id, folder, since.UnixMilli(), expired)
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
