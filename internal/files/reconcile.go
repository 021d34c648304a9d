package files

import (
	"context"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/sign"
)

// reconcile synchronises one file: local changes are pushed, then remote ones pulled.
func (s *syncer) reconcile(ctx context.Context, rel string, local *stat, remote []File) (err error) {
	st := s.state.Files[rel]
	pushed := false
	switch {
	case local != nil && (st == nil || *local != st.stat):
		pushed, err = s.push(ctx, rel, local, remote)
	case local == nil && st != nil && !changed(st, remote):
		pushed, err = true, s.pushRemoval(ctx, rel, st)
	}
	if err == nil && pushed {
		remote, err = s.inForce(ctx, rel)
	}
	if err != nil {
		return err
	}
	return s.pull(ctx, rel, local, remote)
}

// inForce returns the versions of a file in force, the current first.
func (s *syncer) inForce(ctx context.Context, rel string) ([]File, error) {
	list, err := s.files.heads(ctx, s.prefix+rel)
	return slices.DeleteFunc(list, func(f File) bool { return f.Folder }), err
}

// changed reports whether the versions in force are others than those last seen.
func changed(st *synced, remote []File) bool {
	if len(st.Versions) != len(remote) {
		return true
	}
	return slices.ContainsFunc(remote, func(f File) bool { return !slices.Contains(st.Versions, f.Entry) })
}

// withContent returns the versions that have these bytes.
func withContent(versions []File, id moot.BlobID) (same []File) {
	for _, f := range versions {
		if f.Blob.ID == id {
			same = append(same, f)
		}
	}
	return same
}

// push shares a file that was changed or is new here, unless its content is known.
// It supersedes only what the local file was based on: in a conflict, to edit one
// version is not to reject the others.
func (s *syncer) push(ctx context.Context, rel string, local *stat, remote []File) (pushed bool, err error) {
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
	switch {
	case f.Blob.ID == st.Blob:
		st.stat = *local
		return false, nil
	case len(withContent(remote, f.Blob.ID)) > 0: // as another version of a conflict
		s.state.Files[rel] = &synced{stat: *local, Blob: f.Blob.ID, Copies: st.Copies}
		return false, nil
	}
	put, err := s.files.putFile(ctx, s.path(rel), func(int) {})
	if err != nil {
		return false, err
	}
	if put != f.Blob { // it is being written: its next event starts another pass
		return false, errChanging()
	}
	based := make([]File, 0, len(st.Base))
	for _, id := range st.Base {
		based = append(based, File{Entry: id})
	}
	if _, err = s.files.publish(ctx, f, based, moot.Merge); err != nil {
		return false, err
	}
	s.changed("shared", rel)
	s.state.Files[rel] = &synced{stat: *local, Blob: f.Blob.ID, Copies: st.Copies}
	return true, nil
}

// pushRemoval removes the version that a file removed here was. In a conflict another
// version then takes the name.
func (s *syncer) pushRemoval(ctx context.Context, rel string, st *synced) error {
	base := st.Base[:min(len(st.Base), moot.MaxReplaces)]
	_, err := sign.One(ctx, s.files.write, moot.Merge, sign.Statement{Kind: moot.KindFile, Key: s.prefix + rel, Replaces: base})
	if err != nil {
		return err
	}
	delete(s.state.Files, rel)
	s.changed("removed for all", rel)
	return s.dropCopies(st, nil)
}

// pull makes the local file the version in force.
func (s *syncer) pull(ctx context.Context, rel string, local *stat, remote []File) error {
	st := s.state.Files[rel]
	if st != nil && local != nil && !changed(st, remote) {
		return nil
	}
	if st == nil {
		st = &synced{}
	}
	if len(remote) == 0 {
		return s.removeLocal(rel, st)
	}
	if local == nil || len(withContent(remote, st.Blob)) == 0 {
		if err := s.write(ctx, rel, remote[0], local, st); err != nil {
			return err
		}
	}
	s.state.Files[rel] = st
	st.Base = ids(withContent(remote, st.Blob))
	others := otherContents(remote, st.Blob)
	if err := s.dropCopies(st, others); err != nil {
		return err
	}
	if err := s.writeCopies(ctx, rel, st, others); err != nil {
		return err
	}
	st.Versions = ids(remote) // last: a failure is tried again
	return nil
}

// write replaces the local file by a version, if it is as it was scanned.
func (s *syncer) write(ctx context.Context, rel string, f File, local *stat, st *synced) error {
	f.Path = s.path(rel)
	if err := s.makeFolder(path.Dir(rel)); err != nil {
		return err
	}
	if err := s.checkUnchanged(rel, local); err != nil {
		return err
	}
	var written *stat
	err := s.files.fetch(ctx, f, func(int) {}, nil, func(info os.FileInfo) error {
		written = statOf(info)
		return s.checkUnchanged(rel, local)
	})
	if err != nil {
		return err
	}
	st.stat, st.Blob = *written, f.Blob.ID
	s.changed("fetched", rel)
	return nil
}

// checkUnchanged fails if a file is not as it was scanned; nil for local means that
// there was none.
func (s *syncer) checkUnchanged(rel string, local *stat) error {
	now, err := os.Lstat(s.path(rel))
	switch {
	case err == nil && !now.Mode().IsRegular():
		return moot.Errorf(moot.Conflict, "a folder or link of that name is in the way")
	case err == nil && local != nil && *statOf(now) == *local, os.IsNotExist(err) && local == nil:
		return nil
	case err == nil || os.IsNotExist(err):
		return errChanging()
	}
	return osError(err)
}

func errChanging() error { return moot.Errorf(moot.Unavailable, "it is being changed") }

// makeFolder makes a directory and those above it. What was written behind a link would
// not be scanned, and so would seem to be removed.
func (s *syncer) makeFolder(rel string) error {
	if rel == "." {
		return nil
	}
	if err := s.makeFolder(path.Dir(rel)); err != nil {
		return err
	}
	err := os.Mkdir(s.path(rel), 0o755)
	if !os.IsExist(err) {
		return osError(err)
	}
	info, err := os.Lstat(s.path(rel))
	if err == nil && !info.IsDir() {
		return moot.Errorf(moot.Conflict, "%s is a file or link, and a folder elsewhere", rel)
	}
	return osError(err)
}

// removeLocal removes a file whose name was removed elsewhere.
func (s *syncer) removeLocal(rel string, st *synced) error {
	if info, err := os.Lstat(s.path(rel)); err == nil {
		if *statOf(info) != st.stat {
			return errChanging()
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

func hashFile(file string) (moot.Blob, error) {
	in, err := os.Open(file)
	if err != nil {
		return moot.Blob{}, osError(err)
	}
	defer in.Close()
	b, err := blob.Hash(in)
	return b, osError(err)
}

// isSyncable reports whether a name below the prefix can be a file here and is not
// reserved for this package.
func isSyncable(rel string) bool {
	for part := range strings.SplitSeq(rel, "/") {
		if ours(part) {
			return false
		}
	}
	return localName(rel) == nil
}
