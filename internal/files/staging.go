package files

import (
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// tempPrefix starts the names of directories in which something is being written.
const tempPrefix = ".moot-"

// staging is a directory beside a target in which that is written before it gets its name.
// The directory's name follows from the target's, so that the next writer of the target
// removes what an interrupted one has left behind.
type staging struct {
	dir    string
	target string
	locked *durable.Locked
}

// newStaging makes the directory of a target, which is empty.
func newStaging(target string) (*staging, error) {
	parent, base := filepath.Split(target)
	id := blob.IDOf([]byte(base))
	dir := filepath.Join(parent, tempPrefix+hex.EncodeToString(id[:8]))
	s, err := takeStaging(dir)
	if err == nil && s == nil { // another process writes the same target now
		if dir, err = os.MkdirTemp(filepath.Join(parent, "."), tempPrefix); err == nil {
			s, err = takeStaging(dir)
		}
	}
	if err != nil {
		return nil, osError(err)
	}
	if s == nil {
		return nil, moot.Errorf(moot.Unavailable, "%s is in use", dir)
	}
	s.target = target
	return s, nil
}

// takeStaging makes or takes over a directory; nil if another process holds it.
func takeStaging(dir string) (*staging, error) {
	for {
		if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
			return nil, err
		}
		f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
		if os.IsNotExist(err) {
			continue // its last holder has just removed it
		}
		if err != nil {
			return nil, err
		}
		locked, err := durable.LockFile(f)
		if moot.KindOf(err) == moot.Unavailable {
			return nil, f.Close()
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if here, err := os.Stat(f.Name()); err == nil {
			if info, err := f.Stat(); err == nil && os.SameFile(here, info) {
				s := &staging{dir: dir, locked: locked}
				return s, removeAll(s.content())
			}
		}
		_ = locked.Close() // it was removed before it was locked
	}
}

// content is where the target is written first.
func (s *staging) content() string { return filepath.Join(s.dir, "content") }

// install gives what was written its name, durably.
func (s *staging) install() error {
	if err := os.Rename(s.content(), s.target); err != nil {
		return osError(err)
	}
	return osError(durable.SyncFolder(filepath.Dir(s.target)))
}

// close removes the directory.
func (s *staging) close() { _ = release(s.dir, s.locked) } // the next one removes what remains

// removeAll removes a directory, also folders in it that their owner may not write.
func removeAll(dir string) error {
	err := os.RemoveAll(dir)
	if !os.IsPermission(err) {
		return err
	}
	_ = filepath.WalkDir(dir, func(at string, e fs.DirEntry, _ error) error { // what fails is reported below
		if e != nil && e.IsDir() {
			_ = os.Chmod(at, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
