package folders

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"path"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
)

// Names in the folder of staged files. What is of this program alone goes at the next start,
// what was taken out of its place must not.
const (
	takenOut   = "out-" // row, inode of what is exchanged for it, and digest of what is expected
	takenPlain = "old-" // of localdir, where a file system cannot exchange
)

// freeName returns a name for a staged file that nothing has.
func (f *folder) freeName() string {
	return path.Join(localdir.Staging, "new-"+rand.Text())
}

// asideName returns a name for what lies at a node and is about to be taken out; ours is the
// inode of what is exchanged for it, 0 for nothing. It says all that recovery needs, since
// the name and the database are not written at once.
func (f *folder) asideName(n *node, ours uint64) string {
	return path.Join(localdir.Staging, fmt.Sprintf("%s%d-%d-%x-%s", takenOut, n.id, ours, digest(n.Stat), rand.Text()))
}

// digest tells objects and their contents apart, like localdir.Stat.SameContent.
func digest(s localdir.Stat) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, s.Inode, s.Type, s.Size, s.ModTime.UnixNano(), s.Born.UnixNano(), s.Mode)
	return h.Sum64()
}

// recover empties the folder of staged files, when a directory is opened. What was being
// written goes. What was taken out of its place when the program ended comes back, unless
// something else lies there by now and it is but what was to be replaced.
func (f *folder) recover(ctx context.Context) {
	names, err := f.dir.ReadDir(localdir.Staging)
	if err != nil {
		return // made anew with the first staged file
	}
	for _, one := range names {
		if err := f.recoverOne(ctx, one); err != nil {
			f.log.Warn("a staged file of the last run is left", "dir", f.stored.dir, "name", one.Name, "error", err)
		}
	}
}

func (f *folder) recoverOne(ctx context.Context, one localdir.Named) error {
	if one.Err != nil {
		return one.Err
	}
	aside := path.Join(localdir.Staging, one.Name)
	var n *node
	expected := false
	switch {
	case strings.HasPrefix(one.Name, takenOut):
		var row int64
		var ours, digested uint64
		var rest string
		if _, err := fmt.Sscanf(strings.TrimPrefix(one.Name, takenOut), "%d-%d-%x-%s", &row, &ours, &digested, &rest); err != nil {
			return err
		}
		if ours != 0 && ours == one.Inode {
			return f.dir.Remove(aside) // not exchanged yet
		}
		n = f.local.find(func(n *node) bool { return n.id == row })
		expected = digested == digest(one.Stat)
	case strings.HasPrefix(one.Name, takenPlain):
		n = f.local.find(func(n *node) bool { return n.Stat.Inode != 0 && n.Stat.SameObject(one.Stat) })
		expected = n != nil && sameContent(n.Stat, one.Stat)
	default:
		return f.dir.Remove(aside)
	}
	return f.bringBack(ctx, aside, n, one.Stat, expected)
}

// bringBack gives what was taken out of its place its name again.
func (f *folder) bringBack(ctx context.Context, aside string, n *node, s localdir.Stat, expected bool) error {
	at := "recovered"
	if n != nil {
		at = n.path()
		err := f.dir.Place(aside, at)
		if err == nil {
			return f.dir.Flush([]string{parentOf(at)})
		}
		if there, statErr := f.dir.Stat(at); statErr == nil && there.SameObject(s) && !s.IsDir() {
			return f.dir.Remove(aside) // two names of one file
		}
	}
	if !expected || s.IsDir() {
		return f.beside(aside, at)
	}
	if n != nil { // else that was done before the row went
		if err := f.space.Retain(ctx, []Old{{Blob: n.Blob, Path: aside, File: s.IsFile()}}, f.dir.Open); err != nil {
			return err
		}
	}
	return f.dir.Remove(aside)
}

// beside gives what lies aside a name beside that of another.
func (f *folder) beside(aside, at string) error {
	dir := parentOf(at)
	if s, err := f.dir.Stat(dir); err != nil || !s.IsDir() {
		dir = ""
	}
	name := path.Base(at)
	ext := path.Ext(name)
	if ext == name || len(ext) > 16 {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	stem = strings.ToValidUTF8(stem[:min(len(stem), 200)], "")
	to := path.Join(dir, fmt.Sprintf("%s (recovered %s)%s", stem, rand.Text()[:8], ext))
	if err := f.dir.Place(aside, to); err != nil {
		return err
	}
	return f.dir.Flush([]string{dir})
}

// giveBack returns what was taken out of its place and is not what was expected: the user
// was quicker. What cannot be returned now is when the directory is opened again.
func (x *applier) giveBack(aside, at string) {
	x.wait(at, true)
	err := x.dir.Place(aside, at)
	if moot.KindOf(err) == moot.Conflict || moot.KindOf(err) == moot.NotFound {
		err = x.beside(aside, at)
		x.wait("", true)
	}
	if err != nil {
		x.log.Warn("a file stays aside until the folder is opened again", "dir", x.stored.dir, "path", at, "error", err)
	}
}

// find returns a node that has a quality, or nil.
func (l *local) find(has func(*node) bool) (found *node) {
	l.root.each(func(n *node) {
		if n.parent != nil && has(n) {
			found = n
		}
	})
	return found
}
