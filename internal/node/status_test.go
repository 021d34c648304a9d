package node

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/folders"
)

// TestStatusCountsBytes: versions in force, older ones, others, and files that lie elsewhere
// are told apart; a blob that is in force under one name and old under another is in force.
func TestStatusCountsBytes(t *testing.T) {
	n := founder(t, Config{})
	s := session(t, n, viaPeers)
	before := holdings(t, s)
	write := func(name, content string) {
		t.Helper()
		_, err := s.Files.Write(context.Background(), name, strings.NewReader(content), files.WriteOptions{})
		must(t, err)
	}
	large := strings.Repeat("large ", 20_000)
	write("a", "old and in force")
	write("b", large)
	write("b", "small")
	write("a", "new")
	write("c", "old and in force")
	_, err := n.store.PutMany(t.Context(), [][]byte{[]byte("nothing names this")})
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "d"), []byte("lies elsewhere"), 0o600))
	_, err = s.Folders.Add(t.Context(), dir, folders.Options{Name: "synced"})
	must(t, err)
	_, err = s.Folders.Once(t.Context(), dir, nil)
	must(t, err)
	film := filepath.Join(t.TempDir(), "film")
	must(t, os.WriteFile(film, []byte("shared in place"), 0o600))
	_, err = s.Files.Share(t.Context(), film, files.ShareOptions{InPlace: true})
	must(t, err)
	got := holdings(t, s)
	inForce := int64(len("old and in force") + len("small") + len("new"))
	others := int64(len("nothing names this"))
	want := app.Holdings{
		Blobs: before.Blobs + 5, Bytes: before.Bytes + inForce + int64(len(large)) + others,
		InForce: inForce, Old: int64(len(large)), InPlace: int64(len("lies elsewhere") + len("shared in place")),
	}
	if got.Blobs != want.Blobs || got.Bytes != want.Bytes || got.InForce != want.InForce || got.Old != want.Old || got.InPlace != want.InPlace {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func holdings(t *testing.T, s *app.Session) app.Holdings {
	t.Helper()
	st, err := s.Control.Status(t.Context())
	must(t, err)
	return st.Holdings
}
