package store

import (
	"archive/tar"
	"compress/gzip"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/sqlite"
)

// oldDatabase unpacks the database of a home that version 0.1.0 wrote.
func oldDatabase(t *testing.T) string {
	t.Helper()
	f, err := os.Open("../../cmd/moot/testdata/home-0.1.0.tar.gz")
	must(t, err)
	defer f.Close()
	zip, err := gzip.NewReader(f)
	must(t, err)
	path := filepath.Join(t.TempDir(), "moot.db")
	for r := tar.NewReader(zip); ; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			t.Fatal("the home has no database")
		}
		must(t, err)
		if head.Name == "s/moot.db" {
			data, err := io.ReadAll(r)
			must(t, err)
			must(t, os.WriteFile(path, data, 0o600))
			return path
		}
	}
}

// oldRows returns what the database of version 0.1.0 holds: its entries in order, and
// those in force.
func oldRows(t *testing.T, db *sql.DB) (all, inForce []moot.EntryID) {
	t.Helper()
	rows, err := db.Query(`SELECT id, superseded = 0 AND deletes = 0 AND stripped = 0 FROM entries ORDER BY n`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var id []byte
		var current bool
		must(t, rows.Scan(&id, &current))
		all = append(all, moot.EntryID(id))
		if current {
			inForce = append(inForce, moot.EntryID(id))
		}
	}
	must(t, rows.Err())
	return all, inForce
}

// addOldForks adds a feed with a proof of its fork, and a proof that follows nothing.
func addOldForks(t *testing.T, db *sql.DB) (one, other moot.Entry) {
	t.Helper()
	a, b := newSigner("ada"), newSigner("bob")
	one, other = a.sign(moot.KindFile, "one", "1"), a.sign(moot.KindFile, "other", "2")
	b.file("x", "x")
	loose := b.file("y", "y")
	for query, args := range map[string][]any{
		`INSERT INTO names (id, kind, key) VALUES (1000, 'file', 'one')`:                                                              nil,
		`INSERT INTO entries (id, author, seq, time, name, deletes, superseded, stripped, raw) VALUES (?, ?, 1, ?, 1000, 0, 0, 0, ?)`: {one.ID[:], one.Author[:], int64(one.Time), feed.Encode(one)},
		`INSERT INTO feeds (author, seq) VALUES (?, 1)`:                                                                               {one.Author[:]},
		`INSERT INTO forks (author, seq, raw) VALUES (?, 1, ?)`:                                                                       {other.Author[:], feed.Encode(other)},
		`INSERT INTO forks (author, seq, raw) VALUES (?, 2, ?)`:                                                                       {loose.Author[:], feed.Encode(loose)},
		`INSERT INTO forks (author, seq, raw) VALUES (x'00', 3, ?)`:                                                                   {[]byte("damaged")},
	} {
		_, err := db.Exec(query, args...)
		must(t, err)
	}
	return one, other
}

// TestDatabaseOfVersion010: it opens, with everything that it held.
func TestDatabaseOfVersion010(t *testing.T) {
	path := oldDatabase(t)
	db, read, err := sqlite.Open(path)
	must(t, err)
	must(t, read.Close())
	_, err = db.Exec(`PRAGMA foreign_keys = 0`)
	must(t, err)
	one, other := addOldForks(t, db)
	all, inForce := oldRows(t, db)
	must(t, db.Close())

	g := newPinning()
	r := newRig(t, Config{Database: path, Gate: g})
	for range 2 {
		if got := idsOf(r.query(moot.Query{History: true, Replica: true})); !slices.Equal(got, append(all, other.ID)) {
			t.Fatalf("%d entries, want %d", len(got), len(all)+1)
		}
		got := idsOf(r.query(moot.Query{}))
		for _, id := range inForce {
			if !slices.Contains(got, id) {
				t.Errorf("%s is no longer in force", id)
			}
		}
		if len(got) != len(inForce) { // other does not count: it is on a branch
			t.Errorf("%d in force, want %d", len(got), len(inForce))
		}
		forks, err := r.Forks(t.Context())
		must(t, err)
		if len(forks) != 1 || !slices.Equal(forks[0].Branches, []moot.Head{headOf(one), headOf(other)}) {
			t.Fatalf("forks %v", forks)
		}
		v, err := r.Vector(t.Context())
		must(t, err)
		if len(v.Heads) != 4 {
			t.Fatalf("%d feeds", len(v.Heads))
		}
		r.again()
	}
	for _, e := range r.query(moot.Query{Kind: moot.KindFile}) {
		if got := r.query(moot.Query{Words: e.Key}); e.ID != one.ID && !slices.Contains(idsOf(got), e.ID) {
			t.Errorf("its words do not find %q", e.Key)
		}
	}
}

func idsOf(entries []moot.Entry) (ids []moot.EntryID) {
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}
