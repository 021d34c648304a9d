package node

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// published is an access list: the blobs of files under the names that a node's owner
// publishes. It is computed anew when entries have come.
type published struct {
	local moot.Node
	log   *slog.Logger

	mu     sync.Mutex
	names  []string
	vector moot.Vector
	blobs  map[string]bool
}

// has reports whether a blob belongs to a file under one of the names.
func (p *published) has(ctx context.Context, blob string, names []string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	vector, err := p.local.Vector(ctx)
	if err != nil {
		return false
	}
	if !slices.Equal(names, p.names) || !p.vector.Equal(vector) {
		blobs, err := p.collect(ctx, names)
		if err != nil {
			p.log.Warn("compute the published blobs", "error", err)
			return false
		}
		p.names, p.vector, p.blobs = slices.Clone(names), vector, blobs
	}
	return p.blobs[blob]
}

func (p *published) collect(ctx context.Context, names []string) (map[string]bool, error) {
	all := files.New(p.local, nil, files.Options{Log: p.log})
	list, err := all.List(ctx, "")
	if err != nil {
		return nil, err
	}
	blobs := map[string]bool{}
	for _, f := range list {
		if !slices.ContainsFunc(names, func(prefix string) bool { return strings.HasPrefix(f.Name, prefix) }) {
			continue
		}
		blobs[f.Blob.ID.String()] = true
		if !f.Folder {
			continue
		}
		for part, err := range all.Parts(ctx, f) {
			if err != nil {
				break // the manifest is not held here, so its parts are unknown
			}
			blobs[part.ID.String()] = true
		}
	}
	return blobs, nil
}
