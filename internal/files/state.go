package files

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/mootspace/moot"
)

// stateFile is the state of the last sync: it separates local changes made since from
// remote ones.
const stateFile = tempPrefix + "sync"

type syncState struct {
	Prefix string             `json:"prefix"`
	Files  map[string]*synced `json:"files"`
}

// synced is a file as of the last sync.
type synced struct {
	stat
	Blob     moot.BlobID    `json:"blob"`
	Versions []moot.EntryID `json:"versions"` // in force then
	Base     []moot.EntryID `json:"base"`     // those of them that have the local content
	Copies   []conflictCopy `json:"copies,omitempty"`
}

// conflictCopy is another version, written beside a file; without a stat it has perhaps
// not been written.
type conflictCopy struct {
	stat
	Path    string       `json:"path"`
	Version moot.EntryID `json:"version"`
	Blob    moot.BlobID  `json:"blob"`
}

// loadState reads the state of a directory; an empty one if it has none. Kind Invalid
// if it is synced with something else.
func loadState(path, prefix string) (syncState, error) {
	st := syncState{Prefix: prefix, Files: map[string]*synced{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil
	}
	if err != nil {
		return st, osError(err)
	}
	if err := json.Unmarshal(text, &st); err != nil || st.Files == nil {
		return st, moot.Errorf(moot.Corrupt, "%s is damaged: remove it, and files that differ become conflicts", path)
	}
	for _, f := range st.Files {
		if f == nil {
			return st, moot.Errorf(moot.Corrupt, "%s is damaged: remove it, and files that differ become conflicts", path)
		}
		if f.Base == nil && len(f.Versions) == 1 { // as earlier releases wrote it
			f.Base = f.Versions
		}
	}
	if st.Prefix != prefix {
		return st, moot.Errorf(moot.Invalid, "the directory is synced with %q, not %q: remove %s to change that", st.Prefix, prefix, path)
	}
	return st, nil
}

// save replaces the state as a whole, if there is anything new in it.
func (s *syncer) save() error {
	text, err := json.Marshal(s.state)
	if err != nil {
		return moot.Errorf(moot.Internal, "sync: %w", err)
	}
	path := s.path(stateFile)
	if _, err := os.Lstat(path); err == nil && bytes.Equal(text, s.saved) {
		return nil
	}
	tmp, err := os.CreateTemp(s.dir, tempPrefix)
	if err != nil {
		return osError(err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err == nil {
		s.saved = text
	}
	return osError(err)
}

// copies returns the paths of all conflict copies.
func (st *syncState) copies() map[string]bool {
	paths := map[string]bool{}
	for _, f := range st.Files {
		for _, c := range f.Copies {
			paths[c.Path] = true
		}
	}
	return paths
}
