package sqlite_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

func TestCopyIsWholeAndMostOfItStaysWhereItWas(t *testing.T) {
	dir := t.TempDir()
	db, read, err := sqlite.Open(filepath.Join(dir, "a.db"))
	must(t, err)
	defer read.Close()
	defer db.Close()
	_, err = db.Exec(`CREATE TABLE one (n INTEGER PRIMARY KEY, text TEXT); CREATE TABLE two (n INTEGER PRIMARY KEY, text TEXT)`)
	must(t, err)
	add := func(table string, count int) {
		for i := range count {
			_, err := db.Exec(fmt.Sprintf(`INSERT INTO %s (text) VALUES (?)`, table), fmt.Sprintf("%0500d", i))
			must(t, err)
		}
	}
	add("one", 300)
	add("two", 300)
	first := filepath.Join(dir, "first.db")
	must(t, sqlite.Copy(t.Context(), read, first))
	if err := sqlite.Copy(t.Context(), read, first); moot.KindOf(err) != moot.Conflict {
		t.Errorf("a second copy of that name: %v", err)
	}
	add("one", 10)
	second := filepath.Join(dir, "second.db")
	must(t, sqlite.Copy(t.Context(), db, second))
	if n := countRows(t, second); n != 610 {
		t.Errorf("the copy has %d rows", n)
	}
	if n := countRows(t, first); n != 600 {
		t.Errorf("the first copy has %d rows", n)
	}
	if n := differentPages(t, first, second); n > 12 {
		t.Errorf("%d pages differ after 10 rows", n)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.partial*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func countRows(t *testing.T, path string) (n int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	must(t, err)
	other := path + ".opened"
	must(t, os.WriteFile(other, raw, 0o600)) // it is one file: nothing of it is beside it
	db, read, err := sqlite.Open(other)
	must(t, err)
	defer db.Close()
	defer read.Close()
	must(t, read.QueryRow(`SELECT (SELECT count(*) FROM one) + (SELECT count(*) FROM two)`).Scan(&n))
	return n
}

func differentPages(t *testing.T, one, two string) (n int) {
	t.Helper()
	a, err := os.ReadFile(one)
	must(t, err)
	b, err := os.ReadFile(two)
	must(t, err)
	const page = 4096
	for at := 0; at < len(b); at += page {
		if at >= len(a) || !bytes.Equal(a[at:at+page], b[at:at+page]) {
			n++
		}
	}
	return n
}
