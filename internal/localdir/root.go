package localdir

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// Root is a directory of this machine.
type Root struct {
	path string
	root *os.Root
	dir  *os.File // the directory itself
	conn syscall.RawConn
	lock *durable.Locked

	slow  atomic.Bool // others dirtied the disk: the last flush of all took too long
	plain bool        // as if the system had neither openat2 nor renameat2, for tests
}

var _ Dir = (*Root)(nil)

const (
	markFile = Private + "/mark"
	lockFile = Private + "/lock"
)

// Add prepares a directory for synchronisation and opens it. A directory that was added
// before retains its mark.
func Add(path string) (*Root, error) {
	return open(path, true)
}

// Open opens a directory that was added before. Unavailable: it has no mark; perhaps its
// disk is not mounted. Conflict: another process has it open.
func Open(path string) (*Root, error) {
	return open(path, false)
}

func open(path string, add bool) (_ *Root, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, failure("open", path, err)
	}
	r := &Root{path: path}
	if r.root, err = os.OpenRoot(path); err != nil {
		return nil, failure("open", path, err)
	}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.dir, err = r.root.Open("."); err != nil {
		return nil, failure("open", path, err)
	}
	if r.conn, err = r.dir.SyscallConn(); err != nil {
		return nil, failure("open", path, err)
	}
	if add {
		err = r.makeMark()
	} else {
		_, err = r.Mark()
	}
	if err != nil {
		return nil, err
	}
	if err := r.makeStaging(); err != nil {
		return nil, err
	}
	f, err := r.root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, failure("open", lockFile, err)
	}
	if r.lock, err = durable.LockFile(f); err != nil {
		f.Close()
		return nil, moot.Errorf(moot.Conflict, "%s is synced by another process already", path)
	}
	return r, nil
}

// Path is the absolute path of the directory.
func (r *Root) Path() string { return r.path }

// Close ends the use, and releases the lock.
func (r *Root) Close() error {
	r.close()
	return nil
}

func (r *Root) close() {
	if r.lock != nil {
		_ = r.lock.Close() // nothing is written to it
	}
	if r.dir != nil {
		r.dir.Close()
	}
	r.root.Close()
}

// makeStaging makes the private folders that are missing.
func (r *Root) makeStaging() error {
	for _, folder := range []string{Private, Staging} {
		if err := r.root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return failure("make", folder, err)
		}
		if s, err := r.Stat(folder); err != nil || !s.IsDir() {
			return errors.Join(moot.Errorf(moot.Conflict, "%s is no folder", folder), err)
		}
	}
	return nil
}

// makeMark makes the mark durable, unless there is one.
func (r *Root) makeMark() error {
	if _, err := r.Mark(); err == nil {
		return nil
	}
	if err := r.makeStaging(); err != nil {
		return err
	}
	id := make([]byte, 16)
	rand.Read(id) // never fails, by its documentation
	temp := Staging + "/mark-" + hex.EncodeToString(id)
	f, err := r.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return failure("make", markFile, err)
	}
	_, err = f.WriteString(hex.EncodeToString(id) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = r.root.Rename(temp, markFile)
	}
	if err == nil {
		err = errors.Join(durable.SyncFolder(filepath.Join(r.path, Private)), durable.SyncFolder(r.path))
	}
	return failure("make", markFile, err)
}

// Mark returns the random ID that the directory got when it was added.
func (r *Root) Mark() (string, error) {
	now, err := os.Stat(r.path)
	if err != nil {
		return "", moot.Errorf(moot.Unavailable, "%s is gone: is its disk still mounted? %w", r.path, err)
	}
	if opened, err := r.dir.Stat(); err != nil || !os.SameFile(now, opened) {
		return "", moot.Errorf(moot.Unavailable, "%s is another directory than before: is its disk still mounted?", r.path)
	}
	text, err := r.root.ReadFile(markFile)
	switch mark := strings.TrimSpace(string(text)); {
	case errors.Is(err, fs.ErrNotExist):
		return "", moot.Errorf(moot.Unavailable, "%s has no %s: is its disk still mounted?", r.path, markFile)
	case err != nil:
		return "", failure("read", markFile, err)
	case len(mark) != 32 || !isHex(mark):
		return "", moot.Errorf(moot.Corrupt, "%s in %s is damaged", markFile, r.path)
	default:
		return mark, nil
	}
}

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil
}

// Folds probes how the file system compares names.
func (r *Root) Folds() (caseless, normalizes bool, err error) {
	probe := Staging + "/probe-" + strings.ToLower(rand.Text())
	if caseless, err = r.sameName(probe+"-a", probe+"-A"); err != nil {
		return false, false, err
	}
	normalizes, err = r.sameName(probe+"-\u00e9", probe+"-e\u0301")
	return caseless, normalizes, err
}

// sameName reports whether a file made with one name has the other, too.
func (r *Root) sameName(made, asked string) (bool, error) {
	f, err := r.create(made)
	if err != nil {
		return false, failure("make", made, err)
	}
	f.Close()
	_, err = r.Stat(asked)
	return err == nil, r.Remove(made)
}

// split checks a path and returns its folder, "" for the directory, and its last element.
func split(path string) (folder, name string, err error) {
	if path == "" || path == "." {
		return "", ".", nil
	}
	if len(path) > maxPath || strings.IndexByte(path, 0) >= 0 {
		return "", "", syscall.EINVAL
	}
	for element := range strings.SplitSeq(path, "/") {
		if element == "" || element == "." || element == ".." {
			return "", "", syscall.EINVAL
		}
	}
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:], nil
	}
	return "", path, nil
}

// maxPath bounds the length of a path in bytes. Elements are resolved one by one, if a
// path is longer than the system takes at once.
const maxPath = 64 << 10

// join is the path of a name in a folder.
func join(folder, name string) string {
	if folder == "" || folder == "." {
		return name
	}
	return folder + "/" + name
}
