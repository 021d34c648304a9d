package mta_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot/internal/mta"
)

func TestBackupOfTheQueueHasWhatWaits(t *testing.T) {
	folder := t.TempDir()
	q := openQueue(t, folder, mta.QueueLimits{})
	for range 3 {
		if err := q.Add(t.Context(), mta.Envelope{To: []string{"eve@else.example"}}, reader(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(emls(t, folder)[0]); err != nil { // as if it were delivered just now
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "outbox")
	if err := q.Backup(t.Context(), copied); err != nil {
		t.Fatal(err)
	}
	if files := emls(t, copied); len(files) != 2 {
		t.Errorf("the copy has %v", files)
	}
	again := openQueue(t, copied, mta.QueueLimits{Messages: 3})
	for n, want := range []bool{true, false} {
		if err := again.Add(t.Context(), mta.Envelope{To: []string{"eve@else.example"}}, reader(text)); (err == nil) != want {
			t.Errorf("message %d beside two of three: %v", n, err)
		}
	}
}
