package daemon

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// backedUp returns a directory with a backup of a home.
func backedUp(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup")
	backUp(t, dir, to)
	return to
}

func backUp(t *testing.T, dir, to string) (b app.Backup) {
	t.Helper()
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		var err error
		b, err = s.Control.Backup(ctx, to, app.BackupOptions{})
		must(t, err)
	})
	return b
}

func restore(t *testing.T, home, from string) app.Restored {
	t.Helper()
	r, err := Program{}.Restore(t.Context(), home, from, app.RestoreOptions{})
	must(t, err)
	return r
}

func TestRestoredHomeWritesOnlyOnceItReachedAnother(t *testing.T) {
	ann := founded(t)
	run(t, ann, peerOptions())
	ben := join(t, invite(t, ann))
	in(t, ben, viaPeers, func(ctx context.Context, s *app.Session) {
		must(t, s.Control.SetPreferences(ctx, policy.Preferences{UploadRate: 1 << 30}))
		must(t, write(ctx, s, "before.txt", "old"))
	})
	file := backedUp(t, ben)
	in(t, ben, viaPeers, func(ctx context.Context, s *app.Session) { must(t, write(ctx, s, "after.txt", "new")) })
	must(t, os.RemoveAll(ben))

	restored := filepath.Join(t.TempDir(), "again")
	restore(t, restored, file)
	_, err := Program{}.Restore(t.Context(), restored, file, app.RestoreOptions{})
	wantError(t, err, moot.Invalid, moot.HintOtherHome, "already the home")
	h, err := openHome(restored)
	must(t, err)
	wantError(t, h.ready(), moot.Unavailable, moot.HintStartNode, "restored")
	in(t, restored, viaPeers, func(ctx context.Context, s *app.Session) {
		if p, err := s.Control.Preferences(ctx); err != nil || p.UploadRate != 1<<30 {
			t.Errorf("preferences %+v, %v", p, err)
		}
		must(t, write(ctx, s, "third.txt", "newest")) // ann's node was reached when the session began
		for _, name := range []string{"before.txt", "after.txt", "third.txt"} {
			_, err := s.Files.Lookup(ctx, name)
			must(t, err)
		}
		if st, err := s.Control.Status(ctx); err != nil || st.Forks != 0 {
			t.Errorf("status %+v, %v", st, err)
		}
	})
	if h, err = openHome(restored); err != nil || h.settings.Restored {
		t.Errorf("the home still waits: %+v, %v", h.settings, err)
	}
}

func TestRestoredHomeAloneWritesNothing(t *testing.T) {
	ann := founded(t)
	in(t, ann, moot.Architecture{}, func(ctx context.Context, s *app.Session) { must(t, write(ctx, s, "a.txt", "a")) })
	restored := filepath.Join(t.TempDir(), "again")
	restore(t, restored, backedUp(t, ann))
	in(t, restored, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		wantError(t, write(ctx, s, "b.txt", "b"), moot.Unavailable, moot.HintStartNode, "restored")
		_, err := s.Files.Lookup(ctx, "a.txt")
		must(t, err)
	})
}

func TestBackupOfARunningNodeHoldsAccountsAndBlobs(t *testing.T) {
	dir := founded(t)
	run(t, dir, peerOptions())
	var account moot.Key
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		must(t, write(ctx, s, "a.txt", strings.Repeat("blob", 1<<16)))
		must(t, write(ctx, s, "small.txt", "small"))
		a, err := s.Control.AddAccount(ctx, "eve", "")
		must(t, err)
		account = a.Device
		_, err = s.Control.AddPassword(ctx, "eve")
		must(t, err)
	})
	restored := filepath.Join(t.TempDir(), "again")
	saved := backedUp(t, dir)
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) { must(t, write(ctx, s, "b.txt", "later")) })
	if b := backUp(t, dir, saved); b.New != 1 || b.Known < 2 || b.Bytes > 1<<20 {
		t.Errorf("the second backup is %+v", b.Report)
	}
	lists, err := Program{}.VerifyBackup(t.Context(), saved, "", nil)
	must(t, err)
	if len(lists) != 2 || !lists[0].Time.Before(lists[1].Time) || lists[1].Blobs != lists[0].Blobs+1 {
		t.Errorf("lists %+v", lists)
	}
	if r := restore(t, restored, saved); r.Blobs != lists[1].Blobs || r.ID != lists[1].ID {
		t.Errorf("restored %+v of %+v", r, lists[1])
	}
	key, err := seal.LoadKey(filepath.Join(restored, "accounts", account.String()+".pem"))
	must(t, err)
	if seal.Public(key) != account || exists(t, filepath.Join(restored, stagingFolder)) || exists(t, filepath.Join(dir, copiesFolder)) {
		t.Error("the restored home lacks the account, or something is left")
	}
	in(t, restored, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		list, err := s.Control.Accounts(ctx)
		must(t, err)
		if len(list) != 2 || list[1].Name != "eve" || list[1].Passwords != 1 {
			t.Errorf("accounts %+v", list)
		}
		if read(t, s, "a.txt") != strings.Repeat("blob", 1<<16) || read(t, s, "small.txt") != "small" || read(t, s, "b.txt") != "later" {
			t.Error("files are others than they were")
		}
	})
}

