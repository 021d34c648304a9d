package node

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

// TestCollect: after days of work all is freed but what is in force, retained, or named by
// a job.
func TestCollect(t *testing.T) {
	var days atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(days.Load()) * 24 * time.Hour) }
	n := founder(t, Config{Now: now})
	s := session(t, n, viaPeers)
	put := func(name, content string) files.File {
		t.Helper()
		f, err := s.Files.Write(context.Background(), name, strings.NewReader(content), files.WriteOptions{})
		must(t, err)
		return f
	}
	has := func(f files.File) bool {
		_, err := n.store.Have(t.Context(), f.Blob.ID)
		return err == nil
	}
	kept := put("kept", "in force")
	large := strings.Repeat("large ", 20_000)
	old := put("large", large+"first")
	var versions []files.File
	for i := range 30 { // one a day
		versions = append(versions, put("daily", fmt.Sprintf("day %d", i)))
		put("large", fmt.Sprintf("%s%d", large, i))
		days.Add(1)
	}
	gone := put("gone", "removed")
	must(t, s.Files.Remove(t.Context(), "gone", files.RemoveOptions{}))
	frozen, err := s.Files.Store(t.Context(), folder(t, "job", "what a job needs"), files.ShareOptions{})
	must(t, err)
	_, err = n.store.PutMany(t.Context(), [][]byte{[]byte("nothing names this")})
	must(t, err)
	days.Add(20)
	dry, err := s.Control.Collect(t.Context(), app.GarbageOptions{DryRun: true})
	must(t, err)
	if dry.Blobs == 0 || !has(versions[0]) {
		t.Errorf("a dry run says %+v and frees nothing", dry)
	}
	days.Add(20)
	freed, err := s.Control.Collect(t.Context(), app.GarbageOptions{})
	must(t, err)
	t.Logf("freed %+v, dry %+v", freed, dry)
	if !has(kept) || !has(versions[29]) {
		t.Error("a version in force was collected")
	}
	if has(old) || has(versions[0]) || has(gone) || has(frozen.File) {
		t.Error("a version that nothing retains is still there")
	}
	if !has(versions[22]) {
		t.Error("one of the newest ten versions was collected")
	}
	rc, _, err := s.Files.Open(t.Context(), "kept", moot.Whole)
	must(t, err)
	if content, err := io.ReadAll(rc); err != nil || string(content) != "in force" {
		t.Errorf("%q, %v", content, err)
	}
	must(t, rc.Close())
	again, err := s.Control.Collect(t.Context(), app.GarbageOptions{})
	must(t, err)
	if again.Blobs != 0 {
		t.Errorf("a second collection frees %+v", again)
	}
}
