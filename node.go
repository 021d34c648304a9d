package moot

import (
	"context"
	"io"
	"iter"
)

// Node is any participant: a store on this machine, another node across a link,
// or a whole architecture made of both. The third ability, computing power, is
// optional and an interface of its own: [Runner].
type Node interface {
	Blobs
	Feeds
}

// Blobs stores and returns immutable bytes.
type Blobs interface {
	// Put stores all of r and returns its name. When it returns without an error
	// the bytes survive a power failure. Nothing of a failed Put is kept.
	Put(ctx context.Context, r io.Reader) (Blob, error)

	// Get returns a range of a blob as a Bao slice (github.com/oconnor663/bao,
	// combined form, 16 KiB chunk groups): bytes that carry their own proof. Only
	// blob.NewDecoder turns it into content, and nothing that fails to verify
	// passes it. The stream may end early with an error. Kinds: NotFound if the
	// range is not wholly held, Corrupt if what is held no longer matches.
	Get(ctx context.Context, id BlobID, r Range) (io.ReadCloser, error)

	// Have returns what the node can serve of a blob at this moment. A blob of
	// which nothing is held is an error of kind NotFound.
	Have(ctx context.Context, id BlobID) (Holding, error)

	// PutMany stores blobs of at most MaxSmall bytes each, at most MaxMany, and returns
	// their names in the same order. When it returns without an error all of them survive
	// a power failure. Kinds: as Put, TooLarge.
	PutMany(ctx context.Context, contents [][]byte) ([]Blob, error)

	// GetMany yields, in any order, those of at most MaxMany blobs that can be had and have
	// at most MaxSmall bytes; others are left out. The bytes are verified. An error ends it.
	GetMany(ctx context.Context, ids []BlobID) iter.Seq2[Small, error]

	// HaveMany reports of each of at most MaxMany blobs whether all of it is held. What
	// is held is not collected as garbage within the next day, so that who asks before
	// an upload may leave it out.
	HaveMany(ctx context.Context, ids []BlobID) ([]bool, error)

	// Exchange opens a stream over which many parts of a blob are fetched. It ends
	// with ctx. Kinds: as Get, now or from the stream. A node without a stream of
	// its own uses blob.NewExchange.
	Exchange(ctx context.Context, id BlobID) (Exchange, error)
}

// Feeds stores and returns signed entries.
type Feeds interface {
	// Append stores entries. When it returns without an error they are verified,
	// admitted and survive a power failure; entries already held are no error.
	// On an error, entries before the one at fault may have been stored. Kinds:
	// Corrupt, Stranger, Revoked, Denied, Gap, Fork, and Conflict with mode Swap.
	Append(ctx context.Context, mode Mode, entries ...Entry) error

	// Query yields entries: with q.History those not covered by q.Since in an
	// order in which they can be appended elsewhere; else the versions in force,
	// by key, of one key the current first. Entries that do not count – of a device
	// that waits for admission, beyond what a removal pins, on a branch that nobody
	// chose – are left out, but with q.Replica, with which nodes hand one another all.
	Query(ctx context.Context, q Query) iter.Seq2[Entry, error]

	// Watch yields what Query with History yields for since, and then every new
	// entry as it is stored or begins to count, until ctx ends or the loop breaks. A
	// watcher that does not keep up gets an error of kind Unavailable, and may watch
	// again from its last entry.
	Watch(ctx context.Context, since Vector) iter.Seq2[Entry, error]

	// Vector returns how much of every feed the node holds, whether or not it counts.
	Vector(ctx context.Context) (Vector, error)
}

// Mode is how Append treats versions in force that the new entry does not replace.
type Mode int

const (
	// Merge keeps both, as a conflict that stays listed until it is resolved.
	Merge Mode = iota
	// Swap rejects the new entry with kind Conflict (compare-and-swap).
	Swap
)

// Query selects entries. Every set field narrows the selection.
type Query struct {
	Kind    Kind      `json:"kind,omitempty"`
	Key     string    `json:"key,omitempty"`    // this key exactly
	Prefix  string    `json:"prefix,omitempty"` // keys with this prefix
	Words   string    `json:"words,omitempty"`  // keys that contain words with all of these prefixes
	Author  Key       `json:"author,omitzero"`
	IDs     []EntryID `json:"ids,omitempty"`     // with History: these entries, at most MaxIDs
	History bool      `json:"history,omitempty"` // also superseded entries and deletions, in feed order
	Replica bool      `json:"replica,omitempty"` // with History: also entries that do not count
	Since   Vector    `json:"since,omitzero"`    // with History: only entries this does not cover
	Limit   int       `json:"limit,omitempty"`   // at most so many; 0 means all
}

// MaxIDs is how many entries one query may name.
const MaxIDs = 256
