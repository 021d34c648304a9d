//go:build !linux

package localdir

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"
)

// check refuses a path with a link in its middle. Only os.Root guards against one that
// comes between this and the operation: it still cannot lead out.
func (r *Root) check(path string) error {
	folder, _, err := split(path)
	if err != nil || folder == "" {
		return err
	}
	for i := 0; i <= len(folder); i++ {
		if i < len(folder) && folder[i] != '/' {
			continue
		}
		info, err := r.root.Lstat(folder[:i])
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return errLink
		}
	}
	return nil
}

// rooted is a path as os.Root wants it.
func rooted(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// Stat describes a path.
func (r *Root) Stat(path string) (s Stat, err error) {
	if err = r.check(path); err == nil {
		var info fs.FileInfo
		if info, err = r.root.Lstat(rooted(path)); err == nil {
			s = statOf(info)
		}
	}
	return s, failure("stat", path, err)
}

func statOf(info fs.FileInfo) Stat {
	s := Stat{
		Type:      info.Mode().Type(),
		Mode:      info.Mode().Perm(),
		Size:      info.Size(),
		ModTime:   info.ModTime(),
		Links:     1,
		Allocated: info.Size(),
	}
	s.fill(info)
	return s
}

// ReadDir lists a folder by name.
func (r *Root) ReadDir(path string) ([]Named, error) {
	err := r.check(join(path, "x"))
	if err != nil {
		return nil, failure("list", path, err)
	}
	f, err := r.root.Open(rooted(path))
	if err != nil {
		return nil, failure("list", path, err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, failure("list", path, err)
	}
	slices.Sort(names)
	list := make([]Named, 0, len(names))
	for _, name := range names {
		if rooted(path) == "." && name == Private {
			continue
		}
		info, err := r.root.Lstat(join(path, name))
		switch {
		case err == nil:
			list = append(list, Named{Name: name, Stat: statOf(info)})
		case !errors.Is(err, fs.ErrNotExist):
			list = append(list, Named{Name: name, Err: failure("stat", name, err)})
		}
	}
	return list, nil
}

// Readlink returns the text of a symbolic link.
func (r *Root) Readlink(path string) (target string, err error) {
	s, err := r.Stat(path)
	if err == nil && !s.IsLink() {
		err = errNoLink
	}
	if err == nil {
		target, err = r.root.Readlink(rooted(path))
	}
	return target, failure("read link", path, err)
}

// openRegular opens a regular file for reading.
func (r *Root) openRegular(path string) (*os.File, error) {
	if err := regular(r.Stat(path)); err != nil {
		return nil, failure("open", path, err)
	}
	f, err := r.root.OpenFile(rooted(path), os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, failure("open", path, err)
	}
	if err := regular(statFile(f)); err != nil {
		f.Close()
		return nil, failure("open", path, err)
	}
	return f, nil
}

// create makes an empty file for writing.
func (r *Root) create(path string) (*os.File, error) {
	f, err := r.root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	return f, failure("make", path, err)
}

func statFile(f *os.File) (Stat, error) {
	info, err := f.Stat()
	if err != nil {
		return Stat{}, err
	}
	return statOf(info), nil
}

// Place moves an object to a path where nothing is.
func (r *Root) Place(from, to string) error { return r.placePlain(from, to) }

// Exchange swaps two objects.
func (r *Root) Exchange(a, b string) error { return r.exchangePlain(a, b) }

// do runs an operation on paths that were checked.
func (r *Root) do(op string, run func() error, paths ...string) (err error) {
	for _, path := range paths {
		if err == nil {
			err = r.check(path)
		}
	}
	if err == nil {
		err = run()
	}
	return failure(op, paths[len(paths)-1], err)
}

// rename moves an object, and replaces what is there.
func (r *Root) rename(from, to string) error {
	return r.do("rename", func() error { return r.root.Rename(from, to) }, from, to)
}

// link gives a file another name.
func (r *Root) link(from, to string) error {
	return r.do("link", func() error { return r.root.Link(from, to) }, from, to)
}

// Mkdir makes a folder with exactly these permissions.
func (r *Root) Mkdir(path string, mode fs.FileMode) error {
	return r.do("make folder", func() error {
		return errors.Join(r.root.Mkdir(path, mode.Perm()), r.root.Chmod(path, mode.Perm()))
	}, path)
}

// Symlink makes a symbolic link.
func (r *Root) Symlink(target, path string) error {
	return r.do("link", func() error { return r.root.Symlink(target, path) }, path)
}

// Remove removes a file, a link or an empty folder.
func (r *Root) Remove(path string) error {
	return r.do("remove", func() error { return r.root.Remove(path) }, path)
}

// RemoveFolder removes an empty folder. What comes in its place in that instant may go.
func (r *Root) RemoveFolder(path string) error {
	s, err := r.Stat(path)
	if err == nil && !s.IsDir() {
		return failure("remove", path, fs.ErrNotExist)
	}
	if err != nil {
		return err
	}
	return r.Remove(path)
}

// Chmod sets the permission bits.
func (r *Root) Chmod(path string, mode fs.FileMode) error {
	s, err := r.Stat(path)
	if err == nil && s.IsLink() {
		err = errLink
	}
	if err == nil {
		err = r.root.Chmod(rooted(path), mode.Perm())
	}
	return failure("chmod", path, err)
}

// SetTime sets the modification time, and returns what the file system made of it. Links
// retain theirs.
func (r *Root) SetTime(path string, mtime time.Time) (time.Time, error) {
	s, err := r.Stat(path)
	if err == nil && !s.IsLink() {
		if err = r.root.Chtimes(rooted(path), time.Time{}, mtime); err == nil {
			s, err = r.Stat(path)
		}
	}
	return s.ModTime, failure("set time of", path, err)
}

func (r *Root) syncAll() (can bool, err error) { return false, nil }

// syncPath makes one file or folder durable.
func (r *Root) syncPath(path string) error {
	return r.do("flush", func() error {
		f, err := r.root.OpenFile(rooted(path), flushMode(r, path), 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	}, path)
}

// flushMode opens files for writing where a file open for reading cannot be flushed.
func flushMode(r *Root, path string) int {
	if s, err := r.Stat(path); err == nil && s.IsFile() {
		return fileFlush
	}
	return os.O_RDONLY
}

// Quiet is unknown.
func (r *Root) Quiet(string) (quiet, known bool, err error) { return false, false, nil }
