package daemon

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/backup"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/mta"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

// backupFiles are small files of a home that are in a backup. Tokens are not: one that was
// revoked since must not come back. The index of messages is made anew.
var backupFiles = [...]string{
	keyFile, oldKeyPattern, heirFile, settingsFile, "wishes.json", "peers.json", "passwords.json", "names.json", "mailbox-*.json",
	"joins.json", "accounts/*.pem", "accounts/*.heir", "dkim-*.pem", "mail-tls.pem", "web-tls.pem",
}

// copiedFiles are databases in a backup, with what belongs to them.
var copiedFiles = [...]string{databaseFile, "jobs.db", "folders.db", outboxFolder + "/queue.db", outboxFolder + "/*.eml"}

const (
	databaseFile = node.EntriesFile
	outboxFolder = node.OutboxFolder
	copiesFolder = ".backup" // databases that are being backed up
)

// backup adds a backup of the home to a directory, while it may be in use.
func (h *home) backup(ctx context.Context, dir string, o app.BackupOptions, c node.Contents) (app.Backup, error) {
	var made app.Backup
	copies := h.Path(copiesFolder)
	lock, err := durable.Lock(copies + ".lock")
	if err != nil {
		return made, node.OSError("backup", err)
	}
	defer lock.Close()
	if err = errors.Join(os.RemoveAll(copies), os.Mkdir(copies, 0o700)); err != nil { // of a backup that was interrupted
		return made, node.OSError("backup", err)
	}
	defer os.RemoveAll(copies)
	files, err := h.backedUp(ctx, copies, c.Databases)
	if err != nil {
		return made, node.OSError("backup", err)
	}
	own := []moot.Key{h.self()}
	for _, key := range h.old {
		own = append(own, seal.Public(key))
	}
	made.Report, err = backup.Write(ctx, dir, backup.Source{Key: h.key, Files: files, Held: c.Held, Blobs: c.Blobs}, backup.Options{
		Now: time.Now(), Keep: o.Keep, Own: func(k moot.Key) bool { return slices.Contains(own, k) },
		Progress: func(r backup.Report) {
			if o.Progress != nil {
				o.Progress(min(r.Size, c.Size), c.Size)
			}
		},
	})
	if err == nil && o.Progress != nil {
		o.Progress(c.Size, c.Size)
	}
	return made, err
}

// backedUp returns the files of the home. Databases are copied when their turn comes, but
// folders at once: what is in them is not known before.
func (h *home) backedUp(ctx context.Context, copies string, databases []node.Database) (list []backup.HomeFile, err error) {
	names, err := matching(string(h.Dir), backupFiles[:]...)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := os.ReadFile(h.Path(filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // replaced by another a moment ago
		}
		if err != nil {
			return nil, err
		}
		list = append(list, backup.HomeFile{Name: name, Write: func(_ context.Context, w io.Writer) error {
			_, err := w.Write(text)
			return err
		}})
	}
	outbox, err := h.copyOutbox(ctx, copies, databases)
	if err != nil {
		return nil, err
	}
	for _, name := range outbox {
		list = append(list, fileIn(copies, name))
	}
	for _, d := range databases {
		if d.Name == outboxFolder {
			continue
		}
		list = append(list, backup.HomeFile{Name: d.Name, Write: func(ctx context.Context, w io.Writer) error {
			if err := d.Copy(ctx, filepath.Join(copies, d.Name)); err != nil {
				return err
			}
			return errors.Join(fileIn(copies, d.Name).Write(ctx, w), os.Remove(filepath.Join(copies, d.Name)))
		}})
	}
	return list, nil
}

