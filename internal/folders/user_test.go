package folders_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
)

// user is who edits a directory. What cannot be done is an error and changes nothing.
type user interface {
	write(p, content string) error   // in place
	replace(p, content string) error // as an editor does: another file gets the name
	add(p, content string) error     // at the end
	mkdir(p string) error            // and those above
	rename(p, q string) error        // replaces q
	remove(p string) error
	removeAll(p string) error
	chmod(p string, mode fs.FileMode) error // of a file
	touch(p string, t time.Time) error
	symlink(target, p string) error
	link(p, q string) error
	each(f func(entry)) // parents first, by name; without Private
}

// entry is an object in a directory.
type entry struct {
	path    string
	kind    fs.FileMode
	mode    fs.FileMode
	mtime   time.Time
	content string // or the target of a link
}

// contents of a user's files, by path.
func contents(u user) map[string]string {
	all := map[string]string{}
	u.each(func(e entry) {
		if e.kind == 0 {
			all[e.path] = e.content
		}
	})
	return all
}

// person edits a real directory.
type person struct{ dir string }

func (u person) at(p string) string { return filepath.Join(u.dir, p) }

func (u person) write(p, content string) error {
	return os.WriteFile(u.at(p), []byte(content), 0o644)
}

func (u person) replace(p, content string) error {
	draft := filepath.Join(filepath.Dir(u.at(p)), ".moot-draft") // a name that nobody looks at
	if err := os.WriteFile(draft, []byte(content), 0o644); err != nil {
		return err
	}
	if err := os.Rename(draft, u.at(p)); err != nil {
		_ = os.Remove(draft)
		return err
	}
	return nil
}

