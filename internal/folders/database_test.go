package folders

import (
	"path/filepath"
	"testing"
)

func TestDatabaseOutlastsPower(t *testing.T) {
	d, err := openDatabase(t.Context(), filepath.Join(t.TempDir(), "folders.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.db.Close()
	const full = 2
	var level int
	if err := d.db.QueryRow(`PRAGMA synchronous`).Scan(&level); err != nil || level < full {
		t.Errorf("%d, %v", level, err)
	}
}
