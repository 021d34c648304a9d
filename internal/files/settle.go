package files

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// settle brings one file in step: first what happened here is told, then what
// happened elsewhere is done.
func (s *syncer) settle(ctx context.Context, rel string, local *stat, remote []File) error {
	st := s.state.Files[rel]
	told := false
	switch {
	case local != nil && (st == nil || *local != st.stat):
		var err error
		if told, err = s.tell(ctx, rel, local, remote); err != nil {
			return err
		}
	case local == nil && st != nil && !changed(st, remote):
		return s.tellGone(ctx, rel, st)
	}
	if told {
		var err error
		if remote, err = s.files.heads(ctx, s.prefix+rel); err != nil {
			return err
		}
	}
	return s.follow(ctx, rel, local, remote)
}

// changed reports whether the versions in force are others than those last seen.
func changed(st *synced, remote []File) bool {
	if len(st.Versions) != len(remote) {
		return true
	}
	return slices.ContainsFunc(remote, func(f File) bool { return !slices.Contains(st.Versions, f.Entry) })
}

// tell shares a file that was changed or is new here, unless its content is known.
func (s *syncer) tell(ctx context.Context, rel string, local *stat, remote []File) (told bool, err error) {
	st := s.state.Files[rel]
	if st == nil {
		st = &synced{}
	}
	f, err := describe(s.path(rel), s.prefix+rel)
	if err != nil {
		return false, err
	}
	if f.Blob, err = hashFile(s.path(rel)); err != nil {
		return false, err
	}
	f.Content = f.Blob.Size
	if f.Blob.ID == st.Blob || slices.ContainsFunc(remote, func(v File) bool { return v.Blob.ID == f.Blob.ID }) {
		s.state.Files[rel] = &synced{stat: *local, Blob: f.Blob.ID, Versions: st.Versions, Copies: st.Copies}
		return false, nil
	}
	put, err := s.files.putFile(ctx, s.path(rel), func(int) {})
	if err != nil {
		return false, err
	}
	if put != f.Blob { // it is being written: its next event brings us back
		return false, moot.Errorf(moot.Unavailable, "it is being changed")
	}
	based := make([]File, 0, len(st.Versions))
	for _, id := range st.Versions {
		based = append(based, File{Entry: id})
	}
	if _, err = s.files.publish(ctx, f, based, moot.Merge); err != nil {
		return false, err
	}
	s.changed("shared", rel)
	s.state.Files[rel] = &synced{stat: *local, Blob: f.Blob.ID, Copies: st.Copies}
	return true, nil
}

// tellGone removes the name of a file that was removed here.
func (s *syncer) tellGone(ctx context.Context, rel string, st *synced) error {
	_, err := s.files.write.Append(ctx, moot.KindFile, s.prefix+rel, st.Versions, nil, moot.Merge)
	if err != nil {
		return err
	}
	delete(s.state.Files, rel)
	s.changed("removed for all", rel)
	return s.dropCopies(st, nil)
}

// follow does here what the versions in force say.
func (s *syncer) follow(ctx context.Context, rel string, local *stat, remote []File) error {
	st := s.state.Files[rel]
	if st != nil && local != nil && !changed(st, remote) {
		return nil
	}
	if st == nil {
		st = &synced{}
	}
	if len(remote) == 0 {
		return s.removeHere(rel, st)
	}
	at := slices.IndexFunc(remote, func(f File) bool { return local != nil && f.Blob.ID == st.Blob })
	if at < 0 {
		at = 0
		if err := s.write(ctx, rel, remote[0], local, st); err != nil {
			return err
		}
	}
	st.Versions = ids(remote)
	s.state.Files[rel] = st
	others := slices.Delete(slices.Clone(remote), at, at+1)
	if err := s.dropCopies(st, others); err != nil {
		return err
	}
	return s.keepCopies(ctx, rel, st, others)
}

// write replaces the local file by a version, if it is still as it was looked at.
func (s *syncer) write(ctx context.Context, rel string, f File, local *stat, st *synced) error {
	f.Path = s.path(rel)
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return osError(err)
	}
	now, err := os.Lstat(f.Path)
	if (err == nil) != (local != nil) || err == nil && *statOf(now) != *local {
		return moot.Errorf(moot.Unavailable, "it is being changed")
	}
	if err := s.files.fetch(ctx, f, func(int) {}); err != nil {
		return err
	}
	info, err := os.Stat(f.Path)
	if err != nil {
		return osError(err)
	}
	st.stat, st.Blob = *statOf(info), f.Blob.ID
	s.changed("fetched", rel)
	return nil
}

// removeHere removes a file whose name was removed elsewhere.
func (s *syncer) removeHere(rel string, st *synced) error {
	if info, err := os.Lstat(s.path(rel)); err == nil {
		if *statOf(info) != st.stat {
			return moot.Errorf(moot.Unavailable, "it is being changed")
		}
		if err := os.Remove(s.path(rel)); err != nil {
			return osError(err)
		}
		s.changed("removed here", rel)
		for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
			if os.Remove(s.path(dir)) != nil { // not empty
				break
			}
		}
	}
	delete(s.state.Files, rel)
	return s.dropCopies(st, nil)
}

// keepCopies writes the versions that the local file is not, beside it.
func (s *syncer) keepCopies(ctx context.Context, rel string, st *synced, others []File) error {
	for _, f := range others {
		if slices.ContainsFunc(st.Copies, func(c conflictCopy) bool { return c.Version == f.Entry }) {
			continue
		}
		name := conflictName(rel, f)
		f.Path = s.path(name)
		// Noted before it is written, so that a crash cannot make it a file to share.
		st.Copies = append(st.Copies, conflictCopy{Path: name, Version: f.Entry})
		if err := s.state.save(s.path(stateFile)); err != nil {
			return err
		}
		if err := s.files.fetch(ctx, f, func(int) {}); err != nil {
			return err
		}
		if info, err := os.Stat(f.Path); err == nil {
			st.Copies[len(st.Copies)-1].stat = *statOf(info)
		}
		s.changed("conflict copy", name)
	}
	return nil
}

// dropCopies removes copies of versions that are no longer in force, unless somebody
// has changed them.
func (s *syncer) dropCopies(st *synced, inForce []File) error {
	var kept []conflictCopy
	for _, c := range st.Copies {
		if slices.ContainsFunc(inForce, func(f File) bool { return f.Entry == c.Version }) {
			kept = append(kept, c)
			continue
		}
		info, err := os.Lstat(s.path(c.Path))
		if err != nil || *statOf(info) != c.stat {
			continue // gone, or somebody's own file now
		}
		if err := os.Remove(s.path(c.Path)); err != nil {
			return osError(err)
		}
		s.changed("resolved", c.Path)
	}
	st.Copies = kept
	return nil
}

// conflictName is the same on every machine: who wrote the version, and when.
func conflictName(rel string, f File) string {
	ext := path.Ext(rel)
	stem := strings.TrimSuffix(rel, ext)
	if path.Base(stem) == "." || strings.HasSuffix(stem, "/") { // ".profile" has no extension
		stem, ext = rel, ""
	}
	return fmt.Sprintf("%s (conflict %s %s)%s", stem, f.Author.Short(), f.Time.Wall().UTC().Format("2006-01-02 150405"), ext)
}

func hashFile(path string) (moot.Blob, error) {
	in, err := os.Open(path)
	if err != nil {
		return moot.Blob{}, osError(err)
	}
	defer in.Close()
	b, err := blob.Hash(in)
	return b, osError(err)
}
