package daemon

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/node"
)

// backupFiles are in a backup, a tar archive, beside the database and accounts' keys.
// Tokens are not: one that was revoked since must not come back.
// Blobs are not: others hold them, and they can be copied at any time, since they never
// change.
var backupFiles = [...]string{
	keyFile, oldKeyPattern, heirFile, settingsFile, "wishes.json", "peers.json", "passwords.json", "names.json", "mailbox-*.json",
	"joins.json", "accounts/*.pem", "accounts/*.heir",
}

const databaseFile = "moot.db"

// backup writes the home's key, settings and entries, while it may be in use. entries
// copies the database to a path.
func (h *home) backup(ctx context.Context, entries func(ctx context.Context, file string) error, w io.Writer) error {
	dir, err := os.MkdirTemp(string(h.Dir), ".backup-")
	if err != nil {
		return node.OSError("backup", err)
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, databaseFile)
	if err := entries(ctx, copied); err != nil {
		return err
	}
	out := tar.NewWriter(w)
	var names []string
	for _, pattern := range backupFiles {
		found, err := filepath.Glob(h.Path(pattern))
		if err != nil {
			return node.OSError("backup", err)
		}
		for _, file := range found {
			names = append(names, filepath.ToSlash(strings.TrimPrefix(file, h.Path("")+string(filepath.Separator))))
		}
	}
	for _, name := range names {
		if err := addFile(out, h.Path(name), name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return node.OSError("backup", err)
		}
	}
	if err := addFile(out, copied, databaseFile); err != nil {
		return node.OSError("backup", err)
	}
	return node.OSError("backup", out.Close())
}

func addFile(out *tar.Writer, file, name string) error {
	f, err := os.Open(file)
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

// Restore implements app.Program. The node that runs in the home must first hear from
// others what it has written since the backup, lest it write something else under the
// same number.
func (p Program) Restore(_ context.Context, dir, file string) error {
	h := &home{Dir: node.Dir(dir)}
	if err := h.checkUnused(); err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return node.OSError("restore", err)
	}
	defer f.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return node.OSError("restore", err)
	}
	if err := unpack(f, dir); err != nil {
		return moot.Wrap("restore "+file, err)
	}
	if h, err = openHome(dir); err != nil {
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
			return moot.Errorf(moot.Invalid, "the file is not a Moot backup: %w", err)
		}
		if !isBackedUp(head.Name) {
			return moot.Errorf(moot.Invalid, "the file is not a Moot backup: it holds %.60q", head.Name)
		}
		if err := unpackFile(in, filepath.Join(dir, head.Name)); err != nil {
			return node.OSError("write", err)
		}
	}
}

// isBackedUp reports whether a backup may hold a file of that name.
func isBackedUp(name string) bool {
	return name == databaseFile || slices.ContainsFunc(backupFiles[:], func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

func unpackFile(r io.Reader, file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}
