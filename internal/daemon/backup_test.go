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

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// backedUp returns a backup of a home, as a file.
func backedUp(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.tar")
	f, err := os.Create(path)
	must(t, err)
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) { must(t, s.Control.Backup(ctx, f)) })
	must(t, f.Close())
	return path
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
	must(t, Program{}.Restore(t.Context(), restored, file))
	wantError(t, Program{}.Restore(t.Context(), restored, file), moot.Invalid, moot.HintOtherHome, "already the home")
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
	must(t, Program{}.Restore(t.Context(), restored, backedUp(t, ann)))
	in(t, restored, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		wantError(t, write(ctx, s, "b.txt", "b"), moot.Unavailable, moot.HintStartNode, "restored")
		_, err := s.Files.Lookup(ctx, "a.txt")
		must(t, err)
	})
}

func TestBackupOfARunningNodeHoldsAccountsAndNoBlobs(t *testing.T) {
	dir := founded(t)
	run(t, dir, peerOptions())
	var account moot.Key
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		must(t, write(ctx, s, "a.txt", strings.Repeat("blob", 1<<16)))
		a, err := s.Control.AddAccount(ctx, "eve", "")
		must(t, err)
		account = a.Device
		_, err = s.Control.AddPassword(ctx, "eve")
		must(t, err)
	})
	restored := filepath.Join(t.TempDir(), "again")
	must(t, Program{}.Restore(t.Context(), restored, backedUp(t, dir)))
	key, err := seal.LoadKey(filepath.Join(restored, "accounts", account.String()+".pem"))
	must(t, err)
	if seal.Public(key) != account || exists(t, filepath.Join(restored, "blobs")) {
		t.Error("the restored home lacks the account, or has blobs")
	}
	in(t, restored, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		list, err := s.Control.Accounts(ctx)
		must(t, err)
		if len(list) != 2 || list[1].Name != "eve" || list[1].Passwords != 1 {
			t.Errorf("accounts %+v", list)
		}
	})
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
		err := Program{}.Restore(t.Context(), dir, file)
		if err == nil || exists(t, filepath.Join(dir, settingsFile)) {
			t.Errorf("%s: %v", name, err)
		}
		if len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	err := Program{}.Restore(t.Context(), filepath.Join(t.TempDir(), "home"), "/does/not/exist")
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
