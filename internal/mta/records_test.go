package mta_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot/internal/mta"
)

func TestRecordsStayTheSame(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	records := func() ([]string, error) {
		signatures, err := mta.LoadSignatures(path, "club.example")
		if err != nil {
			return nil, err
		}
		return mta.Records("club.example", "mx.club.example", signatures...)
	}
	first, err := records()
	if err != nil {
		t.Fatal(err)
	}
	again, err := records()
	if err != nil || !slices.Equal(first, again) || len(first) != 5 {
		t.Errorf("records %q, then %q, %v", first, again, err)
	}
	all := strings.Join(first, "\n")
	for _, want := range []string{"club.example. IN MX 10 mx.club.example.", "v=spf1 mx -all", "_dmarc.club.example.", "moot-ed25519._domainkey.club.example.", "moot-rsa._domainkey.club.example."} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if err := os.WriteFile(path("dkim-rsa.pem"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := records(); err == nil {
		t.Error("a damaged key has records")
	}
}
