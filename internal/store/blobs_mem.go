package store

import (
	"errors"
	"os"
	"time"

	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
)

// memory is a disk that is gone with the process.
type memory struct {
	mu    sync.Mutex
	files map[string]*memFile
}

func newMemory() *memory { return &memory{files: map[string]*memFile{}} }

func (m *memory) create(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := &memFile{pages: map[int64]*memPage{}, used: time.Now()}
	m.files[name] = f
	return f, nil
}

func (m *memory) edit(name string) (file, error) { return m.open(name) }

func (m *memory) open(name string) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.files[name]; ok {
		return f, nil
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (m *memory) rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[from]
	if !ok {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	delete(m.files, from)
	m.files[to] = f
	return nil
}

func (m *memory) remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.files, name)
	return nil
}

func (m *memory) syncDir(string) error { return nil }

func (m *memory) list(dir string) (names []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.files {
		rest, inside := strings.CutPrefix(name, dir+"/")
		if child, _, _ := strings.Cut(rest, "/"); inside {
			names = append(names, child)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// moveOut fails: memory has no files for others.
func (m *memory) moveOut(string, string, os.FileMode, time.Time) error { return errors.ErrUnsupported }

// memFile is sparse: a file claimed to be huge costs what was written to it.
type memFile struct {
	mu    sync.RWMutex
	size  int64
	used  time.Time // guarded by memory.mu
	pages map[int64]*memPage
}

type memPage [16 << 10]byte

func (f *memFile) ReadAt(p []byte, off int64) (n int, err error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for n < len(p) && off < f.size {
		at := off % int64(len(memPage{}))
		part := p[n:min(int64(len(p)), int64(n)+f.size-off, int64(n)+int64(len(memPage{}))-at)]
		if page := f.pages[off/int64(len(memPage{}))]; page != nil {
			copy(part, page[at:])
		} else {
			clear(part)
		}
		n, off = n+len(part), off+int64(len(part))
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(p) {
		i, at := off/int64(len(memPage{})), off%int64(len(memPage{}))
		if f.pages[i] == nil {
			f.pages[i] = new(memPage)
		}
		k := copy(f.pages[i][at:], p[n:])
		n, off = n+k, off+int64(k)
	}
	f.size = max(f.size, off)
	return n, nil
}

// Truncate only ever makes files longer here; what is cut off is not cleared.
func (f *memFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.size = size
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.size, nil
}

func (f *memFile) Sync() error  { return nil }
func (f *memFile) Close() error { return nil }

// stat implements disk.
func (m *memory) stat(name string) (size int64, used time.Time, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, ok := m.files[name]
	if !ok {
		return 0, time.Time{}, fs.ErrNotExist
	}
	size, err = f.Size()
	return size, f.used, err
}

// used implements disk.
func (m *memory) used(name string) (time.Time, error) {
	_, used, err := m.stat(name)
	return used, err
}

// use implements disk.
func (m *memory) use(name string, at time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if f, ok := m.files[name]; ok {
		f.used = at
	}
	return nil
}
