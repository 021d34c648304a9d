package folders_test

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/localdir"
)

// disk is a directory in memory that can lose power (crash_test.go). Its clock is its own.
type disk struct {
	now func() time.Time

	mu      sync.Mutex
	root    *inode
	last    uint64    // inode number
	pending []*rename // not durable yet, oldest first

}

// inode is a file, folder or link.
type inode struct {
	number uint64
	kind   fs.FileMode
	state
	target string
	born   time.Time
	names  map[string]*inode // of a folder

	durable map[string]*inode // names that outlast a loss of power
	states  []state           // that may be found after one: the first is durable, the last is now
	user    bool              // a user wrote it last
}

// state is what a flush of a file makes durable.
type state struct {
	mode         fs.FileMode
	mtime, ctime time.Time
	data         []byte
}

// rename is one operation on names: all of it is durable or nothing.
type rename struct {
	slots   []slot
	removes *inode // a folder that is gone with it
	moves   bool   // a folder, from elsewhere
}

// slot is a name and what it stands for from now on; nil: nothing.
type slot struct {
	dir  *inode
	name string
	to   *inode
}

func newDisk(now func() time.Time) *disk {
	d := &disk{now: now}
	d.root = d.inode(fs.ModeDir, 0o755)
	private, staging := d.inode(fs.ModeDir, 0o700), d.inode(fs.ModeDir, 0o700)
	d.root.names[localdir.Private], private.names["staging"] = private, staging
	d.root.durable, private.durable = maps.Clone(d.root.names), maps.Clone(private.names)
	return d
}

func (d *disk) inode(kind, mode fs.FileMode) *inode {
	d.last++
	now := d.now()
	n := &inode{number: d.last, kind: kind, state: state{mode: mode, mtime: now, ctime: now}, born: now}
	n.states = []state{n.state}
	if kind == fs.ModeDir {
		n.names, n.durable = map[string]*inode{}, map[string]*inode{}
	}
	return n
}

// touched notes another state.
func (d *disk) touched(n *inode) {
	n.ctime = d.now()
	n.states = append(n.states, n.state)
	if len(n.states) > 6 {
		n.states = slices.Delete(n.states, 1, 2)
	}
}

// do changes names.
func (d *disk) do(r *rename) {
	for _, s := range r.slots {
		if s.to == nil {
			delete(s.dir.names, s.name)
		} else {
			s.dir.names[s.name] = s.to
			s.to.ctime = d.now() // outlasts a loss of power or not: as it happens to be flushed
		}
		s.dir.mtime = d.now()
	}
	d.pending = append(d.pending, r)
}

func failure(kind moot.ErrorKind, p string) error { return moot.Errorf(kind, "%s: %s", p, kind) }

// find returns the folder of a path, its last name and what has it; nil: nothing.
func (d *disk) find(p string) (dir *inode, name string, n *inode, err error) {
	dir, n = nil, d.root
	if p == "" || p == "." {
		return nil, "", d.root, nil
	}
	for name = range strings.SplitSeq(p, "/") {
		if n == nil || n.kind == 0 {
			return nil, "", nil, failure(moot.NotFound, p)
		}
		if n.kind != fs.ModeDir {
			return nil, "", nil, failure(moot.Conflict, p)
		}
		dir, n = n, n.names[name]
	}
	return dir, name, n, nil
}

// get returns what has a path.
func (d *disk) get(p string) (*inode, error) {
	_, _, n, err := d.find(p)
	if err == nil && n == nil {
		err = failure(moot.NotFound, p)
	}
	return n, err
}

// file returns the regular file at a path.
func (d *disk) file(p string) (*inode, error) {
	n, err := d.get(p)
	if err == nil && n.kind != 0 {
		err = failure(moot.Conflict, p)
	}
	return n, err
}

func (d *disk) lock() func() { d.mu.Lock(); return d.mu.Unlock }

// links counts the names of a file.
func (d *disk) links(n *inode) (count uint64) {
	d.walk(func(_ string, o *inode) {
		if o == n {
			count++
		}
	})
	return max(count, 1)
}

// walk calls f for everything, parents first, by name.
func (d *disk) walk(f func(path string, n *inode)) { walkInode("", d.root, f) }

func walkInode(at string, n *inode, f func(string, *inode)) {
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		p := strings.TrimPrefix(at+"/"+name, "/")
		f(p, n.names[name])
		walkInode(p, n.names[name], f)
	}
}

func (d *disk) stat(n *inode) localdir.Stat {
	s := localdir.Stat{
		Type: n.kind, Mode: n.mode, Size: int64(len(n.data)), ModTime: n.mtime, ChangeTime: n.ctime, Born: n.born,
		Inode: n.number, Device: 1, Links: 1,
	}
	if n.kind == 0 {
		s.Links = d.links(n)
	}
	return s
}

