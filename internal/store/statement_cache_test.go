package store

import (
	"fmt"
	"sync"
	"testing"
)

// TestStatementCache runs more different statements than the cache holds, concurrently,
// and one that is invalid.
func TestStatementCache(t *testing.T) {
	over(t, func(t *testing.T, r *rig) {
		var all sync.WaitGroup
		for i := range 2 * maxStatements {
			all.Go(func() {
				for _, add := range []int{1, 2} { // the second time it is known
					got, want := 0, i+add
					err := r.reads.QueryRow(fmt.Sprintf(`SELECT %d + ?`, i), add).Scan(&got)
					if err != nil || got != want {
						t.Errorf("got %d, want %d: %v", got, want, err)
					}
				}
			})
		}
		all.Wait()
		if n := len(r.reads.stmts); n != maxStatements {
			t.Errorf("%d are cached", n)
		}
		if _, err := r.reads.Query(`SELECT nothing`); err == nil {
			t.Error("nonsense was answered")
		}
		one := 0
		must(t, r.reads.QueryRow(`SELECT 1`).Scan(&one))
		must(t, r.Close())
		if _, err := r.reads.Query(`SELECT 0 + ?`, 1); err == nil {
			t.Error("a closed store answered")
		}
	})
}
