package files

import (
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// folderWriter writes a folder's content below a directory, which an os.Root does not let
// it leave, and in which no link is followed.
type folderWriter struct {
	root *os.Root

	mu      sync.Mutex
	made    map[string]bool
	folders []entryOf // whose permissions and times are set at the end
	links   []entryOf // made at the end
	skipped []Skipped
}

// entryOf is what a file, folder or link gets besides its bytes.
type entryOf struct {
	path    string
	mode    os.FileMode
	modTime time.Time // zero: not known
	target  string    // of a link
}

func newFolderWriter(dir string) (*folderWriter, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	return &folderWriter{root: root, made: map[string]bool{".": true}}, err
}

func (w *folderWriter) close() error { return w.root.Close() }

func (w *folderWriter) skip(at, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipped = append(w.skipped, Skipped{at, why})
}

// maxFolders bounds the memory that a hostile list of a folder can make a reader use.
const maxFolders = 1 << 20

// folder makes a folder, which gets its permissions at the end.
func (w *folderWriter) folder(e entryOf) error {
	w.folders = append(w.folders, e)
	return w.makeFolder(e.path)
}

// makeFolder makes a directory and those above it. None of them may be a link: a link
// in the way would put what is below it, links among them, elsewhere than checked.
func (w *folderWriter) makeFolder(dir string) error {
	if w.made[dir] {
		return nil
	}
	if len(w.made) > maxFolders || len(w.folders) > maxFolders {
		return moot.Errorf(moot.TooLarge, "the folder holds more than %d folders", maxFolders)
	}
	if err := w.makeFolder(path.Dir(dir)); err != nil {
		return err
	}
	err := w.root.Mkdir(dir, 0o755)
	if os.IsExist(err) { // where names that differ only in case are one
		var info os.FileInfo
		if info, err = w.root.Lstat(dir); err == nil && !info.IsDir() {
			err = moot.Errorf(moot.Invalid, "a damaged folder: %.200q is not a folder", dir)
		}
	}
	w.made[dir] = err == nil
	return err
}

// file writes one file with its permissions and time. Its folder must have been made.
// Several files may be written at once.
func (w *folderWriter) file(e entryOf, fill func(io.Writer) error) error {
	f, err := w.root.OpenFile(e.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if os.IsExist(err) {
		w.skip(e.path, "here it has the same name as another file")
		return nil
	}
	if err != nil {
		return err
	}
	out := durable.NewSparse(f)
	if err = fill(out); err == nil {
		err = out.Finish()
	}
	if err == nil {
		err = f.Chmod(orDefault(e.mode))
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = w.chtime(e)
	}
	return err
}

// link has a symbolic link made at the end, so that nothing is written through it.
func (w *folderWriter) link(e entryOf) { w.links = append(w.links, e) }

// makeLinks makes the links, each with its time.
func (w *folderWriter) makeLinks() error {
	for _, e := range w.links {
		if filepath.Separator != '/' && strings.ContainsAny(e.target, `\:`) {
			w.skip(e.path, "it is a link that cannot be made on this machine")
			continue
		}
		err := w.root.Symlink(filepath.FromSlash(e.target), e.path)
		if os.IsExist(err) {
			w.skip(e.path, "here it has the same name as another file")
			continue
		}
		if err == nil {
			err = w.chtime(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// finish makes the links, and sets what writing into a folder would change, the deepest
// first. The folder itself stays writable.
func (w *folderWriter) finish(top entryOf) error {
	if err := w.makeLinks(); err != nil {
		return err
	}
	slices.SortStableFunc(w.folders, func(a, b entryOf) int { return strings.Count(b.path, "/") - strings.Count(a.path, "/") })
	top.path = "."
	for _, e := range append(w.folders, top) {
		mode := orFolder(e.mode)
		if e.path == "." {
			mode |= 0o700 // until it has been moved to its place
		}
		if err := w.root.Chmod(e.path, mode); err != nil {
			return err
		}
		if err := w.chtime(e); err != nil {
			return err
		}
	}
	return nil
}

func orDefault(mode os.FileMode) os.FileMode {
	if mode.Perm() == 0 {
		return 0o644
	}
	return mode.Perm()
}

func orFolder(mode os.FileMode) os.FileMode {
	if mode.Perm() == 0 {
		return 0o755
	}
	return mode.Perm()
}

// chtime sets a time, and names one that the file system cannot hold.
func (w *folderWriter) chtime(e entryOf) error {
	set := func(t time.Time) error { return w.root.Chtimes(e.path, t, t) }
	if e.target != "" {
		set = func(t time.Time) error { return setLinkTime(w.root, e.path, t) }
	}
	why, err := setTime(e.modTime, set,
		func() (os.FileInfo, error) { return w.root.Lstat(e.path) })
	if why != "" {
		w.skip(e.path, why)
	}
	return err
}

// setTime sets a time as exactly as can be; why tells if it is another.
func setTime(t time.Time, set func(time.Time) error, stat func() (os.FileInfo, error)) (why string, err error) {
	if t.IsZero() {
		return "", nil
	}
	clamped := t
	if first, last := time.Unix(0, math.MinInt64), time.Unix(0, math.MaxInt64); t.Before(first) { // what the system call is given as
		clamped = first
	} else if t.After(last) {
		clamped = last
	}
	if err := set(clamped); err != nil {
		return "", err
	}
	if year := t.Year(); year >= 1971 && year < 2038 { // what every file system can hold
		return "", nil
	}
	info, err := stat()
	if err == nil && info.ModTime().Sub(t).Abs() > 2*time.Second {
		why = fmt.Sprintf("its time %s became %s", t.UTC().Format(time.RFC3339), info.ModTime().UTC().Format(time.RFC3339))
	}
	return why, err
}
