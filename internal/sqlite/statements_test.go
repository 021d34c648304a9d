package sqlite

import (
	"fmt"
	"sync"
	"testing"
)

// TestStatements runs more different statements than the cache holds, concurrently, and
// one that is invalid.
func TestStatements(t *testing.T) {
	db, err := OpenMemory()
	if err != nil {
		t.Fatal(err)
	}
	c := NewStatements(db)
	var all sync.WaitGroup
	for i := range 2 * maxStatements {
		all.Go(func() {
			for _, add := range []int{1, 2} { // the second time it is known
				got, want := 0, i+add
				err := c.QueryRow(fmt.Sprintf(`SELECT %d + ?`, i), add).Scan(&got)
				if err != nil || got != want {
					t.Errorf("got %d, want %d: %v", got, want, err)
				}
			}
		})
	}
	all.Wait()
	if n := len(c.stmts); n != maxStatements {
		t.Errorf("%d are cached", n)
	}
	if _, err := c.Query(`SELECT nothing`); err == nil {
		t.Error("nonsense was answered")
	}
	one := 0
	if err := c.QueryRow(`SELECT 1`).Scan(&one); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Query(`SELECT 0 + ?`, 1); err == nil {
		t.Error("a closed database answered")
	}
}