// copyOutbox copies mail on its way out, which a node has open only while it runs.
func (h *home) copyOutbox(ctx context.Context, copies string, databases []node.Database) (names []string, err error) {
	to := filepath.Join(copies, outboxFolder)
	at := slices.IndexFunc(databases, func(d node.Database) bool { return d.Name == outboxFolder })
	switch _, err = os.Stat(h.Path(outboxFolder)); {
	case at >= 0:
		err = databases[at].Copy(ctx, to)
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err == nil:
		var queue *mta.Queue
		if queue, err = mta.OpenQueue(ctx, h.Path(outboxFolder), mta.QueueLimits{}); err == nil {
			err = errors.Join(queue.Backup(ctx, to), queue.Close())
		}
	}
	if err != nil {
		return nil, err
	}
	return matching(copies, copiedFiles[:]...)
}

// matching returns the files of a directory with names of the patterns, with slashes.
func matching(dir string, patterns ...string) (names []string, err error) {
	for _, pattern := range patterns {
		found, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	return names, nil
}

func fileIn(dir, name string) backup.HomeFile {
	return backup.HomeFile{Name: name, Write: func(_ context.Context, w io.Writer) error {
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(w, f)
		return err
	}}
}

// isBackedUp reports whether a backup may hold a file of that name.
func isBackedUp(name string) bool {
	return slices.ContainsFunc(slices.Concat(backupFiles[:], copiedFiles[:]), func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// Backups implements app.Program.
func (Program) Backups(_ context.Context, dir string) ([]app.BackupInfo, error) {
	lists, err := openLists(dir, "")
	infos := []app.BackupInfo{}
	for _, l := range lists {
		infos = append(infos, l.info())
	}
	return infos, err
}

// VerifyBackup implements app.Program.
func (Program) VerifyBackup(ctx context.Context, dir, at string, progress func(done, total int64)) ([]app.BackupInfo, error) {
	all, damaged := openLists(dir, at)
	if len(all) == 0 {
		return nil, errors.Join(damaged, moot.Errorf(moot.NotFound, "there is no backup in %s that can be read", dir))
	}
	var lists []backup.List
	var infos []app.BackupInfo
	for _, l := range all {
		lists, infos = append(lists, l.List), append(infos, l.info())
	}
	err := errors.Join(damaged, backup.Verify(ctx, dir, progress, lists...))
	return infos, moot.Wrap("verify "+dir, err)
}

// named is a list with its name.
type named struct {
	id string
	backup.List
}

func (n named) info() app.BackupInfo {
	return app.BackupInfo{ID: n.id, Time: n.Time, Device: n.Device, Blobs: n.Count, Size: n.Size, Unread: len(n.Unread)}
}

// openLists opens the list that at names, or all that can be.
func openLists(dir, at string) (lists []named, err error) {
	ids, err := backup.Lists(dir)
	if err == nil && at != "" {
		var id string
		id, err = findBackup(dir, at)
		ids = []string{id}
	}
	if err != nil {
		return nil, node.OSError("open the backups in "+dir, err)
	}
	var damaged error
	for _, id := range ids {
		l, err := backup.Open(dir, id)
		damaged = errors.Join(damaged, err)
		if err == nil {
			lists = append(lists, named{id, l})
		}
	}
	return lists, node.OSError("open the backups in "+dir, damaged)
}

// findBackup returns the ID that at is, or of the newest backup of that time or before; a day
// means its end.
func findBackup(dir, at string) (string, error) {
	ids, err := backup.Lists(dir)
	if err != nil || slices.Contains(ids, at) {
		return at, err
	}
	if at == "" {
		return backup.Find(dir, time.Unix(1<<40, 0))
	}
	if day, err := time.ParseInLocation(time.DateOnly, at, time.Local); err == nil {
		return backup.Find(dir, day.AddDate(0, 0, 1).Add(-1))
	}
	for _, layout := range []string{time.DateTime, "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, at, time.Local); err == nil {
			return backup.Find(dir, t)
		}
	}
	return "", moot.Errorf(moot.Invalid, "%.80q is neither the ID of a backup nor a time such as 2026-01-31 or 2026-01-31 18:00", at)
}
