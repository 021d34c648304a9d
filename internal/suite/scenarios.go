package suite

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/files"
)

// Scenarios is all that must be true.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "files of all sizes are fetched", Members: 2, Run: filesAreFetched},
		{Name: "folders are fetched", Members: 1, Run: foldersAreFetched},
		{Name: "folders in step", Members: 2, Run: foldersInStep},
		{Name: "space that comes back", Members: 2, Run: spaceReturns},
		{Name: "names are found, removed and remembered", Members: 1, Run: namesAreFound},
		{Name: "the second writer of a name", Members: 2, Run: secondWriter},
		{Name: "a partition, and after it", Members: 2, Run: partition},
		{Name: "the server away, and back", Members: 2, Run: serverAway},
		{Name: "a node restarts", Members: 1, Run: restart},
		{Name: "a node that lost everything", Members: 2, Run: lostEverything},
		{Name: "a revoked member", Members: 2, Run: revoked},
		{Name: "invitations", Members: 1, Run: invitations},
		{Name: "strangers", Members: 1, Run: strangers},
		{Name: "a clock that is ahead", Members: 2, Run: clockAhead},
		{Name: "a clock that is far ahead", Members: 2, Run: clockFarAhead},
		{Name: "a dishonest source", Members: 2, Run: dishonest},
		{Name: "messages reach their recipients", Members: 2, Run: messages},
		{Name: "the recipient comes when the sender has gone", Members: 2, Run: messageWaits},
		{Name: "messages across a partition", Members: 2, Run: messagesMerge},
		{Name: "a mailbox that was lost", Members: 2, Run: mailboxLost},
		{Name: "a job is done by others", Members: 2, Run: jobIsDone},
		{Name: "a job survives", Members: 2, Run: jobSurvives},
		{Name: "who may have tasks run", Members: 1, Run: jobDenied},
		{Name: "a second device of a member", Members: 2, Run: secondDevice},
		{Name: "a home that was copied back", Members: 2, Run: copiedBack},
		{Name: "the branch that was chosen", Members: 2, Run: branchChosen},
		{Name: "one person, several devices", Members: 2, Run: onePerson},
		{Name: "a device that was removed", Members: 2, Run: deviceRemoved},
		{Name: "a restored home", Members: 2, Run: restoredWaits},
		{Name: "a space of version 0.1.0", Run: adopted},
		{Name: "names mean one member", Members: 2, Run: namesMeanOne},
		{Name: "a join that waits", Members: 2, Run: joinWaits, Where: withoutServer},
		{Name: "a removal, and its end", Members: 2, Run: removalHides},
		{Name: "a demotion holds", Members: 2, Run: demotionHolds},
		{Name: "copies are made up for", Members: 5, Run: copiesRepaired, Where: withoutServer},
		{Name: "an access list", Members: 2, Run: accessList, Where: withPeers},
		{Name: "a rate limit", Members: 2, Run: rateLimit},
		{Name: "entries are pushed", Members: 2, Run: entriesPushed, Where: withPeers, Repair: time.Hour},
		{Name: "an upload", Members: 2, Run: heldByServer, Where: withServerAndPeers, ServerOnly: true},
		{Name: "a mirror", Members: 2, Run: heldByServer, Where: withServerAndPeers},
		{Name: "an account sends and receives mail", Members: 1, Run: account},
	}
}

func withPeers(a arch.Architecture) bool { return a.Mesh }

func withoutServer(a arch.Architecture) bool { return !a.Asks.Server }

func withServerAndPeers(a arch.Architecture) bool { return a.Mesh && a.Asks.Server }

func random(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rand.Uint32())
	}
	return p
}

// share has a member share content under a name.
func share(t T, m *Member, name string, content []byte) (files.File, error) {
	path := filepath.Join(t.TempDir(), "shared")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatalf("%v", err)
	}
	f, err := m.Files().Share(t.Context(), path, files.ShareOptions{As: name})
	return f.File, err
}

func mustShare(t T, m *Member, name string, content []byte) files.File {
	t.Helper()
	f, err := share(t, m, name, content)
	if err != nil {
		t.Fatalf("%s shares %s: %v", m.Name, name, err)
	}
	return f
}

// read fetches what a name stands for, to a member that may have to wait for it.
func read(t T, m *Member, name string) ([]byte, error) {
	to := filepath.Join(t.TempDir(), "fetched")
	if _, err := m.Files().Get(t.Context(), name, to, nil); err != nil {
		return nil, err
	}
	return os.ReadFile(to)
}

func mustRead(t T, m *Member, name string, want []byte) {
	t.Helper()
	Eventually(t, m.Name+" fetches "+name, func() error {
		got, err := read(t, m, name)
		if err == nil && !bytes.Equal(got, want) {
			err = moot.Errorf(moot.Corrupt, "got %d bytes, want %d", len(got), len(want))
		}
		return err
	})
}

func wantKind(t T, what string, err error, kinds ...moot.ErrorKind) {
	t.Helper()
	for _, kind := range kinds {
		if errors.Is(err, kind) {
			return
		}
	}
	t.Fatalf("%s: %v (%q), want one of %q", what, err, moot.KindOf(err), kinds)
}

func filesAreFetched(t T, w *World) {
	ann, bob := w.Member(1), w.Member(2)
	for name, size := range map[string]int{
		"empty": 0, "one": 1, "a group": blob.GroupSize, "a group and a byte": blob.GroupSize + 1, "large": 1<<20 + 7,
		"ünï/cödé 🎉 " + strings.Repeat("n", 230): 100,
	} {
		content := random(size)
		f := mustShare(t, ann, name, content)
		mustRead(t, bob, name, content)
		if want, _ := blob.Hash(bytes.NewReader(content)); f.Blob != want {
			t.Fatalf("%s is %v, want %v", name, f.Blob, want)
		}
	}
	content := random(3 * blob.GroupSize)
	mustShare(t, ann, "part", content)
	Eventually(t, "a stretch is read", func() error {
		rc, _, err := bob.Files().Open(t.Context(), "part", moot.Range{Offset: 20000, Length: 100})
		if err != nil {
			return err
		}
		defer rc.Close()
		got, err := io.ReadAll(rc)
		if err == nil && !bytes.Equal(got, content[20000:20100]) {
			err = moot.Errorf(moot.Corrupt, "a wrong stretch")
		}
		return err
	})
}

func foldersAreFetched(t T, w *World) {
	dir := filepath.Join(t.TempDir(), "folder")
	for i, size := range []int{0, 10, 5000, 300 << 10} {
		path := filepath.Join(dir, strings.Repeat("d/", i), "file")
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, random(size), 0o640)); err != nil {
			t.Fatalf("%v", err)
		}
	}
	if _, err := w.Member(1).Files().Share(t.Context(), dir, files.ShareOptions{}); err != nil {
		t.Fatalf("share the folder: %v", err)
	}
	to := t.TempDir()
	Eventually(t, "the folder is fetched", func() error {
		_, err := w.Member(0).Files().Get(t.Context(), "folder", to, nil)
		return err
	})
	if err := sameFolder(dir, filepath.Join(to, "folder")); err != nil {
		t.Fatalf("%v", err)
	}
}

func sameFolder(a, b string) error {
	return filepath.WalkDir(a, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(a, path)
		want, err1 := os.ReadFile(path)
		got, err2 := os.ReadFile(filepath.Join(b, rel))
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if !bytes.Equal(want, got) {
			return moot.Errorf(moot.Corrupt, "%s differs", rel)
		}
		return nil
	})
}
