package store

import (
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// swaps refuses e, with kind Conflict, unless it replaces every version in force.
// A deletion, which queries leave out, conflicts only if it deletes what e is based on: a
// deleted name may be used again, but an edit must not restore it by accident.
func (b *commitBatch) swaps(e *prepared, name int64) (refused, err error) {
	rows, err := b.tx.Stmt(b.sql.heads).Query(name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, raw []byte
		var deletes bool
		if err := rows.Scan(&id, &deletes, &raw); err != nil {
			return nil, err
		}
		if slices.Contains(e.Replaces, moot.EntryID(id)) {
			continue
		}
		if deletes {
			if based, err := shareBase(raw, e); err != nil {
				return nil, err
			} else if !based {
				continue
			}
		}
		return moot.Errorf(moot.Conflict, "%s %q was changed by another member first", e.Kind, e.Key), nil
	}
	return nil, rows.Err()
}

// shareBase reports whether the entry in raw replaces something that e replaces.
func shareBase(raw []byte, e *prepared) (bool, error) {
	other, err := feed.Decode(raw)
	return slices.ContainsFunc(other.Replaces, func(id moot.EntryID) bool {
		return slices.Contains(e.Replaces, id)
	}), err
}
