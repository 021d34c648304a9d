package store

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// fork refuses an entry whose author has signed another one of the same number, and
// keeps it as proof: one for every author, so that proofs cannot fill the disk.
func (b *commitBatch) fork(e *prepared) (refused, err error) {
	if _, err := b.exec(b.sql.fork, e.Author[:], int64(e.Seq), e.raw); err != nil {
		return nil, err
	}
	return moot.Errorf(moot.Fork, "%s has signed two different entries number %d", e.Author.Short(), e.Seq), nil
}

// Forks returns a proof for every author known to have signed two different entries
// of one number: A is the one that was stored, B the one that was refused.
func (s *Store) Forks(ctx context.Context) ([]feed.ForkProof, error) {
	if err := s.usable(ctx); err != nil {
		return nil, moot.Wrap("forks", err)
	}
	rows, err := s.reads.Query(`SELECT e.raw, f.raw FROM forks f
		JOIN entries e ON e.author = f.author AND e.seq = f.seq ORDER BY f.author`)
	if err != nil {
		return nil, sqlite.Error("forks", err)
	}
	defer rows.Close()
	var proofs []feed.ForkProof
	for rows.Next() {
		var a, b []byte
		if err := rows.Scan(&a, &b); err != nil {
			return nil, sqlite.Error("forks", err)
		}
		proof, err := decodeFork(a, b)
		if err != nil {
			return nil, moot.Wrap("forks", err)
		}
		proofs = append(proofs, proof)
	}
	return proofs, sqlite.Error("forks", rows.Err())
}

func decodeFork(a, b []byte) (proof feed.ForkProof, err error) {
	if proof.A, err = feed.Decode(a); err == nil {
		proof.B, err = feed.Decode(b)
	}
	return proof, err
}
