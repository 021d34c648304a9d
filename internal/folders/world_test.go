package folders_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// world is a space whose members exchange their entries when they are told to.
type world struct {
	t       testing.TB
	members []*member
	mu      sync.Mutex
	bytes   map[moot.BlobID][]byte // that somebody stored
	strict  bool                   // other bytes are had from disks alone
	real    map[moot.BlobID]bool   // what users wrote, or a loss of power made of it
}

// member is one device with one synced folder. It is the Space of its own service.
type member struct {
	*world
	key              moot.Key
	tree             *tree.Tree
	entries          []moot.Entry
	seq              uint64
	clock            uint64
	dir              string
	user             user
	disk             *disk           // in memory; nil: a real one
	skew             time.Duration   // of its clock
	ticks            time.Duration   // so that no two operations have one time
	wrote, destroyed map[string]bool // contents, by the user
	stated           map[moot.BlobID]bool
	data             string // directory of the service's database
	service          *folders.Service
	bodies           map[folders.Stated]moot.EntryID
	asked            int                         // calls of GetMany
	away             bool                        // nothing can be fetched
	before           func(op, path string) error // called ahead of each operation on the directory, and around State
}

func newWorld(t testing.TB, n int) *world {
	w := &world{t: t, bytes: map[moot.BlobID][]byte{}}
	for i := range n {
		m := w.newMember(i)
		m.open()
		_, err := m.service.Add(context.Background(), m.dir, folders.Options{Name: "shared"})
		must(t, err)
	}
	return w
}

// writable lets the test remove the directory, whatever permissions folders in it have.
func (m *member) writable() {
	_ = filepath.WalkDir(m.dir, func(at string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(at, 0o755)
		}
		return nil
	})
}

func (w *world) newMember(i int) *member {
	m := &member{
		world: w, key: moot.Key{byte(i + 1)}, tree: tree.New(tree.Config{}), dir: w.t.TempDir(), data: w.t.TempDir(),
		wrote: map[string]bool{}, destroyed: map[string]bool{}, stated: map[moot.BlobID]bool{},
		bodies: map[folders.Stated]moot.EntryID{},
	}
	m.user = person{m.dir}
	w.t.Cleanup(m.writable)
	w.members = append(w.members, m)
	return m
}

// newDiskWorld has disks in memory that lose power, clocks that jump, and nobody who stores
// bytes but who has them on the disk. It is for use in a bubble of synctest.
func newDiskWorld(t testing.TB, n int) *world {
	w := &world{t: t, bytes: map[moot.BlobID][]byte{}, strict: true, real: map[moot.BlobID]bool{}}
	for i := range n {
		m := w.newMember(i)
		m.disk = newDisk(m.now)
		m.user = writer{m.disk}
		m.open()
		_, err := m.service.Add(context.Background(), m.dir, folders.Options{Name: "shared"})
		must(t, err)
	}
	return w
}

// now is the time of a member's clock and disk.
func (m *member) now() time.Time {
	m.ticks += time.Microsecond
	return time.Now().Add(m.skew + m.ticks).Round(0)
}

// open starts the service, as after a crash.
func (m *member) open() {
	var err error
	cfg := folders.Config{Database: filepath.Join(m.data, "folders.db"), Space: m, Now: later, Open: m.openDir}
	if m.disk != nil {
		cfg.Now, cfg.Add = time.Now, m.openDir // what it compares with the disk's clock jumps, what it waits for does not
	}
	m.service, err = folders.New(context.Background(), cfg)
	must(m.t, err)
	s := m.service
	m.t.Cleanup(func() { s.Close() })
}

func (m *member) openDir(path string) (localdir.Dir, error) {
	var d localdir.Dir = m.disk
	if m.disk == nil {
		root, err := localdir.Open(path)
		if err != nil {
			return nil, err
		}
		d = root
	}
	return disturbed{d, m.hook}, nil
}

func (m *member) hook(op, path string) error {
	if m.before == nil {
		return nil
	}
	return m.before(op, path)
}

