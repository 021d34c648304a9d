package folders

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
)

// Open opens a file of a synced folder whose content a blob is; ok is false if there is
// none. Who reads it verifies the bytes: the file may be changed at any time.
func (s *Service) Open(id moot.BlobID) (f localdir.File, b moot.Blob, ok bool) {
	for _, a := range s.actives() {
		for _, p := range a.local.places(id) {
			in, err := a.dir.Open(p.path)
			if err != nil {
				a.suspect(p.path)
				continue
			}
			if now, err := in.Stat(); err != nil || !now.Unchanged(p.stat) {
				_ = in.Close() // it was only read
				a.suspect(p.path)
				continue
			}
			return in, moot.Blob{ID: id, Size: p.size}, true
		}
	}
	return nil, moot.Blob{}, false
}

// Broken has the files looked at that a blob was said to be.
func (s *Service) Broken(id moot.BlobID) {
	for _, a := range s.actives() {
		for _, p := range a.local.places(id) {
			a.suspect(p.path)
		}
	}
}

// actives returns the folders that are in step now.
func (s *Service) actives() (list []*folder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.folders {
		if f := r.activeFolder(); f != nil {
			list = append(list, f)
		}
	}
	return list
}

func (r *runner) activeFolder() *folder {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.active
}

// suspect has the folder of a path looked at soon.
func (f *folder) suspect(at string) { f.watcher.add(parentOf(at)) }

// Blobs yields what lies in synced folders, and can be opened; one that lies in two comes
// twice.
func (s *Service) Blobs() iter.Seq[moot.Blob] {
	return func(yield func(moot.Blob) bool) {
		for _, a := range s.actives() {
			for _, b := range a.local.contents() {
				if !yield(b) {
					return
				}
			}
		}
	}
}

// Read lets the files of all folders be opened until release is called, also of those that
// are not in step now. It returns the directories that cannot be read.
func (s *Service) Read(ctx context.Context) (unread []string, release func()) {
	s.mu.Lock()
	runners := maps.Clone(s.folders)
	s.mu.Unlock()
	var opened []func()
	for dir, r := range runners {
		if r.activeFolder() != nil {
			continue
		}
		end, err := r.read(ctx)
		if err == nil {
			opened = append(opened, end)
		} else if r.activeFolder() == nil {
			unread = append(unread, dir)
		}
	}
	slices.Sort(unread)
	return unread, func() {
		for _, end := range opened {
			end()
		}
	}
}

// Holds reports whether a file with the content of a blob lies in a synced folder.
func (s *Service) Holds(id moot.BlobID) bool {
	for _, a := range s.actives() {
		if !a.settings.Keep && len(a.local.places(id)) > 0 {
			return true
		}
	}
	return false
}
