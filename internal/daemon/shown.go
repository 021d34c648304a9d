package daemon

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// shown knows which blobs belong to files under given names, for owners who wish to
// serve only those. It is worked out anew when the catalogue has changed.
type shown struct {
	n      *node
	mu     sync.Mutex
	names  []string
	vector moot.Vector
	blobs  map[string]bool
}

func (s *shown) serves(ctx context.Context, blob string, names []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	vector, err := s.n.store.Vector(ctx)
	if err != nil {
		return false
	}
	if !slices.Equal(names, s.names) || !s.vector.Includes(vector) {
		blobs, err := s.collect(ctx, names)
		if err != nil {
			s.n.log.Warn("work out what is shown", "error", err)
			return false
		}
		s.names, s.vector, s.blobs = slices.Clone(names), vector, blobs
	}
	return s.blobs[blob]
}

func (s *shown) collect(ctx context.Context, names []string) (map[string]bool, error) {
	all := files.New(s.n.store, nil, files.Options{Log: s.n.log})
	list, err := all.List(ctx, "")
	if err != nil {
		return nil, err
	}
	blobs := map[string]bool{}
	for _, f := range list {
		if !slices.ContainsFunc(names, func(p string) bool { return strings.HasPrefix(f.Name, p) }) {
			continue
		}
		blobs[f.Blob.ID.String()] = true
		if !f.Folder {
			continue
		}
		for part, err := range all.Parts(ctx, f) {
			if err != nil {
				break // its manifest is not held here, so neither are its parts known
			}
			blobs[part.ID.String()] = true
		}
	}
	return blobs, nil
}
