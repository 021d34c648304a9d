package node

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/tree"
)

// published is an access list: the blobs of files under the names that a node's owner
// publishes. It is computed anew when files have changed.
type published struct {
	index *files.Index
	files *files.Files
	log   *slog.Logger

	mu      sync.Mutex
	names   []string
	of      *tree.Tree // of which it was computed, at a revision
	at      uint64
	blobs   map[moot.BlobID]bool
	folders map[moot.BlobID][]moot.BlobID // frozen ones whose parts are known
}

func newPublished(local moot.Node, index *files.Index, log *slog.Logger) *published {
	return &published{
		index: index, files: files.New(local, nil, files.Options{Index: index, Log: log}), log: log,
		folders: map[moot.BlobID][]moot.BlobID{},
	}
}

// has reports whether a blob belongs to a file under one of the names.
func (p *published) has(ctx context.Context, blob string, names []string) bool {
	id, err := moot.ParseBlobID(blob)
	if err != nil || len(names) == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.update(ctx, names); err != nil {
		p.log.Warn("compute the published blobs", "error", err)
		return false
	}
	return p.blobs[id]
}

// update brings the list up to date.
func (p *published) update(ctx context.Context, names []string) error {
	var frozen []files.File
	same := false
	blobs := map[moot.BlobID]bool{}
	err := p.index.View(ctx, func(t *tree.Tree) error {
		if same = p.of == t && p.at == t.Revision() && slices.Equal(names, p.names); same {
			return nil
		}
		for _, prefix := range names {
			for name, s := range t.Walk(prefix[:max(strings.LastIndexByte(prefix, '/'), 0)]) {
				if s.Type != tree.File || !strings.HasPrefix(name, prefix) {
					continue
				}
				blobs[s.Blob.ID] = true
				if s.Manifest {
					frozen = append(frozen, files.File{Name: name, Blob: s.Blob, Folder: true, Frozen: true})
				}
			}
		}
		p.of, p.at, p.names = t, t.Revision(), slices.Clone(names)
		return nil
	})
	if err != nil || same {
		return err
	}
	p.addParts(ctx, frozen, blobs)
	p.blobs = blobs
	return nil
}

// addParts adds what frozen folders consist of, as far as their lists are held here.
func (p *published) addParts(ctx context.Context, frozen []files.File, blobs map[moot.BlobID]bool) {
	for _, f := range frozen {
		parts, known := p.folders[f.Blob.ID]
		if !known {
			var failed error
			for part, err := range p.files.Parts(ctx, f) {
				if failed = err; err != nil {
					break
				}
				parts = append(parts, part.ID)
			}
			if failed == nil {
				p.folders[f.Blob.ID] = parts
			}
		}
		for _, id := range parts {
			blobs[id] = true
		}
	}
	for id := range p.folders {
		if !blobs[id] {
			delete(p.folders, id)
		}
	}
}
