package daemon

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
)

// A backup is a tar file with these files of the home. Blobs are not among them:
// others hold them, and they can be copied at any time, since they never change.
var backupFiles = []string{"key.pem", "settings.json", "wishes.json", "peers.json", "passwords.json"}

const databaseFile = "moot.db"

// backup writes the home's key, settings and entries, while it may be in use.
func (n *node) backup(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp(n.dir, ".backup-")
	if err != nil {
		return osError("backup", err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, databaseFile)
	if err := n.store.Backup(ctx, copied); err != nil {
		return err
	}
	out := tar.NewWriter(w)
	names := slices.Clone(backupFiles)
	keys, err := filepath.Glob(n.path("accounts/*.pem"))
	if err != nil {
		return osError("backup", err)
	}
	for _, path := range keys {
		names = append(names, "accounts/"+filepath.Base(path))
	}
	for _, name := range names {
		if err := addFile(out, n.path(name), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return osError("backup", err)
		}
	}
	if err := addFile(out, copied, databaseFile); err != nil {
		return osError("backup", err)
	}
	return osError("backup", out.Close())
}

func addFile(out *tar.Writer, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime()}); err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return err
}

// Restore makes a home from a backup. The node that runs in it must first hear from
// others what it has said since, lest it say something else under the same number.
func (p Program) Restore(_ context.Context, dir, file string) error {
	if _, err := os.Stat(filepath.Join(dir, "settings.json")); err == nil {
		return moot.Errorf(moot.Invalid, "%s is already the home of a node: give another --home", dir)
	}
	f, err := os.Open(file)
	if err != nil {
		return osError("restore", err)
	}
	defer f.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return osError("restore", err)
	}
	if err := unpack(f, dir); err != nil {
		return moot.Wrap("restore "+file, err)
	}
	h, err := openHome(dir)
	if err != nil {
		return err
	}
	h.settings.Database, h.settings.Blobs = "", ""
	h.settings.Restored = true
	return h.save()
}

func unpack(r io.Reader, dir string) error {
	in := tar.NewReader(r)
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return durable.SyncFolder(dir)
		}
		if err != nil {
			return moot.Errorf(moot.Invalid, "it is no backup: %w", err)
		}
		if !isBackedUp(head.Name) {
			return moot.Errorf(moot.Invalid, "it is no backup: it holds %.60q", head.Name)
		}
		if err := unpackFile(in, filepath.Join(dir, head.Name)); err != nil {
			return osError("write", err)
		}
	}
}

// isBackedUp reports whether a backup may hold a file of that name.
func isBackedUp(name string) bool {
	if key, ok := strings.CutPrefix(name, "accounts/"); ok {
		_, err := moot.ParseKey(strings.TrimSuffix(key, ".pem"))
		return err == nil && strings.HasSuffix(key, ".pem")
	}
	return name == databaseFile || slices.Contains(backupFiles, name)
}

func unpackFile(r io.Reader, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}