func (u person) add(p, content string) error {
	f, err := os.OpenFile(u.at(p), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func (u person) mkdir(p string) error           { return os.MkdirAll(u.at(p), 0o755) }
func (u person) rename(p, q string) error       { return os.Rename(u.at(p), u.at(q)) }
func (u person) remove(p string) error          { return os.Remove(u.at(p)) }
func (u person) removeAll(p string) error       { return os.RemoveAll(u.at(p)) }
func (u person) symlink(target, p string) error { return os.Symlink(target, u.at(p)) }
func (u person) link(p, q string) error         { return os.Link(u.at(p), u.at(q)) }

func (u person) chmod(p string, mode fs.FileMode) error {
	if i, err := os.Lstat(u.at(p)); err != nil || !i.Mode().IsRegular() {
		return moot.Errorf(moot.NotFound, "no file")
	}
	return os.Chmod(u.at(p), mode)
}

func (u person) touch(p string, t time.Time) error {
	if i, err := os.Lstat(u.at(p)); err != nil || !i.Mode().IsRegular() {
		return moot.Errorf(moot.NotFound, "no file")
	}
	return os.Chtimes(u.at(p), time.Time{}, t)
}

func (u person) each(f func(entry)) {
	_ = filepath.WalkDir(u.dir, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(u.dir, p)
		switch {
		case err != nil || rel == ".":
			return err
		case rel == localdir.Private:
			return filepath.SkipDir
		}
		i, err := d.Info()
		if err != nil {
			return err
		}
		e := entry{path: rel, kind: d.Type(), mode: i.Mode().Perm(), mtime: i.ModTime()}
		if e.kind == fs.ModeSymlink {
			e.content, err = os.Readlink(p)
		} else if e.kind == 0 {
			var b []byte
			b, err = os.ReadFile(p)
			e.content = string(b)
		}
		f(e)
		return err
	})
}

// writer edits a disk in memory.
type writer struct{ *disk }

// put has a user's content in a file, step by step.
func (u writer) put(n *inode, steps ...[]byte) {
	for _, data := range steps {
		n.data, n.mtime, n.user = data, u.now(), true
		u.touched(n)
	}
}

func (u writer) write(p, content string) error {
	defer u.lock()()
	dir, name, n, err := u.find(p)
	switch {
	case err != nil:
		return err
	case n == nil:
		n = u.inode(0, 0o644)
		u.do(&rename{slots: []slot{{dir, name, n}}})
	case n.kind != 0:
		return failure(moot.Conflict, p)
	}
	u.put(n, nil, []byte(content))
	return nil
}

func (u writer) replace(p, content string) error {
	defer u.lock()()
	dir, name, there, err := u.find(p)
	if err == nil && there != nil && there.kind == fs.ModeDir {
		err = failure(moot.Conflict, p)
	}
	if err != nil {
		return err
	}
	n := u.inode(0, 0o644)
	u.do(&rename{slots: []slot{{dir, ".moot-draft", n}}})
	u.put(n, []byte(content))
	u.do(&rename{slots: []slot{{dir, ".moot-draft", nil}, {dir, name, n}}})
	return nil
}

func (u writer) add(p, content string) error {
	defer u.lock()()
	n, err := u.file(p)
	if err == nil {
		u.put(n, append(slices.Clone(n.data), content...))
	}
	return err
}

func (u writer) mkdir(p string) error {
	if parent := path.Dir(p); parent != "." {
		if err := u.mkdir(parent); err != nil {
			return err
		}
	}
	if s, err := u.Stat(p); err == nil && s.IsDir() {
		return nil
	}
	return u.Mkdir(p, 0o755)
}

func (u writer) rename(p, q string) error {
	defer u.lock()()
	a, nameA, m, err := u.find(p)
	b, nameB, n, err2 := u.find(q)
	switch {
	case err != nil || err2 != nil || m == nil:
		return failure(moot.NotFound, p)
	case m == n:
		return nil
	case within(b, m), n != nil && (m.kind == fs.ModeDir) != (n.kind == fs.ModeDir), n != nil && len(n.names) > 0:
		return failure(moot.Conflict, q)
	}
	r := &rename{slots: []slot{{a, nameA, nil}, {b, nameB, m}}, moves: m.kind == fs.ModeDir}
	if n != nil && n.kind == fs.ModeDir {
		r.removes = n
	}
	u.do(r)
	return nil
}

func (u writer) removeAll(p string) error {
	var list []string
	defer u.lock()()
	n, err := u.get(p)
	if err != nil {
		return err
	}
	walkInode(p, n, func(p string, _ *inode) { list = append(list, p) })
	for _, p := range slices.Backward(append([]string{p}, list...)) {
		if err := u.disk.remove(p, func(*inode) bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

func (u writer) remove(p string) error { return u.Remove(p) }

func (u writer) chmod(p string, mode fs.FileMode) error {
	if s, err := u.Stat(p); err != nil || !s.IsFile() {
		return failure(moot.NotFound, p)
	}
	return u.Chmod(p, mode)
}

func (u writer) touch(p string, t time.Time) error {
	if s, err := u.Stat(p); err != nil || !s.IsFile() {
		return failure(moot.NotFound, p)
	}
	_, err := u.SetTime(p, t)
	return err
}

func (u writer) symlink(target, p string) error { return u.Symlink(target, p) }

func (u writer) link(p, q string) error {
	defer u.lock()()
	n, err := u.file(p)
	if err == nil {
		err = u.make(q, n)
	}
	return err
}

func (u writer) each(f func(entry)) {
	var list []entry
	unlock := u.lock()
	u.walk(func(p string, n *inode) {
		if path.Base(p) == ".moot-draft" || p == localdir.Private || path.Dir(p) == localdir.Private || path.Dir(p) == localdir.Staging {
			return
		}
		e := entry{path: p, kind: n.kind, mode: n.mode, mtime: n.mtime, content: string(n.data)}
		if n.kind == fs.ModeSymlink {
			e.content = n.target
		}
		list = append(list, e)
	})
	unlock()
	for _, e := range list {
		f(e)
	}
}
