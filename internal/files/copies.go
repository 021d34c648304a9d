package files

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mootspace/moot"
)

const (
	maxCopies     = 16  // conflict copies of one file; bounds what a member can write to another's disk
	maxBase       = 255 // bytes of a file's own name, on the usual file systems
	maxExt        = 16  // bytes of a file's extension
	versionDigits = 8   // digits of a version's ID that make a name unique
)

// otherContents returns, of each content that is not mine, the newestFirst version.
func otherContents(versions []File, mine moot.BlobID) (others []File) {
	for _, f := range versions {
		if f.Blob.ID != mine && len(withContent(others, f.Blob.ID)) == 0 && len(others) < maxCopies {
			others = append(others, f)
		}
	}
	return others
}

// writeCopies writes the versions that the local file is not, beside it. A copy that was
// removed is not written again.
func (s *syncer) writeCopies(ctx context.Context, rel string, st *synced, others []File) error {
	for _, f := range others {
		at := slices.IndexFunc(st.Copies, func(c conflictCopy) bool { return c.Version == f.Entry })
		if at >= 0 && st.Copies[at].stat != (stat{}) {
			continue
		}
		if at >= 0 { // recorded, perhaps not written
			if same, err := s.isContent(st.Copies[at].Path, f.Blob.ID); err != nil {
				return err
			} else if !same {
				st.Copies = slices.Delete(st.Copies, at, at+1)
				at = -1
			}
		}
		if at < 0 {
			if err := s.writeCopy(ctx, rel, st, f); err != nil {
				return err
			}
			at = len(st.Copies) - 1
		}
		if info, err := os.Lstat(s.path(st.Copies[at].Path)); err == nil {
			st.Copies[at].stat = *statOf(info)
		}
	}
	return nil
}

// writeCopy writes one copy. It is recorded first, so that after a crash it is not taken
// for a file to share.
func (s *syncer) writeCopy(ctx context.Context, rel string, st *synced, f File) error {
	name := conflictName(rel, f, "")
	taken := s.state.copies()[name]
	if _, err := os.Lstat(s.path(name)); err == nil || taken {
		name = conflictName(rel, f, " "+f.Entry.String()[:versionDigits])
	}
	st.Copies = append(st.Copies, conflictCopy{Path: name, Version: f.Entry, Blob: f.Blob.ID})
	if err := s.save(); err != nil {
		return err
	}
	if err := s.makeFolder(path.Dir(name)); err != nil {
		return err
	}
	f.Path = s.path(name)
	if err := s.files.fetch(ctx, f, func(int) {}, nil, func(os.FileInfo) error { return s.checkUnchanged(name, nil) }); err != nil {
		return err
	}
	s.changed("conflict copy", name)
	return nil
}

// dropCopies removes copies of versions that are no longer in force. A copy that was
// edited stays, as a file of its own.
func (s *syncer) dropCopies(st *synced, inForce []File) error {
	var remaining []conflictCopy
	for i, c := range st.Copies {
		if slices.ContainsFunc(inForce, func(f File) bool { return f.Entry == c.Version }) {
			remaining = append(remaining, c)
			continue
		}
		unchanged, err := s.isCopy(c)
		if err == nil && unchanged {
			err = osError(os.Remove(s.path(c.Path)))
		}
		if err != nil {
			st.Copies = append(remaining, st.Copies[i:]...)
			return err
		}
		if unchanged {
			s.changed("resolved", c.Path)
		}
	}
	st.Copies = remaining
	return nil
}

// isCopy reports whether a conflict copy is still what was written.
func (s *syncer) isCopy(c conflictCopy) (bool, error) {
	if c.stat == (stat{}) {
		return s.isContent(c.Path, c.Blob)
	}
	info, err := os.Lstat(s.path(c.Path))
	return err == nil && *statOf(info) == c.stat, nil
}

// isContent reports whether there is a file with these bytes.
func (s *syncer) isContent(rel string, id moot.BlobID) (bool, error) {
	if info, err := os.Lstat(s.path(rel)); err != nil || !info.Mode().IsRegular() {
		return false, nil
	}
	b, err := hashFile(s.path(rel))
	return err == nil && b.ID == id, err
}

// conflictName names the version's author and time, so it is the same on every machine.
// It is cut to the length that file systems allow.
func conflictName(rel string, f File, hint string) string {
	dir, base := path.Split(rel)
	ext := path.Ext(base)
	if ext == base || len(ext) > maxExt { // ".profile" has no extension
		ext = ""
	}
	stem := strings.TrimSuffix(base, ext)
	tail := fmt.Sprintf(" (conflict %s %s%s)%s", f.Author.Short(), f.Time.Wall().UTC().Format("2006-01-02 150405"), hint, ext)
	for len(stem)+len(tail) > maxBase {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	return dir + stem + tail
}

// localName reports, with kind Invalid, that a slash separated name cannot be one on
// this machine.
func localName(name string) error {
	if _, err := filepath.Localize(name); err != nil {
		return moot.Errorf(moot.Invalid, "%q cannot be a file's name on this machine", name)
	}
	return nil
}
