package files_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/store"
)

// meddler is a node on which something happens before a blob is handed out.
type meddler struct {
	moot.Node
	before func() error
}

func (m *meddler) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if m.before != nil {
		if err := m.before(); err != nil {
			return nil, err
		}
	}
	return m.Node.Get(ctx, id, r)
}

// meddled returns a directory of one more member, and the node that it is synced over.
func meddled(t *testing.T, s *store.Store, n byte) (*folder, *meddler) {
	m := &meddler{Node: s}
	return newFolder(t, files.New(m, newSigner(s, n), files.Options{})), m
}

func (d *folder) fails(kind moot.ErrorKind) {
	d.t.Helper()
	wantKind(d.t, "sync", d.f.Sync(d.t.Context(), d.dir, files.SyncOptions{Prefix: "shared", Once: true}), kind)
}

// versions returns how many versions of a name are in force.
func (d *folder) versions(name string) int {
	d.t.Helper()
	n := 0
	list, err := d.f.Conflicts(d.t.Context())
	must(d.t, err)
	for _, f := range list {
		if f.Name == "shared/"+name {
			n++
		}
	}
	return n
}

// inConflict returns two directories with one file that both have changed.
func inConflict(t *testing.T) (ann, bob *folder) {
	s := newStore(t)
	ann, bob = newFolder(t, newFiles(s, 1)), newFolder(t, newFiles(s, 2))
	ann.write("plan", "base")
	ann.once()
	bob.once()
	ann.write("plan", "ann's")
	bob.write("plan", "bob's")
	ann.once()
	bob.once()
	ann.once()
	if n := ann.versions("plan"); n != 2 {
		t.Fatalf("%d versions in force", n)
	}
	return ann, bob
}

// TestEditingInAConflictRejectsNothing: the other's version stays in force.
func TestEditingInAConflictRejectsNothing(t *testing.T) {
	ann, bob := inConflict(t)
	ann.write("plan", "ann's, longer")
	ann.once()
	bob.once()
	if n := ann.versions("plan"); n != 2 {
		t.Errorf("%d versions in force", n)
	}
	ann.wantCopy("plan=ann's, longer", "bob's")
	bob.wantCopy("plan=bob's", "ann's, longer")
}

// wantCopy wants one file, and one conflict copy with some content.
func (d *folder) wantCopy(file, content string) {
	d.t.Helper()
	got := d.list()
	isCopy := func(s string) bool { return strings.Contains(s, " (conflict ") && strings.HasSuffix(s, ")="+content) }
	if len(got) != 2 || !slices.Contains(got, file) || !slices.ContainsFunc(got, isCopy) {
		d.t.Errorf("the folder holds %q, want %q and a copy that holds %q", got, file, content)
	}
}

// TestRemovingInAConflictRejectsOnlyOne: what is left takes the name, everywhere.
func TestRemovingInAConflictRejectsOnlyOne(t *testing.T) {
	ann, bob := inConflict(t)
	ann.remove("plan")
	ann.once()
	bob.once()
	ann.want("plan=bob's")
	bob.want("plan=bob's")
}

// TestTheSameOnBothSidesIsNoConflict: both had the file before they met.
func TestTheSameOnBothSidesIsNoConflict(t *testing.T) {
	s := newStore(t)
	ann, bob := newFolder(t, newFiles(s, 1)), newFolder(t, newFiles(s, 2))
	ann.write("a", "same")
	bob.write("a", "same")
	ann.once()
	bob.once()
	ann.once()
	ann.want("a=same")
	bob.want("a=same")
	if n := ann.versions("a"); n != 0 {
		t.Errorf("%d versions in force", n)
	}
}

// TestACopyThatFailedIsTriedAgain: a conflict copy is owed until it is there.
func TestACopyThatFailedIsTriedAgain(t *testing.T) {
	s := newStore(t)
	ann := newFolder(t, newFiles(s, 1))
	bob, node := meddled(t, s, 2)
	ann.write("a", "ann's")
	bob.write("a", "bob's")
	ann.once()
	node.before = func() error { return moot.Errorf(moot.Unavailable, "no holder is reachable") }
	bob.fails(moot.Unavailable)
	bob.want("a=bob's")
	node.before = nil
	bob.once()
	bob.wantCopy("a=bob's", "ann's")
	got := bob.list()
	i := slices.IndexFunc(got, func(s string) bool { return strings.HasSuffix(s, "=ann's") })
	bob.remove(strings.TrimSuffix(got[i], "=ann's"))
	bob.once() // a copy that was removed is not written again
	bob.want("a=bob's")
}

// TestAnEditWhileFetchingIsKept: the fetch is long, and the file is edited meanwhile.
func TestAnEditWhileFetchingIsKept(t *testing.T) {
	s := newStore(t)
	ann := newFolder(t, newFiles(s, 1))
	bob, node := meddled(t, s, 2)
	ann.write("a", "1")
	ann.once()
	bob.once()
	ann.write("a", "ann's")
	ann.once()
	node.before = func() error {
		bob.write("a", "bob's edit")
		return nil
	}
	bob.fails(moot.Unavailable)
	node.before = nil
	bob.want("a=bob's edit")
	bob.once()
	if n := bob.versions("a"); n != 2 {
		t.Errorf("%d versions in force", n)
	}
}

// TestSyncWritesNothingOfItsOwn: names that only sync itself may use, and paths that
// lead elsewhere, are not written for others.
func TestSyncWritesNothingOfItsOwn(t *testing.T) {
	s := newStore(t)
	evil, bob, dir := newFiles(s, 1), newFolder(t, newFiles(s, 2)), t.TempDir()
	path := write(t, dir+"/x", `{"files":{}}`)
	for _, name := range []string{"shared/.moot-sync", "shared/d/.moot-1/x", "shared/link/x", "shared/ok"} {
		_, err := evil.Share(t.Context(), path, files.ShareOptions{As: name})
		must(t, err)
	}
	must(t, os.Mkdir(dir+"/outside", 0o700))
	must(t, os.Symlink(dir+"/outside", bob.dir+"/link"))
	bob.write(".moot-123/part", "a folder that is being fetched")
	bob.fails(moot.Conflict)
	bob.fails(moot.Conflict)
	if list, err := os.ReadDir(dir + "/outside"); err != nil || len(list) != 0 {
		t.Errorf("written outside: %v, %v", list, err)
	}
	if _, err := os.Stat(filepath.Join(bob.dir, "d")); err == nil {
		t.Error("a name of sync's own was written")
	}
	list, err := evil.List(t.Context(), "shared/")
	if err != nil || len(list) != 4 {
		t.Errorf("listed %v, %v", list, err)
	}
}
