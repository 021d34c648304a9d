package store

import (
	"database/sql"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// store stores one entry, or returns why it is refused. err is one of the database.
func (b *commitBatch) store(e *prepared, mode moot.Mode) (refused, err error) {
	same, stripped, other, err := b.holds(e)
	switch {
	case err != nil:
		return nil, err
	case same && stripped && e.Body != nil:
		_, err = b.exec(b.sql.fill, e.raw, e.ID[:])
		return nil, err
	case same:
		return nil, nil
	}
	if b.gate != nil {
		if err := b.gate.Admit(e.Entry); err != nil {
			return err, nil
		}
	}
	if other {
		return b.fork(e)
	}
	if refused, err := b.follows(e); refused != nil || err != nil {
		return refused, err
	}
	name, known, err := b.nameOf(e)
	if err != nil {
		return nil, err
	}
	if mode == moot.Swap && known {
		if refused, err := b.swaps(e, name); refused != nil || err != nil {
			return refused, err
		}
	}
	if err := b.insert(e, name, known); err != nil {
		return nil, err
	}
	b.stored = append(b.stored, e.Entry)
	b.gated = b.gated || gates(e.Kind)
	b.full = len(b.stored) >= maxBatch || b.gated
	return nil, nil
}

// holds looks for an entry with e's author and number: the same one, perhaps
// without its body, or another.
func (b *commitBatch) holds(e *prepared) (same, stripped, other bool, err error) {
	var id []byte
	err = b.row(b.sql.held, e.Author[:], int64(e.Seq)).Scan(&id, &stripped)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, false, nil
	}
	same = string(id) == string(e.ID[:])
	return same, stripped, !same, err
}

// follows checks that e continues its author's feed.
func (b *commitBatch) follows(e *prepared) (refused, err error) {
	var prev *moot.Entry
	var raw []byte
	err = b.row(b.sql.raw, e.Author[:], int64(e.Seq)-1).Scan(&raw)
	if err == nil {
		p, err := feed.Decode(raw)
		if err != nil {
			return nil, err
		}
		prev = &p
	} else if !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	return feed.Follows(prev, &e.Entry), nil
}

// nameOf returns the row of e's kind and key, if there is one.
func (b *commitBatch) nameOf(e *prepared) (name int64, known bool, err error) {
	err = b.row(b.sql.name, string(e.Kind), e.Key).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return name, err == nil, err
}

// insert writes e, what it replaces, and whether it is replaced.
func (b *commitBatch) insert(e *prepared, name int64, known bool) error {
	if !known {
		res, err := b.exec(b.sql.newName, string(e.Kind), e.Key)
		if err != nil {
			return err
		}
		if name, err = res.LastInsertId(); err != nil {
			return err
		}
		if _, err := b.exec(b.sql.newWords, name, e.Key); err != nil {
			return err
		}
	}
	late, err := b.exec(b.sql.arrived, e.ID[:], name)
	if err != nil {
		return err
	}
	superseded, err := late.RowsAffected()
	if err != nil {
		return err
	}
	if err := b.supersede(e, name); err != nil {
		return err
	}
	_, err = b.exec(b.sql.insert, e.ID[:], e.Author[:], int64(e.Seq), int64(e.Time), name,
		e.Deletes(), superseded > 0, e.Body == nil && e.BodySize > 0, e.raw)
	if err == nil {
		_, err = b.exec(b.sql.grow, e.Author[:], int64(e.Seq))
	}
	return err
}

// supersede marks what e replaces; a version that has not arrived is marked on arrival.
func (b *commitBatch) supersede(e *prepared, name int64) error {
	for _, old := range e.Replaces {
		res, err := b.exec(b.sql.supersede, old[:], name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n > 0 {
			continue
		}
		if _, err := b.exec(b.sql.await, old[:], name); err != nil {
			return err
		}
	}
	return nil
}
