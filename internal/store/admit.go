package store

import (
	"database/sql"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// maxBranches bounds the branches of one feed, so that a device that forks without end
// cannot make others keep it all.
const maxBranches = 64

// store stores one entry, or returns why it is refused. err is one of the database.
func (b *commitBatch) store(e *prepared, mode moot.Mode) (refused, err error) {
	same, stripped, err := b.holds(e)
	switch {
	case err != nil:
		return nil, err
	case same && stripped && e.Body != nil:
		_, err = b.exec(b.sql.fill, e.raw, e.ID[:])
		return nil, err
	case same:
		return nil, nil
	}
	for _, check := range []func(*prepared) (refused, err error){b.locate, b.closed, b.admit} {
		if refused, err := check(e); refused != nil || err != nil {
			return refused, err
		}
	}
	name, known, err := b.nameOf(e)
	if err != nil {
		return nil, err
	}
	if mode == moot.Swap && known && e.Kind != moot.KindAct {
		if refused, err := b.swaps(e, name); refused != nil || err != nil {
			return refused, err
		}
	}
	if err := b.insert(e, name, known); err != nil {
		return nil, err
	}
	b.stored = append(b.stored, e)
	b.full = len(b.stored) >= maxBatch || gates(e)
	return nil, nil
}

// holds looks for e, perhaps without its body.
func (b *commitBatch) holds(e *prepared) (same, stripped bool, err error) {
	err = b.row(b.sql.held, e.ID[:]).Scan(&stripped)
	if errors.Is(err, sql.ErrNoRows) {
		return false, false, nil
	}
	return true, stripped, err
}

// locate finds where e stands in its author's feed: after an entry that is held, on the
// branch that this one ends, or on a new one.
func (b *commitBatch) locate(e *prepared) (refused, err error) {
	e.at = moot.Position{Seq: e.Seq}
	if e.Seq == 1 {
		return b.locateFirst(e)
	}
	var branch int
	var end uint64
	var raw []byte
	err = b.row(b.sql.prev, e.Prev[:]).Scan(&branch, &end, &raw)
	if errors.Is(err, sql.ErrNoRows) {
		return moot.Errorf(moot.Gap, "what comes before entry %d of %s is not held", e.Seq, e.Author.Short()), nil
	} else if err != nil {
		return nil, err
	}
	prev, err := feed.Decode(raw)
	if err != nil {
		return nil, err
	}
	if e.Seq != prev.Seq+1 {
		return moot.Errorf(moot.Invalid, "entry %d of %s names entry %d as its predecessor", e.Seq, e.Author.Short(), prev.Seq), nil
	}
	if refused := feed.Follows(&prev, &e.Entry); refused != nil {
		return refused, nil
	}
	if prev.Seq == end {
		e.at.Branch = branch
		return nil, nil
	}
	return b.fork(e, moot.Position{Branch: branch, Seq: prev.Seq})
}

func (b *commitBatch) locateFirst(e *prepared) (refused, err error) {
	var branches int
	err = b.row(b.sql.branches, e.Author[:]).Scan(&branches)
	if err != nil || branches == 0 {
		return nil, err
	}
	return b.fork(e, moot.Position{})
}

// closed checks that what e cites is held, so that what is held always contains the past
// of each of its entries. The bodies of acts are part of that past.
func (b *commitBatch) closed(e *prepared) (refused, err error) {
	if aboutMembership(e.Kind) && e.Body == nil && e.BodySize > 0 {
		return moot.Errorf(moot.Gap, "entry %d of %s came without its body", e.Seq, e.Author.Short()), nil
	}
	for _, id := range e.Cites {
		if _, _, ok := b.held(id); !ok {
			return moot.Errorf(moot.Gap, "an act that entry %d of %s cites is not held", e.Seq, e.Author.Short()), b.heldErr
		}
	}
	return nil, nil
}

// admit asks the gate.
func (b *commitBatch) admit(e *prepared) (refused, err error) {
	if b.gate == nil {
		return nil, nil
	}
	refused = b.gate.Admit(&e.Entry, e.at, e.begins, b.held)
	return refused, b.heldErr
}

// nameOf returns the row of e's kind and key, if there is one.
func (b *commitBatch) nameOf(e *prepared) (name int64, known bool, err error) {
	err = b.row(b.sql.name, string(e.Kind), e.Key).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return name, err == nil, err
}

// insert writes e, what it replaces if it counts, and whether it is replaced.
func (b *commitBatch) insert(e *prepared, name int64, known bool) error {
	if !known {
		res, err := b.exec(b.sql.newName, string(e.Kind), e.Key)
		if err != nil {
			return err
		}
		if name, err = res.LastInsertId(); err != nil {
			return err
		}
		if e.Kind != moot.KindChange { // its key is no name
			if _, err := b.exec(b.sql.newWords, name, e.Key); err != nil {
				return err
			}
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
	hidden := b.gate != nil && e.Kind != moot.KindAct && !b.gate.Counts(e.Author, e.Kind, e.at)
	if !hidden {
		if err := b.supersede(e, name); err != nil {
			return err
		}
	}
	res, err := b.exec(b.sql.insert, e.ID[:], e.Author[:], e.at.Branch, int64(e.Seq), int64(e.Time), name,
		e.Deletes(), superseded > 0, e.Body == nil && e.BodySize > 0, hidden, e.raw)
	if err != nil {
		return err
	}
	if e.n, err = res.LastInsertId(); err != nil {
		return err
	}
	return b.grow(e)
}

// grow makes e the end of its branch.
func (b *commitBatch) grow(e *prepared) (err error) {
	switch {
	case e.begins != nil:
		_, err = b.exec(b.sql.begin, e.Author[:], e.at.Branch, e.begins.Branch, int64(e.begins.Seq), int64(e.Seq), e.ID[:])
	case e.Seq == 1:
		_, err = b.exec(b.sql.begin, e.Author[:], 0, 0, 0, int64(e.Seq), e.ID[:])
	default:
		_, err = b.exec(b.sql.grow, int64(e.Seq), e.ID[:], e.Author[:], e.at.Branch)
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
