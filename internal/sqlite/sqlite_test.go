package sqlite_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// schema returns migrations; each makes one table.
func schema(tables ...string) fs.FS {
	files := fstest.MapFS{}
	for i, table := range tables {
		name := "migrations/0000" + string(rune('1'+i)) + "_" + table + ".sql"
		files[name] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE " + table + " (n INTEGER PRIMARY KEY);\n")}
	}
	return files
}

func TestOpenAndMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a ?#%b.db")
	write, read, err := sqlite.Open(path)
	must(t, err)
	defer write.Close()
	defer read.Close()
	must(t, sqlite.Migrate(t.Context(), write, schema("one")))
	must(t, sqlite.Migrate(t.Context(), write, schema("one", "two"))) // only what is missing
	_, err = write.Exec(`INSERT INTO two (n) VALUES (7)`)
	must(t, err)
	var n int
	must(t, read.QueryRow(`SELECT n FROM two`).Scan(&n))
	if n != 7 {
		t.Errorf("read %d", n)
	}
	if _, err := read.Exec(`DELETE FROM two`); err == nil {
		t.Error("a connection for reading has written")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read the database: %v, %v", info.Mode(), err)
	}
	if err := sqlite.Migrate(t.Context(), write, schema("one")); moot.KindOf(err) != moot.Invalid {
		t.Errorf("the schema of a newer version: %v", err)
	}
}

func TestExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db")
	db, err := sqlite.OpenExclusive(path)
	must(t, err)
	defer db.Close()
	must(t, sqlite.Migrate(t.Context(), db, schema("one")))
	other, err := sqlite.OpenExclusive(path)
	must(t, err)
	defer other.Close()
	_, err = other.Exec(`INSERT INTO one (n) VALUES (1)`)
	if kind := moot.KindOf(sqlite.Error("write", err)); kind != moot.Unavailable {
		t.Errorf("a second process: %v (%q)", err, kind)
	}
}

func TestErrorsHaveKinds(t *testing.T) {
	garbage := filepath.Join(t.TempDir(), "garbage")
	must(t, os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600))
	db, read, err := sqlite.Open(garbage)
	must(t, err)
	defer db.Close()
	defer read.Close()
	_, damaged := db.Exec(`SELECT * FROM sqlite_schema`)
	full := fill(t)
	for name, c := range map[string]struct {
		err  error
		kind moot.ErrorKind
	}{
		"a damaged file": {damaged, moot.Corrupt},
		"a full disk":    {full, moot.Full},
		"no row":         {sql.ErrNoRows, moot.Internal},
		"a missing file": {fs.ErrNotExist, moot.NotFound},
		"with a kind":    {moot.Errorf(moot.Denied, "no"), moot.Denied},
	} {
		if got := sqlite.Error("read", c.err); moot.KindOf(got) != c.kind || !errors.Is(got, c.err) {
			t.Errorf("%s: %v (%q), want kind %q", name, got, moot.KindOf(got), c.kind)
		}
		if sqlite.IsFault(c.err) {
			t.Errorf("%s: taken for a failed disk", name)
		}
	}
	if sqlite.Error("read", nil) != nil {
		t.Error("no error became one")
	}
}

// fill returns the error of a write to a database that may not grow.
func fill(t *testing.T) error {
	t.Helper()
	db, err := sqlite.OpenMemory()
	must(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE TABLE t (b BLOB); PRAGMA max_page_count = 3`)
	must(t, err)
	_, err = db.Exec(`INSERT INTO t (b) VALUES (zeroblob(100000))`)
	if err == nil {
		t.Fatal("the database has grown beyond its limit")
	}
	return err
}

func TestMatch(t *testing.T) {
	db, err := sqlite.OpenMemory()
	must(t, err)
	defer db.Close()
	_, err = db.Exec(`CREATE VIRTUAL TABLE words USING fts5 (text); INSERT INTO words (text) VALUES ('the quick "brown" fox OR hound')`)
	must(t, err)
	for words, want := range map[string]int{
		"": -1, "  ": -1, "qui fo": 1, `"brown`: 1, "fox NOT": 0, "OR": 1, "cat OR fox": 0, "fox*": 1, "text:fox": 0, "a\x00b": 0, "qui\x00": 1,
	} {
		expr, err := sqlite.Match(words)
		must(t, err)
		if want < 0 {
			if expr != "" {
				t.Errorf("%q becomes %q", words, expr)
			}
			continue
		}
		var n int
		if err := db.QueryRow(`SELECT count(*) FROM words WHERE words MATCH ?`, expr).Scan(&n); err != nil || n != want {
			t.Errorf("%q finds %d, %v; want %d", words, n, err, want)
		}
	}
	for _, words := range []string{strings.Repeat("a ", 33), strings.Repeat("a", 1025)} {
		if _, err := sqlite.Match(words); moot.KindOf(err) != moot.TooLarge {
			t.Errorf("%d bytes: %v", len(words), err)
		}
	}
}
