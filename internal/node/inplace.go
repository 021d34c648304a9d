package node

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/store"
)

// inPlace shares files where they lie, and moves fetched ones out of the store to where
// they are wanted: it implements files.Linker and files.Fetcher.
type inPlace struct {
	node    routed
	store   *store.Store
	network *network
	uploads *uploader
	rules   arch.Architecture
	copies  bool // the node keeps bytes of its own
}

// Link implements files.Linker.
func (p inPlace) Link(ctx context.Context, path string) (moot.Blob, error) {
	if !p.rules.InPlace {
		return moot.Blob{}, moot.WithHint(moot.Errorf(moot.Invalid, "a server keeps its own copies: files are shared in place between peers"), moot.HintCopy)
	}
	b, err := p.store.Link(ctx, path)
	if err != nil {
		return b, err
	}
	p.network.announce(ctx, b.ID)
	if p.rules.Upload {
		p.uploads.add(b.ID)
	}
	return b, nil
}

// minMoved is the size in bytes from which a move is worth a record in the database.
const minMoved = 1 << 20

// Fetch implements files.Fetcher: a large file is written once, and served from where it
// was moved.
func (p inPlace) Fetch(ctx context.Context, f files.File, count func(int)) (moved bool, err error) {
	node, err := p.node.routes.through(ctx, p.node.via)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	size := int64(0)
	fresh, err := node.Fetch(ctx, f.Blob.ID, func(n int64) {
		if size += n; f.Item != "" && size > f.Blob.Size {
			cancel(moot.Errorf(moot.Corrupt, "blob %s has more than the %d bytes that were stated", f.Blob.ID, f.Blob.Size))
		}
		count(int(n))
	})
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return false, cause
	}
	if err != nil || !fresh || p.copies || size < minMoved {
		return false, err
	}
	return p.store.Move(ctx, f.Blob.ID, f.Path, f.Mode, f.ModTime)
}
