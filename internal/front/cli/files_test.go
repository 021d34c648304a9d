package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/folders"
)

func TestCat(t *testing.T) {
	for _, line := range []string{"cat a.txt b", "--json cat a.txt b"} {
		f := newFake()
		f.expect(t, line, "", Done, "bytes of a.txtbytes of b", "")
		if f.recorded() != "read a.txt\nread b" {
			t.Errorf("called %s", f.recorded())
		}
	}
	f := newFake()
	f.fail, f.failAt = moot.Errorf(moot.Invalid, "it is a folder"), 3
	f.expect(t, "cat a.txt b", "", Failed, "bytes of a.txt", "cat b: it is a folder")
}

// TestListOfOne lists a file by its name, and what is not there.
func TestListOfOne(t *testing.T) {
	f := newFake()
	f.lookups["x/one"] = file("x/one", 3, 10)
	f.fail, f.failAt = moot.Errorf(moot.Invalid, "it is no folder"), 2
	f.expect(t, "ls x/one", "", Done, "one   10 B", "")
	f = newFake()
	f.fail, f.failAt = moot.WithHint(moot.Errorf(moot.NotFound, "there is no \"x\" in this space"), moot.HintListFiles), 2
	f.expect(t, "ls x", "", Failed, "", "there is no \"x\" in this space: see 'moot ls' or 'moot find'")
	f = newFake()
	f.found = []files.File{}
	f.lookups["x/one"] = file("x/one", 3, 10)
	f.expect(t, "ls -r x/one", "", Done, "x/one  10 B", "")
	f.expect(t, "ls -r x", "", Failed, "", `there is no "x" in this space`)
	f.expect(t, "ls", "", Done, "", "")
}

// TestListKinds shows what a listed name is.
func TestListKinds(t *testing.T) {
	f := newFake()
	link, frozen, lost, folder := file("l", 0, 0), file("old", 7, 70), file("a (conflict bob).txt", 4, 11), file("d", 0, 0)
	link.Blob, link.Link, link.Mode = moot.Blob{}, "../x\x1b", 0o777
	frozen.Folder, frozen.Frozen = true, true
	lost.Conflict, lost.Copy = true, true
	folder.Blob, folder.Folder, folder.Files, folder.Mode = moot.Blob{}, true, 1, 0o755
	f.found = []files.File{link, lost, frozen, folder}
	f.expect(t, "ls", "", Done, `NAME                  SIZE  BY   WHEN                 BLOB
old/                  70 B  ann  2026-01-02 03:04:05  07ff000000000000  frozen
d/                    0 B   ann  2026-01-02 03:04:05                    1 file
l -> ../x�            0 B   ann  2026-01-02 03:04:05
a (conflict bob).txt  11 B  ann  2026-01-02 03:04:05  04ff000000000000  conflict copy
`, "")
	_, out, _ := f.runLine(t, "ls -l", "")
	for _, mode := range []string{fs.FileMode(0o755 | fs.ModeDir).String(), "Lrwxrwxrwx", "-rw-r--r--"} {
		if !strings.Contains(out, mode) {
			t.Errorf("%s is missing:\n%s", mode, out)
		}
	}
}

// TestLeftOut names what was left out, and fails.
func TestLeftOut(t *testing.T) {
	for line, last := range map[string]string{
		"share d":   "moot: share: left out or changed: 2 items\n",
		"share d e": "moot: share: left out or changed: 4 items\n",
		"get d":     "moot: get: left out or changed: 2 items\n",
		"get d e":   "moot: get: left out or changed: 4 items\n",
	} {
		f := newFake()
		f.skipped = []files.Skipped{{Path: "d/fifo\n", Why: "it is a pipe"}, {Path: "d/far", Why: "its time is out of range"}}
		f.expect(t, line, "", Failed, "03ff00", "moot: d/fifo�: it is a pipe\nmoot: d/far: its time is out of range\n")
		if _, _, errs := f.runLine(t, line, ""); !strings.HasSuffix(errs, last) {
			t.Errorf("%s: %q, want %q", line, errs, last)
		}
		f.expect(t, "--json "+line, "", Failed, `"skipped":[{"path":"d/fifo\n","why":"it is a pipe"},`, "")
		f.expect(t, "--json "+line, "", Failed, strings.TrimSuffix(strings.TrimPrefix(last, "moot: "), "\n"), "")
	}
}

