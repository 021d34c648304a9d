// Package sign is the feed writer: it turns statements into signed entries, one after
// the other, and stores them through the node of an architecture.
//
// It must not know what statements mean, which architecture a node belongs to, or where
// the key comes from.
package sign

import (
	"context"

	"github.com/mootspace/moot"
)

// Statement is the content of an entry before a Writer numbers and signs it.
type Statement struct {
	Kind     moot.Kind
	Key      string
	Replaces []moot.EntryID // versions of the same kind and key that it supersedes
	Body     []byte         // nil deletes the key
	Cites    []moot.EntryID // of an act: the newest acts that its author knows
}

// Writer signs statements as one device and stores the entries, all or none.
type Writer interface {
	// Append returns the entries in the order of the statements. Its kinds of errors
	// are those of moot.Feeds.
	Append(ctx context.Context, mode moot.Mode, statements ...Statement) ([]moot.Entry, error)
}

// One signs and stores a single statement.
func One(ctx context.Context, w Writer, mode moot.Mode, s Statement) (moot.Entry, error) {
	entries, err := w.Append(ctx, mode, s)
	if err != nil {
		return moot.Entry{}, err
	}
	return entries[0], nil
}