// later is a clock that is ahead of the file system's, so that every file is quiet.
func later() time.Time { return time.Now().Add(time.Hour) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// once brings the folder in step with what the member knows.
func (m *member) once() folders.Status {
	m.t.Helper()
	s, err := m.service.Once(context.Background(), m.dir, nil)
	must(m.t, err)
	return s
}

// meet exchanges the entries of two members.
func (w *world) meet(a, b *member) {
	for _, pair := range [][2]*member{{a, b}, {b, a}} {
		for _, e := range pair[0].entries {
			pair[1].take(e)
		}
	}
}

func (m *member) take(e moot.Entry) {
	if slices.ContainsFunc(m.entries, func(o moot.Entry) bool { return o.ID == e.ID }) {
		return
	}
	m.entries = append(m.entries, e)
	m.clock = max(m.clock, uint64(e.Time))
	must(m.t, m.tree.Apply(e))
}

// settle lets all look and meet until nothing changes any more.
func (w *world) converge() {
	w.t.Helper()
	for range 4 {
		for _, m := range w.members {
			m.once()
		}
		for _, a := range w.members {
			for _, b := range w.members {
				w.meet(a, b)
			}
		}
	}
	for _, m := range w.members {
		m.once()
	}
}

func (m *member) View(_ context.Context, read func(*tree.Tree) error) error { return read(m.tree) }

func (m *member) Changed(context.Context) <-chan struct{} { return nil }

func (m *member) State(_ context.Context, bodies []tree.Body) (ids []moot.EntryID, err error) {
	if err := m.hook("state", ""); err != nil {
		return nil, err
	}
	for _, b := range bodies {
		m.seq++
		m.clock++
		if m.disk != nil {
			m.clock = max(m.clock, uint64(moot.TimeAt(m.now())))
		}
		en := moot.Entry{Author: m.key, Seq: m.seq, Time: moot.Time(m.clock), Kind: moot.KindChange, Key: b.Key, Body: b.Data, BodySize: len(b.Data)}
		copy(en.ID[:], m.key[:1])
		binary.BigEndian.PutUint64(en.ID[1:], m.seq)
		ids = append(ids, en.ID)
		m.bodies[folders.Stated{Key: b.Key, Hash: blob.IDOf(b.Data)}] = en.ID
		m.take(en)
		for at := range b.Ops {
			if v, is := m.tree.Stated(tree.Version{Entry: en.ID, Op: uint32(at)}); is {
				m.states(v.Blob)
			}
		}
	}
	return ids, m.hook("stated", "")
}

func (m *member) Stated(_ context.Context, bodies []folders.Stated) (ids []moot.EntryID, err error) {
	for _, b := range bodies {
		ids = append(ids, m.bodies[b])
	}
	return ids, nil
}

// states wants contents that are sent to be a user's.
func (m *member) states(b moot.Blob) {
	if !m.strict || b.ID == (moot.BlobID{}) {
		return
	}
	m.stated[b.ID] = true
	if !m.real[b.ID] {
		m.t.Errorf("member %d sent %q of %d bytes, which no user wrote", m.key[0], m.find(b.ID), b.Size)
	}
}

// find returns bytes that somebody has; nil: nobody.
func (w *world) find(id moot.BlobID) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	if data, stored := w.bytes[id]; stored || !w.strict {
		return data
	}
	for _, m := range w.members {
		for _, content := range contents(m.user) {
			if blob.IDOf([]byte(content)) == id {
				return []byte(content)
			}
		}
	}
	return nil
}

func (m *member) Hash(_ context.Context, f localdir.File) (moot.Blob, error) {
	h := blob.NewHasher(nil)
	if _, err := io.Copy(h, f); err != nil {
		return moot.Blob{}, err
	}
	return h.Sum()
}

// Store keeps the bytes of everything that was ever named.
func (m *member) Store(_ context.Context, _ bool, list []folders.Content, open func(string) (localdir.File, error)) error {
	if m.strict {
		return nil
	}
	for _, c := range list {
		data := c.Data
		if data == nil {
			f, err := open(c.Path)
			if err != nil {
				return err
			}
			data, err = io.ReadAll(f)
			f.Close()
			if err != nil {
				return err
			}
		}
		m.mu.Lock()
		m.bytes[c.Blob.ID] = slices.Clone(data)
		m.mu.Unlock()
	}
	return nil
}

func (m *member) GetMany(_ context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	m.asked++
	return func(yield func(moot.Small, error) bool) {
		for _, id := range ids {
			data := m.find(id)
			if data != nil && !m.away && !yield(moot.Small{ID: id, Data: data}, nil) {
				return
			}
		}
	}
}

func (m *member) Fetch(_ context.Context, b moot.Blob, dir folders.Staging, mode fs.FileMode, modified time.Time) (string, error) {
	data := m.find(b.ID)
	if data == nil || m.away {
		return "", moot.Errorf(moot.Unavailable, "nobody has it")
	}
	s, err := dir.Stage()
	if err != nil {
		return "", err
	}
	if _, err := s.Write(data); err != nil {
		return "", err
	}
	_, err = s.Finish(mode, modified)
	return s.Path(), err
}

func (m *member) Retain(_ context.Context, list []folders.Old, open func(string) (localdir.File, error)) error {
	for _, o := range list {
		if !m.strict || !o.File {
			continue
		}
		f, err := open(o.Path)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.bytes[blob.IDOf(data)] = data
		m.mu.Unlock()
	}
	return nil
}

func (m *member) path(name string) string { return filepath.Join(m.dir, name) }

func (m *member) write(name, content string) {
	m.t.Helper()
	must(m.t, os.MkdirAll(filepath.Dir(m.path(name)), 0o755))
	must(m.t, os.WriteFile(m.path(name), []byte(content), 0o644))
}

func (m *member) rename(from, to string) {
	m.t.Helper()
	must(m.t, os.Rename(m.path(from), m.path(to)))
}

func (m *member) remove(name string) {
	m.t.Helper()
	must(m.t, os.RemoveAll(m.path(name)))
}

// list returns everything in the directory: "d dir/", "f name=content", "l name>target".
func (m *member) list() (all []string) {
	m.user.each(func(e entry) {
		switch e.kind {
		case fs.ModeDir:
			all = append(all, fmt.Sprintf("%s/ %o", e.path, e.mode))
		case fs.ModeSymlink:
			all = append(all, e.path+">"+e.content)
		default:
			all = append(all, fmt.Sprintf("%s=%s %o %d", e.path, e.content, e.mode, e.mtime.UnixNano()))
		}
	})
	sort.Strings(all)
	return all
}

// names returns the directory as names and contents only.
func (m *member) names() string {
	var list []string
	for _, s := range m.list() {
		name, rest, isFile := strings.Cut(s, "=")
		if isFile {
			content := strings.Split(rest, " ")
			s = name + "=" + strings.Join(content[:len(content)-2], " ")
		} else if dir, _, is := strings.Cut(s, "/ "); is {
			s = dir + "/"
		}
		list = append(list, s)
	}
	return strings.Join(list, "|")
}
