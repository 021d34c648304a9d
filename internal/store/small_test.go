package store

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// TestVacuum: what a collection frees goes back to the file system.
func TestVacuum(t *testing.T) {
	r := diskRig(t)
	_, err := r.PutMany(t.Context(), smallContents(2000, 2048))
	must(t, err)
	r.now = func() time.Time { return time.Now().Add(2 * Lease) }
	c, err := r.Collect(t.Context(), CollectOptions{Needed: nothing})
	must(t, err)
	if c.Blobs != 2000 || c.Bytes != 2000*2048 {
		t.Errorf("collected: %+v", c)
	}
	for _, name := range []string{smallFile, smallFile + "-wal"} {
		info, err := os.Stat(filepath.Join(r.cfg.Blobs, name))
		must(t, err)
		if info.Size() > 1<<20 {
			t.Errorf("%s still has %d bytes", name, info.Size())
		}
	}
}

// smallContents returns n contents of size bytes.
func smallContents(n, size int) (list [][]byte) {
	for i := range n {
		list = append(list, fresh(content(size, 1), new(uint64(i))))
	}
	return list
}

// TestPutMendsARow: what is put anew replaces bytes that were damaged.
func TestPutMendsARow(t *testing.T) {
	r := diskRig(t)
	data := content(100, 1)
	names, err := r.PutMany(t.Context(), [][]byte{data})
	must(t, err)
	damageRows(t, r, content(100, 2))
	_, err = r.PutMany(t.Context(), [][]byte{data})
	must(t, err)
	got, err := r.get(names[0].ID, moot.Whole)
	must(t, err)
	if !bytes.Equal(got, data) {
		t.Fatal("wrong bytes")
	}
}

// damageRows makes every row of small blobs a false one.
func damageRows(t *testing.T, r *rig, data []byte) {
	must(t, r.small.submit(func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE content SET data = ?`, data)
		return err
	}))
}

// TestDamagedRowsAreNotServed, by any call, and are set aside.
func TestDamagedRowsAreNotServed(t *testing.T) {
	r := diskRig(t)
	for name, get := range map[string]func(moot.BlobID) error{
		"get": func(id moot.BlobID) error {
			_, err := r.get(id, moot.Whole)
			return err
		},
		"get many": func(id moot.BlobID) error {
			for range r.GetMany(t.Context(), []moot.BlobID{id}) {
				return nil
			}
			return moot.Corrupt
		},
	} {
		b, err := r.PutMany(t.Context(), [][]byte{content(100, 1)})
		must(t, err)
		damageRows(t, r, content(100, 2))
		if err := get(b[0].ID); moot.KindOf(err) != moot.Corrupt {
			t.Errorf("%s: %v", name, err)
		}
		held, err := r.HaveMany(t.Context(), []moot.BlobID{b[0].ID})
		must(t, err)
		if held[0] {
			t.Errorf("%s: it is still held", name)
		}
		bad, err := os.ReadFile(filepath.Join(r.cfg.Blobs, "bad", b[0].ID.String()))
		must(t, err)
		if !bytes.Equal(bad, content(100, 2)) {
			t.Errorf("%s: set aside were %d bytes", name, len(bad))
		}
	}
}

// TestCloseWhilePutting: blobs are stored, or the store says that it is closed.
func TestCloseWhilePutting(t *testing.T) {
	r := diskRig(t)
	var wg sync.WaitGroup
	begun := make(chan struct{}, 1)
	for i := range 8 {
		wg.Go(func() {
			for n := 0; ; n++ {
				if _, err := r.PutMany(t.Context(), [][]byte{content(100, byte(i)), {byte(n), byte(n >> 8), byte(i)}}); err != nil {
					if moot.KindOf(err) != moot.Unavailable {
						t.Error(err)
					}
					return
				}
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
	}
	<-begun
	must(t, r.Close())
	wg.Wait()
}

// TestARequestThatFailsAlone: others that wait with it are done.
func TestARequestThatFailsAlone(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		ask := func(do func(*sql.Tx) error) *smallRequest { return &smallRequest{do, make(chan error, 1)} }
		insert := func(n int) *smallRequest {
			return ask(func(tx *sql.Tx) error {
				_, err := tx.Exec(`INSERT INTO small (id, size, used) VALUES (?, 0, 0)`, []byte{byte(n)})
				return err
			})
		}
		boom := errors.New("boom")
		batch := []*smallRequest{insert(1), ask(func(*sql.Tx) error { return boom }), insert(2), insert(2)}
		r.small.answer(batch)
		for i, fails := range []bool{false, true, false, true} {
			if err := <-batch[i].done; (err != nil) != fails {
				t.Errorf("request %d: %v", i, err)
			}
		}
	})
}