func TestAtChoosesABackup(t *testing.T) {
	dir := founded(t)
	saved := backedUp(t, dir)
	backUp(t, dir, saved)
	lists, err := Program{}.Backups(t.Context(), saved)
	must(t, err)
	first, second := lists[0], lists[1]
	local := func(l app.BackupInfo, layout string) string { return l.Time.Local().Format(layout) }
	for at, want := range map[string]string{
		"": second.ID, first.ID: first.ID, second.ID: second.ID,
		local(second, time.DateOnly): second.ID, first.Time.Format(time.RFC3339Nano): first.ID, "2999-01-01": second.ID,
	} {
		if id, err := findBackup(saved, at); err != nil || id != want {
			t.Errorf("%q is %s, %v; want %s", at, id, err, want)
		}
	}
	for at, kind := range map[string]moot.ErrorKind{"2001-01-01 10:00": moot.NotFound, "../x": moot.Invalid, "yesterday": moot.Invalid} {
		if _, err := findBackup(saved, at); moot.KindOf(err) != kind {
			t.Errorf("%q: %v", at, err)
		}
	}
	_, err = Program{}.VerifyBackup(t.Context(), t.TempDir(), "", nil)
	wantError(t, err, moot.NotFound, "", "")
}

// TestInterruptedRestoreIsNoHome stops a restore at each step.
func TestInterruptedRestoreIsNoHome(t *testing.T) {
	dir := founded(t)
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		must(t, write(ctx, s, "a.txt", strings.Repeat("blob", 1<<16)))
	})
	saved := backedUp(t, dir)
	restored := filepath.Join(t.TempDir(), "again")
	r := restoring{dir: restored, staged: filepath.Join(restored, stagingFolder), from: saved}
	noHome := func() {
		t.Helper()
		_, err := openHome(restored)
		wantError(t, err, moot.NotFound, moot.HintCreate, "not the home")
		_, err = Program{}.Init(t.Context(), restored, app.InitOptions{Space: "club", As: "eve"})
		wantError(t, err, moot.Conflict, "", "interrupted")
	}
	must(t, r.begin())
	noHome()
	must(t, r.fromBackup(t.Context(), ""))
	noHome()
	must(t, r.move(databaseFile))
	must(t, r.move("blobs"))
	noHome()
	restore(t, restored, saved)
	in(t, restored, moot.Architecture{}, func(_ context.Context, s *app.Session) {
		if read(t, s, "a.txt") != strings.Repeat("blob", 1<<16) {
			t.Error("the file is another than it was")
		}
	})
	full := t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "thesis.txt"), []byte("mine"), 0o600))
	_, err := Program{}.Restore(t.Context(), full, saved, app.RestoreOptions{})
	wantError(t, err, moot.Conflict, "", "not empty")
}

func TestDamageIsNamedAndLeftOut(t *testing.T) {
	dir := founded(t)
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		must(t, write(ctx, s, "a.txt", strings.Repeat("blob", 1<<16)))
		must(t, write(ctx, s, "small.txt", "small text"))
	})
	saved := backedUp(t, dir)
	large, err := filepath.Glob(filepath.Join(saved, "blobs", "*", "*"))
	must(t, err)
	packs, err := filepath.Glob(filepath.Join(saved, "packs", "*"))
	must(t, err)
	if len(large) != 1 || len(packs) != 1 {
		t.Fatal(large, packs)
	}
	must(t, os.WriteFile(large[0], []byte(strings.Repeat("bl0b", 1<<16)), 0o600))
	pack, err := os.ReadFile(packs[0])
	must(t, err)
	must(t, os.WriteFile(packs[0], bytes.Replace(pack, []byte("small text"), []byte("SMALL text"), 1), 0o600))
	_, err = Program{}.VerifyBackup(t.Context(), saved, "", nil)
	wantError(t, err, moot.Corrupt, "", filepath.Base(large[0]))
	small := blobOf(t, dir, "small.txt")
	wantError(t, err, moot.Corrupt, "", small.String())
	r := restore(t, filepath.Join(t.TempDir(), "again"), saved)
	if len(r.Damaged) != 2 || r.Damaged[0].String() != filepath.Base(large[0]) || r.Damaged[1] != small {
		t.Errorf("restored %+v", r)
	}
}

func blobOf(t *testing.T, dir, name string) (id moot.BlobID) {
	t.Helper()
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		f, err := s.Files.Lookup(ctx, name)
		must(t, err)
		id = f.Blob.ID
	})
	return id
}