// TestGetSome prints what was written before an error.
func TestGetSome(t *testing.T) {
	f := newFake()
	f.fail, f.failAt = moot.Errorf(moot.NotFound, "there is no \"b\""), 2
	f.expect(t, "get a b", "", Failed, "here/a  10 B", `there is no "b"`)
}

func TestRemoveFullFolder(t *testing.T) {
	f := newFake()
	f.fail, f.failAt = moot.Errorf(moot.Conflict, "d is not empty"), 2
	f.expect(t, "rm d", "", Failed, "", "d is not empty: use -r to remove it")
	f.calls = nil
	if _, _, errs := f.runLine(t, "rm -r d", ""); strings.Contains(errs, "use -r") {
		t.Error(errs)
	}
}

// TestSyncRemembered goes on with a directory that was added before.
func TestSyncRemembered(t *testing.T) {
	f := newFake()
	f.expect(t, "sync /here/docs --once", "", Done, "sent a.txt", "")
	if f.recorded() != "folders\nonce /here/docs" {
		t.Errorf("called %s", f.recorded())
	}
	newFake().expect(t, "sync /here/docs --name docs/", "", Done, "moved a -> b", "")
	newFake().expect(t, "sync /music --read-only --except live", "", Done, "moved a -> b", "")
	newFake().expect(t, "sync /music --ignore x", "", Done, "moved", "--ignore counts when a directory is added")
	f = newFake()
	f.synced[0].State = folders.Paused
	f.expect(t, "sync /here/docs", "", Failed, "", "/here/docs is paused: go on with 'moot sync resume'")
}

// TestSyncByOtherPath finds a directory by a relative path and through a link.
func TestSyncByOtherPath(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, err := range []error{os.Mkdir("ls", 0o700), os.Symlink("ls", "link")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"./ls", "link", dir + "/ls/"} {
		f := newFake()
		f.synced[0].Dir = filepath.Join(dir, "ls")
		f.expect(t, "sync "+path, "", Done, "moved a -> b", "")
		if strings.Contains(f.recorded(), "add") {
			t.Errorf("%s: called %s", path, f.recorded())
		}
	}
}

// TestSyncOnceFails unless the folder is in step at the end.
func TestSyncOnceFails(t *testing.T) {
	for want, st := range map[string]folders.Status{
		"/here/docs: 1 problem: see 'moot sync status'":                                          {State: folders.Waiting, Failing: 1},
		"/here/docs is not in step yet (1 to send, 2 to fetch): waiting: see 'moot sync status'": {State: folders.Waiting, ToSend: 1, ToFetch: 2},
		"/here/docs is not in step yet (0 to send, 0 to fetch): it is not mounted":               {State: folders.Away, Why: "it is not mounted"},
	} {
		f := newFake()
		f.after = st
		f.expect(t, "sync /here/docs --once", "", Failed, "sent a.txt", want)
	}
}

func TestSyncAdd(t *testing.T) {
	patterns := filepath.Join(t.TempDir(), "patterns")
	if err := os.WriteFile(patterns, []byte("*.o\n\n!keep.o\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake()
	f.status.Running = false
	f.expect(t, "sync add new --ignore x --ignore-file "+patterns, "", Done, "no node runs here: 'moot up' or 'moot serve' begins", "")
	if !strings.Contains(f.recorded(), "Ignore:[x *.o  !keep.o]") {
		t.Errorf("called %s", f.recorded())
	}
	newFake().expect(t, "sync status m", "", Done, "/music", "") // by its name in the space
}

// TestUndoneKinds words what was brought back.
func TestUndoneKinds(t *testing.T) {
	a := &commandLine{}
	var out strings.Builder
	a.out = &out
	for _, f := range []files.File{{Name: "d", Folder: true, Files: 2, Content: 5}, {Name: "l", Link: "x"}} {
		a.showChanged(f)
		a.showResult(f.Name, files.Result{File: f})
	}
	if want := "d/ is there again, with 2 files\nd/  5 B  2 files\nl -> x is there again\nl -> x\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
