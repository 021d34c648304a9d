package sqlite

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mootspace/moot"
)

// TestWriter: many write at once, some of what they want is refused, and exactly the rest
// is there, in fewer transactions than there were calls.
func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	write, read, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	defer read.Close()
	if _, err := write.Exec(`CREATE TABLE one (n INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	w, refused := NewWriter(write), errors.New("refused")
	w.mu.Lock() // until all wait
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			err := w.Do(t.Context(), func(tx *Tx) error {
				if _, err := tx.Exec(`INSERT INTO one (n) VALUES (?)`, i); err != nil {
					return err
				}
				if i%10 == 3 {
					return refused
				}
				return nil
			})
			if i%10 == 3 != errors.Is(err, refused) || i%10 != 3 && err != nil {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	for queued := 0; queued < 40; {
		w.queueMu.Lock()
		queued = len(w.queue)
		w.queueMu.Unlock()
	}
	w.mu.Unlock()
	all.Wait()
	var n int
	if err := read.QueryRow(`SELECT count(*) FROM one`).Scan(&n); err != nil || n != 36 {
		t.Errorf("%d rows, %v", n, err)
	}
	if w.db.cached(`INSERT INTO one (n) VALUES (?)`) == nil {
		t.Error("the statement was not prepared")
	}
}

// TestWritesShareATransaction: what waits is made durable by one commit.
func TestWritesShareATransaction(t *testing.T) {
	db, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := NewWriter(db)
	seen := map[*Tx]int{}
	var batch []*write
	for range 5 {
		batch = append(batch, &write{do: func(tx *Tx) error { seen[tx]++; return nil }})
	}
	w.run(batch)
	if len(seen) != 1 {
		t.Errorf("%d transactions", len(seen))
	}
	for _, r := range batch {
		if !r.done || r.err != nil {
			t.Errorf("a call: %v, %v", r.done, r.err)
		}
	}
}

// TestPanicInATransaction: the connection is free again.
func TestPanicInATransaction(t *testing.T) {
	db, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	w := NewWriter(db)
	func() {
		defer func() { _ = recover() }()
		_ = w.Do(t.Context(), func(*Tx) error { panic("a fault") })
	}()
	if err := w.Do(t.Context(), func(tx *Tx) error { return tx.QueryRow(`SELECT 1`).Scan(new(int)) }); err != nil {
		t.Error(err)
	}
	if err := w.Do(t.Context(), func(*Tx) error { return moot.Errorf(moot.Denied, "no") }); moot.KindOf(err) != moot.Denied {
		t.Error(err)
	}
}
