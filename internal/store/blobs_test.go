package store

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

func TestPutAndGet(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		for _, size := range []int{0, 1, blob.GroupSize, blob.GroupSize + 1, 10*blob.GroupSize + 3} {
			data := content(size, byte(size))
			b := r.put(data)
			if want, _ := blob.Hash(bytes.NewReader(data)); b != want {
				t.Fatalf("%d bytes: %v, want %v", size, b, want)
			}
			if r.cfg.Database != "" {
				r.reopen()
			}
			got, err := r.get(b.ID, moot.Whole)
			must(t, err)
			if !bytes.Equal(got, data) {
				t.Fatalf("%d bytes: got %d", size, len(got))
			}
			rng := moot.Range{Offset: int64(size) / 2, Length: 10}
			got, err = r.get(b.ID, rng)
			must(t, err)
			if c := rng.In(b.Size); !bytes.Equal(got, data[c.Offset:c.End()]) {
				t.Fatalf("%d bytes: a wrong stretch", size)
			}
			if h, err := r.Have(t.Context(), b.ID); err != nil || !h.Complete() {
				t.Fatalf("have %v, %v", h, err)
			}
			must(t, r.Drop(t.Context(), b.ID))
			_, err = r.get(b.ID, moot.Whole)
			wantKind(t, err, moot.NotFound)
		}
	})
}

func TestDamagedBytesAreNotServed(t *testing.T) {
	r := diskRig(t)
	data := content(5*blob.GroupSize, 1)
	b := r.put(data)
	path := filepath.Join(r.cfg.Blobs, filepath.FromSlash(r.blobs.name(b.ID)))
	damaged := bytes.Clone(data)
	damaged[3*blob.GroupSize] ^= 1
	must(t, os.WriteFile(path, damaged, 0o600))
	got, err := r.get(b.ID, moot.Whole)
	wantKind(t, err, moot.Corrupt)
	if !bytes.HasPrefix(data, got) {
		t.Error("wrong bytes were served")
	}
	_, err = r.Have(t.Context(), b.ID)
	wantKind(t, err, moot.NotFound) // set aside
	r.put(data)
	_, err = r.get(b.ID, moot.Whole)
	must(t, err)
}

// download writes groups of data into a partial.
func download(t *testing.T, p blob.Partial, b moot.Blob, data []byte, from, to int64) {
	t.Helper()
	var tree bytes.Buffer
	h := blob.NewHasher(&tree)
	h.Write(data)
	h.Sum()
	rng := moot.Range{Offset: from * blob.GroupSize, Length: (to - from) * blob.GroupSize}
	var slice bytes.Buffer
	must(t, blob.Encode(&slice, b, bytes.NewReader(data), bytes.NewReader(tree.Bytes()), rng))
	d := blob.NewDecoder(&slice, b.ID, rng)
	for n := int64(0); n < to-from; {
		g, err := d.NextRun(make([]byte, 2*blob.GroupSize))
		must(t, err)
		must(t, p.Write(g))
		n += g.Count()
	}
}

func TestDownloadsAreResumed(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		data := content(8*blob.GroupSize, 2)
		b, _ := blob.Hash(bytes.NewReader(data))
		p, err := r.Fill(t.Context(), b)
		must(t, err)
		download(t, p, b, data, 2, 5)
		if h, err := r.Have(t.Context(), b.ID); err != nil || len(h.Ranges) != 1 || h.Ranges[0].Length != 3*blob.GroupSize {
			t.Fatalf("have %v, %v", h, err)
		}
		if _, err := r.get(b.ID, moot.Range{Offset: 2 * blob.GroupSize, Length: 100}); err != nil {
			t.Fatalf("a part that is held: %v", err)
		}
		wantKind(t, p.Complete(t.Context()), moot.Unavailable)
		must(t, p.Close())
		if r.cfg.Database == "" {
			return // memory ends with the process
		}
		r.reopen()
		p, err = r.Fill(t.Context(), b)
		must(t, err)
		if got := p.Held().Count(); got != 3 {
			t.Fatalf("%d of 3 groups survived", got)
		}
		download(t, p, b, data, 0, 8)
		must(t, p.Complete(t.Context()))
		if got := make([]byte, 10); true {
			_, err := p.Data().ReadAt(got, 0)
			must(t, err)
		}
		must(t, p.Close())
		r.reopen()
		got, err := r.get(b.ID, moot.Whole)
		must(t, err)
		if !bytes.Equal(got, data) {
			t.Fatal("the download differs")
		}
	})
}

// TestAHintIsNotBelieved: what a crash left in the list of groups may be wrong.
func TestAHintIsNotBelieved(t *testing.T) {
	r := diskRig(t)
	data := content(4*blob.GroupSize, 3)
	b, _ := blob.Hash(bytes.NewReader(data))
	p, err := r.Fill(t.Context(), b)
	must(t, err)
	download(t, p, b, data, 0, 4)
	must(t, p.Close())
	path := filepath.Join(r.cfg.Blobs, "part", b.ID.String()+".data")
	torn, err := os.ReadFile(path)
	must(t, err)
	clear(torn[blob.GroupSize : 2*blob.GroupSize]) // never reached the disk
	must(t, os.WriteFile(path, torn, 0o600))
	r.reopen()
	p, err = r.Fill(t.Context(), b)
	must(t, err)
	defer p.Close()
	if held := p.Held(); held.Has(1) || held.Count() != 3 {
		t.Fatalf("held: %v", held.Ranges())
	}
}

