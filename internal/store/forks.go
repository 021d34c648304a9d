package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// Fork is a feed with several branches.
type Fork struct {
	Author   moot.Key
	Proof    feed.ForkProof // two entries with one predecessor
	Branches []moot.Head    // their ends, the branch first that was seen first
}

// fork has e begin a branch after parent. Kind Fork if there are too many.
func (b *commitBatch) fork(e *prepared, parent moot.Position) (refused, err error) {
	if err := b.row(b.sql.branches, e.Author[:]).Scan(&e.at.Branch); err != nil {
		return nil, err
	}
	if e.at.Branch >= maxBranches {
		return moot.Errorf(moot.Fork, "the feed of %s has forked into more than %d branches", e.Author.Short(), maxBranches), nil
	}
	e.begins = &parent
	return nil, nil
}

// Forks returns every feed that has forked, by author.
func (s *Store) Forks(ctx context.Context) ([]Fork, error) {
	if err := s.usable(ctx); err != nil {
		return nil, moot.Wrap("forks", err)
	}
	feeds, err := s.feeds(moot.Key{})
	if err != nil {
		return nil, moot.Wrap("forks", err)
	}
	var forks []Fork
	for _, f := range feeds {
		if len(f.branches) == 1 {
			continue
		}
		fork := Fork{Author: f.author}
		for _, b := range f.branches {
			fork.Branches = append(fork.Branches, b.end)
		}
		parent := f.branches[1].parent
		if fork.Proof.A, err = s.entryAt(f.author, moot.Position{Branch: parent.Branch, Seq: parent.Seq + 1}); err == nil {
			fork.Proof.B, err = s.entryAt(f.author, moot.Position{Branch: 1, Seq: parent.Seq + 1})
		}
		if err != nil {
			return nil, moot.Wrap("forks", err)
		}
		forks = append(forks, fork)
	}
	return forks, nil
}

func (s *Store) entryAt(author moot.Key, at moot.Position) (moot.Entry, error) {
	found, err := s.entries(`SELECT n, raw FROM entries WHERE author = ? AND branch = ? AND seq = ?`, author[:], at.Branch, int64(at.Seq))
	if err == nil && len(found) == 0 {
		err = moot.Errorf(moot.Internal, "entry %d on branch %d of %s is missing from the database", at.Seq, at.Branch, author)
	}
	if err != nil {
		return moot.Entry{}, err
	}
	return found[0].Entry, nil
}

// adoptForks makes branches of the proofs that version 0.1.0 kept in a table of their
// own, as far as they follow something that is held.
func (s *Store) adoptForks() error {
	var table string
	err := s.write.QueryRow(`SELECT name FROM sqlite_schema WHERE name = 'forks'`).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	found, err := s.rawColumn(`SELECT raw FROM forks`)
	if err != nil {
		return err
	}
	for _, raw := range found {
		e, err := feed.Decode(raw)
		if err != nil {
			continue // a proof that cannot be read proves nothing
		}
		r := &request{ctx: context.Background(), entries: []prepared{{Entry: e, raw: raw}}, done: make(chan error, 1)}
		s.commitAll([]*request{r})
		if err := <-r.done; err != nil {
			s.log.Info("a fork that was kept as proof could not become a branch", "author", e.Author, "error", err)
		}
	}
	_, err = s.write.Exec(`DROP TABLE forks`)
	return err
}

func (s *Store) rawColumn(query string) (all [][]byte, err error) {
	rows, err := s.write.Query(query)
	if err != nil {
		return nil, sqlite.Error("", err)
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return nil, sqlite.Error("", err)
		}
		all = append(all, raw)
	}
	return all, sqlite.Error("", rows.Err())
}