func (d *disk) Stat(p string) (localdir.Stat, error) {
	defer d.lock()()
	n, err := d.get(p)
	if err != nil {
		return localdir.Stat{}, err
	}
	return d.stat(n), nil
}

func (d *disk) ReadDir(p string) (list []localdir.Named, err error) {
	defer d.lock()()
	n, err := d.get(p)
	if err != nil || n.kind != fs.ModeDir {
		return nil, failure(moot.NotFound, p)
	}
	for _, name := range slices.Sorted(maps.Keys(n.names)) {
		if n != d.root || name != localdir.Private {
			list = append(list, localdir.Named{Name: name, Stat: d.stat(n.names[name])})
		}
	}
	return list, nil
}

func (d *disk) Readlink(p string) (string, error) {
	defer d.lock()()
	n, err := d.get(p)
	if err == nil && n.kind != fs.ModeSymlink {
		err = failure(moot.Conflict, p)
	}
	if err != nil {
		return "", err
	}
	return n.target, nil
}

// make gives a new inode a name.
func (d *disk) make(p string, n *inode) error {
	dir, name, there, err := d.find(p)
	if err != nil {
		return err
	}
	if there != nil {
		return failure(moot.Conflict, p)
	}
	d.do(&rename{slots: []slot{{dir, name, n}}})
	return nil
}

func (d *disk) Place(from, to string) error {
	defer d.lock()()
	a, nameA, n, err := d.find(from)
	if err == nil && n == nil {
		err = failure(moot.NotFound, from)
	}
	if err != nil {
		return err
	}
	b, nameB, there, err := d.find(to)
	if err == nil && there != nil {
		err = failure(moot.Conflict, to)
	}
	if err == nil && within(b, n) {
		err = failure(moot.Invalid, to)
	}
	if err == nil {
		d.do(&rename{slots: []slot{{a, nameA, nil}, {b, nameB, n}}, moves: n.kind == fs.ModeDir})
	}
	return err
}

// within reports whether a folder is another one or lies below it.
func within(n, outer *inode) bool {
	found := n == outer
	walkInode("", outer, func(_ string, o *inode) { found = found || o == n })
	return found
}

func (d *disk) Exchange(p, q string) error {
	defer d.lock()()
	a, nameA, m, err := d.find(p)
	b, nameB, n, err2 := d.find(q)
	if err != nil || err2 != nil || m == nil || n == nil {
		return failure(moot.NotFound, q)
	}
	if within(b, m) || within(a, n) {
		return failure(moot.Invalid, q)
	}
	d.do(&rename{slots: []slot{{a, nameA, n}, {b, nameB, m}}, moves: m.kind == fs.ModeDir || n.kind == fs.ModeDir})
	return nil
}

func (d *disk) Mkdir(p string, mode fs.FileMode) error {
	defer d.lock()()
	return d.make(p, d.inode(fs.ModeDir, mode))
}

func (d *disk) Symlink(target, p string) error {
	defer d.lock()()
	n := d.inode(fs.ModeSymlink, 0o777)
	n.target = target
	return d.make(p, n)
}

func (d *disk) Remove(p string) error {
	defer d.lock()()
	return d.remove(p, func(*inode) bool { return true })
}

func (d *disk) RemoveFolder(p string) error {
	defer d.lock()()
	return d.remove(p, func(n *inode) bool { return n.kind == fs.ModeDir })
}

func (d *disk) remove(p string, is func(*inode) bool) error {
	dir, name, n, err := d.find(p)
	if err != nil || n == nil || !is(n) || dir == nil {
		return failure(moot.NotFound, p)
	}
	r := &rename{slots: []slot{{dir, name, nil}}}
	if n.kind == fs.ModeDir {
		if len(n.names) > 0 {
			return failure(moot.Conflict, p)
		}
		r.removes = n
	}
	d.do(r)
	return nil
}

func (d *disk) Chmod(p string, mode fs.FileMode) error {
	defer d.lock()()
	n, err := d.get(p)
	if err == nil && n.kind == fs.ModeSymlink {
		err = failure(moot.Conflict, p)
	}
	if err == nil {
		n.mode = mode
		d.touched(n)
	}
	return err
}

func (d *disk) SetTime(p string, t time.Time) (time.Time, error) {
	defer d.lock()()
	n, err := d.get(p)
	if err == nil {
		n.mtime = t
		d.touched(n)
	}
	return t, err
}

func (d *disk) Quiet(string) (quiet, known bool, err error) { return true, true, nil }

func (d *disk) Free() (free, total uint64, err error) { return 1 << 40, 1 << 40, nil }

func (d *disk) Folds() (caseless, normalizes bool, err error) { return false, false, nil }

func (d *disk) Mark() (string, error) { return "mark", nil }

func (d *disk) Watch(ctx context.Context, _ localdir.WatchOptions) error {
	<-ctx.Done()
	return ctx.Err()
}

func (d *disk) Close() error { return nil }