func TestLinks(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		path := filepath.Join(t.TempDir(), "movie")
		data := content(6*blob.GroupSize, 4)
		must(t, os.WriteFile(path, data, 0o600))
		b, err := r.Link(t.Context(), path)
		must(t, err)
		got, err := r.get(b.ID, moot.Whole)
		must(t, err)
		if !bytes.Equal(got, data) {
			t.Fatal("the link differs")
		}
		data[5*blob.GroupSize] ^= 1
		must(t, os.WriteFile(path, data, 0o600))
		_, err = r.get(b.ID, moot.Whole)
		wantKind(t, err, moot.Corrupt)
		_, err = r.get(b.ID, moot.Whole)
		wantKind(t, err, moot.NotFound)
		_, err = r.Link(t.Context(), filepath.Dir(path))
		wantKind(t, err, moot.Invalid)
		_, err = r.Link(t.Context(), path+".missing")
		wantKind(t, err, moot.NotFound)
	})
}

// faulty is a disk that fails on demand.
type faulty struct {
	disk
	create0, sync0 error
}

func (f *faulty) create(name string) (file, error) {
	if f.create0 != nil {
		return nil, f.create0
	}
	inner, err := f.disk.create(name)
	return &faultyFile{inner, f}, err
}

type faultyFile struct {
	file
	disk *faulty
}

func (f *faultyFile) Sync() error {
	if f.disk.sync0 != nil {
		return f.disk.sync0
	}
	return f.file.Sync()
}

func TestAFullDisk(t *testing.T) {
	d := &faulty{disk: newMemory()}
	r := newRig(t, Config{disk: d})
	first := r.put([]byte("first"))
	d.create0 = syscall.ENOSPC
	_, err := r.Put(t.Context(), bytes.NewReader(content(moot.MaxSmall+1, 1)))
	wantKind(t, err, moot.Full)
	_, err = r.get(first.ID, moot.Whole)
	must(t, err)
	d.create0 = nil
	r.put(content(moot.MaxSmall+1, 1))
}

// TestAfterAFailedFsync nothing is accepted any more, and never is success claimed.
func TestAfterAFailedFsync(t *testing.T) {
	d := &faulty{disk: newMemory()}
	r := newRig(t, Config{disk: d})
	first := r.put([]byte("first"))
	d.sync0 = syscall.EIO
	_, err := r.Put(t.Context(), bytes.NewReader(content(moot.MaxSmall+1, 1)))
	wantKind(t, err, moot.Internal)
	d.sync0 = nil
	_, err = r.Put(t.Context(), strings.NewReader("more"))
	wantKind(t, err, moot.Internal)
	wantKind(t, r.Append(t.Context(), moot.Merge, newSigner("ada").file("k", "v")), moot.Internal)
	_, err = r.get(first.ID, moot.Whole)
	must(t, err)
}

func TestABrokenSourceLeavesNothing(t *testing.T) {
	r := diskRig(t)
	boom := errors.New("boom")
	_, err := r.Put(t.Context(), &breaking{bytes.NewReader(content(1<<20, 5)), boom})
	if err == nil || !errors.Is(err, boom) {
		t.Fatalf("%v", err)
	}
	left, err := os.ReadDir(filepath.Join(r.cfg.Blobs, "tmp"))
	must(t, err)
	if len(left) != 0 {
		t.Fatalf("left behind: %v", left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = r.Put(ctx, strings.NewReader("x"))
	wantKind(t, err, moot.Unavailable)
}

type breaking struct {
	r   *bytes.Reader
	err error
}

func (b *breaking) Read(p []byte) (int, error) {
	if b.r.Len() == 0 {
		return 0, b.err
	}
	return b.r.Read(p)
}

func TestOneProcessAtATime(t *testing.T) {
	r := diskRig(t)
	_, err := Open(t.Context(), r.cfg)
	wantKind(t, err, moot.Unavailable)
}

func TestBackupAndCompact(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		p := newSigner("ada")
		old := p.file("k", "old")
		r.append(old, p.file("k", "new", old))
		n, err := r.Compact(t.Context(), 1<<62)
		must(t, err)
		if n != 1 {
			t.Fatalf("%d bodies were dropped", n)
		}
		path := filepath.Join(t.TempDir(), "copy.db")
		must(t, r.Backup(t.Context(), path))
		wantKind(t, r.Backup(t.Context(), path), moot.Conflict)
		copied := newRig(t, Config{Database: path})
		if got := copied.bodies(moot.Query{}); len(got) != 1 || got[0] != "new" {
			t.Fatalf("the copy holds %q", got)
		}
		fresh := newRig(t, Config{}) // a chain whose old body was dropped still verifies
		for _, e := range r.query(moot.Query{History: true}) {
			fresh.append(e)
		}
		if got := fresh.bodies(moot.Query{}); len(got) != 1 {
			t.Fatalf("rebuilt from a compacted store: %q", got)
		}
	})
}

func TestANewerDatabase(t *testing.T) {
	r := diskRig(t)
	_, err := r.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`)
	must(t, err)
	must(t, r.Close())
	_, err = Open(t.Context(), r.cfg)
	wantKind(t, err, moot.Invalid)
	if !strings.Contains(err.Error(), "newer version") {
		t.Errorf("%v", err)
	}
}
