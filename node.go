package moot

import (
	"context"
	"io"
	"iter"
)

// Node is any participant: a store on this machine, another node across a link,
// or a whole architecture made of both. Every node has these two abilities; the
// third, computing power, is [Runner], which a node may lack.
type Node interface {
	Blobs
	Feeds
}

// Blobs keeps and hands out immutable bytes.
type Blobs interface {
	// Put stores all of r and returns its name. When it returns without an error
	// the bytes survive a power failure. Nothing of a failed Put is kept.
	Put(ctx context.Context, r io.Reader) (Blob, error)

	// Get returns a stretch of a blob as a Bao slice (github.com/oconnor663/bao,
	// combined form, 16 KiB chunk groups): bytes that carry their own proof. Only
	// blob.NewDecoder turns it into content, and nothing that fails to verify
	// passes it. The stream may end early with an error. Kinds: NotFound if the
	// range is not wholly held, Corrupt if what is held no longer matches.
	Get(ctx context.Context, id BlobID, r Range) (io.ReadCloser, error)

	// Have tells what the node can serve of a blob, now. A blob of which nothing
	// is held is an error of kind NotFound.
	Have(ctx context.Context, id BlobID) (Holding, error)
}

// Feeds accepts and answers signed entries.
type Feeds interface {
	// Append stores entries. When it returns without an error they are verified,
	// admitted and survive a power failure; entries already held are no error.
	// On an error, entries before the one at fault may have been stored. Kinds:
	// Corrupt, Stranger, Revoked, Denied, Gap, Fork, and Conflict with mode Swap.
	Append(ctx context.Context, mode Mode, entries ...Entry) error

	// Query yields entries: with q.History those not covered by q.Since in an
	// order in which they can be appended elsewhere; else the versions in force,
	// by key, of one key the current first.
	Query(ctx context.Context, q Query) iter.Seq2[Entry, error]

	// Watch yields what Query with History yields for since, and then every new
	// entry as it is stored, until ctx ends or the loop breaks. A watcher that
	// does not keep up is not waited for: it is shown an error of kind
	// Unavailable, and may watch again from where it stands.
	Watch(ctx context.Context, since Vector) iter.Seq2[Entry, error]

	// Vector tells how much of every feed the node holds.
	Vector(ctx context.Context) (Vector, error)
}

// Mode is how Append treats versions it knows and the new entry does not.
type Mode int

const (
	// Merge keeps both: a conflict is shown until somebody resolves it.
	Merge Mode = iota
	// Swap refuses the new entry with kind Conflict (compare-and-swap).
	Swap
)

// Query selects entries. Every set field narrows the selection.
type Query struct {
	Kind    Kind   `json:"kind,omitempty"`
	Key     string `json:"key,omitempty"`    // this key exactly
	Prefix  string `json:"prefix,omitempty"` // keys that start so
	Words   string `json:"words,omitempty"`  // keys that contain all words, by their beginnings
	Author  Key    `json:"author,omitzero"`
	History bool   `json:"history,omitempty"` // also superseded entries and deletions, in feed order
	Since   Vector `json:"since,omitempty"`   // with History: only entries this does not cover
	Limit   int    `json:"limit,omitempty"`   // at most so many; 0 means all
}
