package moot_test

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mootspace/moot"

// layers is the architecture as a table: what each package may import of this
// module. A package that is not listed fails the test, so a new one is a decision.
var layers = map[string][]string{
	".": {},

	// Pure: bytes, statements, keys, rules. No network, no database.
	"internal/blob":    {"."},
	"internal/cbor":    {},
	"internal/feed":    {".", "internal/cbor"},
	"internal/durable": {"."},
	"internal/seal":    {".", "internal/cbor", "internal/durable"},
	"internal/policy":  {".", "internal/cbor", "internal/feed", "internal/trust"},
	"internal/trust":   {".", "internal/cbor"},
	"internal/tree":    {".", "internal/cbor"},
	"internal/swarm":   {"."},
	"internal/plan":    {"."},
	"internal/ignore":  {"."},
	"internal/mime":    {},

	// Messages for the tests of all that read mail.
	"internal/awkward": {},

	// Messages for the tests of all that read mail.

	// Mechanism: each knows the vocabulary and no sibling.
	"internal/sqlite":  {".", "internal/durable"},
	"internal/store":   {".", "internal/blob", "internal/durable", "internal/feed", "internal/sqlite"},
	"internal/backup":  {".", "internal/blob", "internal/durable"},
	"internal/wire":    {".", "internal/blob", "internal/cbor", "internal/feed", "internal/swarm"},
	"internal/link":    {".", "internal/seal"},
	"internal/locate":  {"."},
	"internal/gossip":  {".", "internal/feed"},
	"internal/ask":     {".", "internal/blob", "internal/swarm"},
	"internal/sandbox": {".", "internal/durable"},
	"internal/sign":    {"."},

	// A directory on this machine, and one that fails when a test wants it to.
	"internal/localdir": {".", "internal/durable"},

	// Meaning: over any Node.
	"internal/files":   {".", "internal/blob", "internal/cbor", "internal/durable", "internal/sign", "internal/tree"},
	"internal/folders": {".", "internal/blob", "internal/cbor", "internal/ignore", "internal/localdir", "internal/sqlite", "internal/tree"},
	"internal/rules":   {".", "internal/cbor", "internal/sign", "internal/tree"},
	"internal/members": {".", "internal/cbor", "internal/feed", "internal/policy", "internal/seal", "internal/sign", "internal/trust"},
	"internal/mail":    {".", "internal/blob", "internal/cbor", "internal/mime", "internal/policy", "internal/seal", "internal/sign", "internal/sqlite", "internal/trust"},
	"internal/keys":    {".", "internal/seal", "internal/trust"},
	"internal/jobs":    {".", "internal/blob", "internal/cbor", "internal/files", "internal/sign", "internal/sqlite"},
	"internal/worker":  {".", "internal/blob", "internal/durable", "internal/files", "internal/sandbox"},

	// Mail with the outside world: knows no member, no sealing, no architecture.
	"internal/mta": {".", "internal/durable", "internal/mime", "internal/sqlite"},

	// Measuring: runs this program as processes, and uses no other part of it.
	"internal/compare": {".", "internal/plan"},

	// Mail as other programs store it in files.
	"internal/mailfile": {".", "internal/durable", "internal/mail"},

	// Application: what every front end calls.
	"internal/app":      {".", "internal/backup", "internal/files", "internal/folders", "internal/jobs", "internal/mail", "internal/policy", "internal/rules"},
	"internal/accounts": {".", "internal/durable", "internal/feed", "internal/members", "internal/policy", "internal/seal", "internal/sign", "internal/trust"},

	// Programs for the sandbox: they know nothing of this module.
	"examples/hashsearch": {},
	"examples/thumbnail":  {},
	"examples/wordcount":  {},

	// Front ends: over the application; never see an architecture or one another.
	"internal/front/api":        {".", "internal/app", "internal/durable", "internal/files", "internal/folders", "internal/jobs", "internal/mail", "internal/policy", "internal/rules", "internal/wire"},
	"internal/front/cli":        {".", "internal/app", "internal/compare", "internal/files", "internal/folders", "internal/jobs", "internal/mail", "internal/mailfile", "internal/members", "internal/plan", "internal/policy", "internal/rules"},
	"internal/front/autoconfig": {"internal/app"},
	"internal/front/mailbox":    {".", "internal/mail", "internal/mime"},

	// One running node out of services, and the architectures as data.
	"internal/arch":     {".", "internal/locate", "internal/policy"},
	"internal/throttle": {"."},
	"internal/idle":     {},
	"internal/dial":     {".", "internal/link", "internal/throttle", "internal/wire"},
	"internal/node": {".", "internal/accounts", "internal/app", "internal/arch", "internal/ask", "internal/blob", "internal/dial", "internal/durable", "internal/feed",
		"internal/files", "internal/folders", "internal/gossip", "internal/idle", "internal/jobs", "internal/keys", "internal/link", "internal/localdir", "internal/locate", "internal/mail",
		"internal/members", "internal/policy", "internal/rules", "internal/sandbox", "internal/seal", "internal/sign", "internal/store", "internal/throttle", "internal/tree", "internal/trust",
		"internal/wire", "internal/worker"},

	// Processes: what a node listens on, and the home that it runs in.
	"internal/listen": {".", "internal/app", "internal/front/api", "internal/front/autoconfig", "internal/front/mailbox", "internal/link", "internal/mta", "internal/node", "internal/policy", "internal/seal"},
	"internal/daemon": {".", "internal/app", "internal/arch", "internal/backup", "internal/durable", "internal/feed", "internal/front/api", "internal/link", "internal/members", "internal/mta",
		"internal/node", "internal/policy", "internal/seal", "internal/store", "internal/trust"},

	// Scenarios over nodes that can be cut, turned back and lost.
	"internal/suite": {".", "internal/app", "internal/arch", "internal/blob", "internal/dial", "internal/feed", "internal/files", "internal/folders", "internal/gossip", "internal/jobs",
		"internal/keys", "internal/link", "internal/mail", "internal/members", "internal/node", "internal/policy", "internal/rules", "internal/seal", "internal/sign", "internal/store",
		"internal/tree", "internal/trust"},
	"cmd/moot": {"internal/app", "internal/daemon", "internal/front/cli", "internal/listen", "internal/sandbox"},
}

// TestLayers fails on an import that goes the wrong way.
func TestLayers(t *testing.T) {
	for _, dir := range packageDirs(t) {
		allowed, listed := layers[filepath.ToSlash(dir)]
		if !listed {
			t.Errorf("%s is in no layer: add it to the table in layers_test.go, or put its code where it belongs", dir)
			continue
		}
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, imported := range pkg.Imports {
			rel, ours := strings.CutPrefix(imported, module)
			if !ours {
				continue
			}
			rel = strings.TrimPrefix(rel, "/")
			if rel == "" {
				rel = "."
			}
			if !slices.Contains(allowed, rel) {
				t.Errorf("%s imports %s, which its layer does not allow", dir, rel)
			}
		}
	}
}

// TestPackageComments fails on a package that does not say what it is for and
// what it must not know.
func TestPackageComments(t *testing.T) {
	for _, dir := range packageDirs(t) {
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		if len(pkg.Doc) < 20 {
			t.Errorf("package %s has no package comment", dir)
		}
	}
}

func packageDirs(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata") {
			return filepath.SkipDir
		}
		if pkg, err := build.ImportDir(path, 0); err == nil && len(pkg.GoFiles) > 0 {
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}
