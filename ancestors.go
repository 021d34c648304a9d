package moot

import (
	"context"
	"slices"
)

// Ancestors returns the last entry of an author's feed that a node holds, the one before
// it, and others at distances that double: log₂ of the feed's length. As the part of a
// vector that a query begins from, it finds the last entry that two nodes have in common,
// or one at most twice as far back, though each may have gone on along another branch
// (Bitcoin's block locator does the same).
func Ancestors(ctx context.Context, node Feeds, author Key, last uint64) ([]Head, error) {
	var heads []Head
	for back := uint64(0); back < last; back = max(1, 2*back) {
		q := Query{Author: author, History: true, Replica: true, Limit: 1, Since: UpTo(author, last-back-1)}
		for e, err := range node.Query(ctx, q) {
			if err != nil {
				return nil, err
			}
			if h := (Head{Seq: e.Seq, ID: e.ID}); !slices.Contains(heads, h) {
				heads = append(heads, h)
			}
		}
	}
	return heads, nil
}

// UpTo returns the vector of who has seen an author's entries up to a number, whatever
// branch they are on.
func UpTo(author Key, seq uint64) Vector {
	return Vector{Heads: map[Key][]Head{author: {{Seq: seq}}}}
}
