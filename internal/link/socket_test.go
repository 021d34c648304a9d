package link_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot/internal/link"
)

func TestSocketPath(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(deep, "node.sock")
	if got := link.SocketPath("/short"); got != "/short" {
		t.Errorf("a short path became %q", got)
	}
	t.Chdir(deep)
	if got := link.SocketPath(path); got != "node.sock" {
		t.Errorf("below the working directory: %q", got)
	}
	t.Chdir("/")
	if got := link.SocketPath(path); got != path {
		t.Errorf("too deep for any form: %q", got)
	}
}