// archive returns a tar archive of files, by name and content in turn.
func archive(t testing.TB, namesAndTexts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	out := tar.NewWriter(&b)
	for i := 0; i < len(namesAndTexts); i += 2 {
		name, text := namesAndTexts[i], namesAndTexts[i+1]
		err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(text))})
		if err == nil {
			_, err = out.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	whole := archive(t, keyFile, "key", settingsFile, "{}")
	for name, raw := range map[string][]byte{
		"text":         []byte(strings.Repeat("no archive ", 100)),
		"cut short":    whole[:600],
		"path out":     archive(t, "../key.pem", "x"),
		"absolute":     archive(t, "/etc/key.pem", "x"),
		"account out":  archive(t, "accounts/../../key.pem", "x"),
		"foreign file": archive(t, "index.html", "x"),
		"huge name":    archive(t, strings.Repeat("n", 5000), "x"),
	} {
		file := filepath.Join(t.TempDir(), "backup.tar")
		must(t, os.WriteFile(file, raw, 0o600))
		dir := filepath.Join(t.TempDir(), "home")
		_, err := Program{}.Restore(t.Context(), dir, file, app.RestoreOptions{})
		if err == nil || exists(t, dir) {
			t.Errorf("%s: %v", name, err)
		}
		if len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	_, err := Program{}.Restore(t.Context(), filepath.Join(t.TempDir(), "home"), "/does/not/exist", app.RestoreOptions{})
	if moot.KindOf(err) == "" {
		t.Error("a missing file was restored")
	}
	twice := archive(t, keyFile, "one", keyFile, "two")
	if err := unpack(bytes.NewReader(twice), t.TempDir()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file given twice: %v", err)
	}
}

// FuzzUnpack looks for archives that write anything but a home's own files.
func FuzzUnpack(f *testing.F) {
	f.Add(archive(f, keyFile, "key", settingsFile, "{}", databaseFile, "db"))
	f.Add(archive(f, "accounts/"+moot.Key{1}.String()+".pem", "key"))
	f.Add(archive(f, "../key.pem", "x", "accounts/../x.pem", "x"))
	f.Add([]byte("no archive"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		outer := t.TempDir()
		dir := filepath.Join(outer, "home")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unpack(bytes.NewReader(raw), dir); err != nil && moot.KindOf(err) == "" {
			t.Errorf("an error without a kind: %v", err)
		}
		err := filepath.WalkDir(outer, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err != nil || !d.Type().IsRegular() || !isBackedUp(filepath.ToSlash(name)) {
				t.Errorf("unpacked %q (%v)", name, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestBackupHasFilesOfSyncedFolders(t *testing.T) {
	dir := founded(t)
	docs := filepath.Join(t.TempDir(), "docs")
	must(t, os.Mkdir(docs, 0o700))
	large := strings.Repeat("lies elsewhere", 1<<14)
	must(t, os.WriteFile(filepath.Join(docs, "large"), []byte(large), 0o600))
	must(t, os.WriteFile(filepath.Join(docs, "small"), []byte("small"), 0o600))
	stop := run(t, dir, peerOptions())
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		_, err := s.Folders.Add(ctx, docs, folders.Options{Name: "docs"})
		must(t, err)
		_, err = s.Folders.Once(ctx, docs, func(folders.Event) {})
		must(t, err)
	})
	saved := filepath.Join(t.TempDir(), "backup")
	if b := backUp(t, dir, saved); len(b.Folders) > 0 || len(b.Unread) > 0 {
		t.Errorf("made %+v", b)
	}
	stop()
	for _, there := range []bool{true, false} {
		if !there {
			must(t, os.RemoveAll(docs))
		}
		if b := backUp(t, dir, saved); len(b.Folders) == 0 != there || b.Known < 2 && there {
			t.Errorf("made %+v without a node", b)
		}
	}
	lists, err := Program{}.Backups(t.Context(), saved)
	must(t, err)
	restored := filepath.Join(t.TempDir(), "again")
	_, err = Program{}.Restore(t.Context(), restored, saved, app.RestoreOptions{At: lists[1].ID})
	must(t, err)
	in(t, restored, moot.Architecture{}, func(_ context.Context, s *app.Session) {
		if read(t, s, "docs/large") != large || read(t, s, "docs/small") != "small" {
			t.Error("files of the synced folder are others than they were")
		}
	})
}

func TestFileOfVersion010IsRestored(t *testing.T) {
	dir := founded(t)
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) { must(t, write(ctx, s, "a.txt", "a")) })
	var parts []string
	for _, name := range []string{keyFile, settingsFile, databaseFile} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		must(t, err)
		parts = append(parts, name, string(text))
	}
	file := filepath.Join(t.TempDir(), "backup.tar")
	must(t, os.WriteFile(file, archive(t, parts...), 0o600))
	restored := filepath.Join(t.TempDir(), "again")
	if r := restore(t, restored, file); r.ID != "" || r.Home != restored {
		t.Errorf("restored %+v", r)
	}
	in(t, restored, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		_, err := s.Files.Lookup(ctx, "a.txt")
		must(t, err)
		wantError(t, write(ctx, s, "b.txt", "b"), moot.Unavailable, moot.HintStartNode, "restored")
	})
}
