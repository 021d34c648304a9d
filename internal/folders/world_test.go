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
	bytes   map[moot.BlobID][]byte // that somebody stored or has on the disk
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
	wrote, destroyed map[string]bool // contents, by the user
	data             string          // directory of the service's database
	service          *folders.Service
	stated           map[folders.Stated]moot.EntryID
	asked            int                         // calls of GetMany
	away             bool                        // nothing can be fetched
	before           func(op, path string) error // called ahead of each operation on the directory, and around State
}

func newWorld(t testing.TB, n int) *world {
	w := &world{t: t, bytes: map[moot.BlobID][]byte{}}
	for i := range n {
		m := &member{world: w, key: moot.Key{byte(i + 1)}, tree: tree.New(tree.Config{}), dir: t.TempDir(), data: t.TempDir(), wrote: map[string]bool{}, destroyed: map[string]bool{},
			stated: map[folders.Stated]moot.EntryID{}}
		w.members = append(w.members, m)
		t.Cleanup(m.writable)
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

// open starts the service, as after a crash.
func (m *member) open() {
	var err error
	m.service, err = folders.New(context.Background(), folders.Config{Database: filepath.Join(m.data, "folders.db"), Space: m, Now: later, Open: m.openDir})
	must(m.t, err)
	s := m.service
	m.t.Cleanup(func() { s.Close() })
}

func (m *member) openDir(path string) (localdir.Dir, error) {
	d, err := localdir.Open(path)
	if err != nil {
		return nil, err
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
		en := moot.Entry{Author: m.key, Seq: m.seq, Time: moot.Time(m.clock), Kind: moot.KindChange, Key: b.Key, Body: b.Data, BodySize: len(b.Data)}
		copy(en.ID[:], m.key[:1])
		binary.BigEndian.PutUint64(en.ID[1:], m.seq)
		ids = append(ids, en.ID)
		m.stated[folders.Stated{Key: b.Key, Hash: blob.IDOf(b.Data)}] = en.ID
		m.take(en)
	}
	return ids, m.hook("stated", "")
}

func (m *member) Stated(_ context.Context, bodies []folders.Stated) (ids []moot.EntryID, err error) {
	for _, b := range bodies {
		ids = append(ids, m.stated[b])
	}
	return ids, nil
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
			m.mu.Lock()
			data, ok := m.bytes[id]
			m.mu.Unlock()
			if ok && !m.away && !yield(moot.Small{ID: id, Data: data}, nil) {
				return
			}
		}
	}
}

func (m *member) Fetch(_ context.Context, b moot.Blob, dir folders.Staging, mode fs.FileMode, modified time.Time) (string, error) {
	m.mu.Lock()
	data, ok := m.bytes[b.ID]
	m.mu.Unlock()
	if !ok || m.away {
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

func (m *member) Retain(context.Context, []folders.Old, func(string) (localdir.File, error)) error {
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
	must(m.t, filepath.WalkDir(m.dir, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(m.dir, p)
		if err != nil || rel == "." {
			return err
		}
		if rel == localdir.Private {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			all = append(all, fmt.Sprintf("%s/ %o", rel, info.Mode().Perm()))
		case d.Type()&fs.ModeSymlink != 0:
			to, _ := os.Readlink(p)
			all = append(all, rel+">"+to)
		default:
			content, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			all = append(all, fmt.Sprintf("%s=%s %o %d", rel, content, info.Mode().Perm(), info.ModTime().UnixNano()))
		}
		return nil
	}))
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

// same wants all directories to be what the space shows.
func (w *world) same() {
	w.t.Helper()
	for _, m := range w.members {
		var shown []string
		for p, s := range m.tree.Walk("shared") {
			rel := strings.TrimPrefix(p, "shared/")
			switch s.Type {
			case tree.Folder:
				rel += "/"
			case tree.Link:
				rel += ">" + s.Target
			default:
				rel += "=" + string(m.bytes[s.Blob.ID])
			}
			shown = append(shown, rel)
		}
		sort.Strings(shown)
		if got := m.names(); got != strings.Join(shown, "|") {
			w.t.Errorf("member %d has\n  %s\nand the space shows\n  %s", m.key[0], got, strings.Join(shown, "|"))
		}
	}
	for _, m := range w.members[1:] {
		if a, b := w.members[0].list(), m.list(); !slices.Equal(a, b) {
			w.t.Errorf("the first has\n  %s\nand another\n  %s", strings.Join(a, "\n  "), strings.Join(b, "\n  "))
		}
	}
}
