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

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/backup"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
)

// stagingFolder is where a home is restored, in the directory that it is to be: once it is
// whole, its parts are moved, settings last.
const stagingFolder = ".restoring"

// Restore implements app.Program. The node that runs in the home must first hear from
// others what it has written since the backup, lest it write something else under the
// same number.
func (p Program) Restore(ctx context.Context, dir, from string, o app.RestoreOptions) (app.Restored, error) {
	r := restoring{dir: dir, staged: filepath.Join(dir, stagingFolder), from: from, done: app.Restored{Home: dir}, progress: o.Progress}
	info, err := os.Stat(from)
	if err == nil {
		err = r.begin()
	}
	if err != nil {
		return r.done, node.OSError("restore", err)
	}
	if info.IsDir() {
		err = r.fromBackup(ctx, o.At)
	} else {
		err = r.fromFile()
	}
	if err == nil {
		err = r.complete()
	}
	if err == nil {
		err = r.install()
	} else {
		err = errors.Join(err, r.undo())
	}
	return r.done, node.OSError("restore "+from, err)
}

type restoring struct {
	dir, staged string // the home, and where it is made
	from        string
	done        app.Restored
	bytes       int64
	progress    func(done, total int64)
	again       bool // a restore before was interrupted, perhaps after it had moved something
}

// begin makes a place for the home, where nothing else may be.
func (r *restoring) begin() error {
	if err := (&home{Dir: node.Dir(r.dir)}).checkNoHome(); err != nil {
		return err
	}
	found, err := os.ReadDir(r.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.again = slices.ContainsFunc(found, func(f fs.DirEntry) bool { return f.Name() == stagingFolder })
	if len(found) > 0 && !r.again { // else all of it is of a restore that was interrupted
		return moot.Errorf(moot.Conflict, "%s is not empty", r.dir)
	}
	if err := os.RemoveAll(r.staged); err != nil {
		return err
	}
	return os.MkdirAll(r.staged, 0o700)
}

// undo leaves nothing of a restore that failed before anything was moved.
func (r *restoring) undo() error {
	if r.again {
		return nil
	}
	err := os.RemoveAll(r.staged)
	_ = os.Remove(r.dir) // unless something else is in it
	return err
}

func (r *restoring) fromBackup(ctx context.Context, at string) error {
	id, err := findBackup(r.from, at)
	if err != nil {
		return err
	}
	l, err := backup.Open(r.from, id)
	if err != nil {
		return err
	}
	r.done.ID = id
	for _, f := range l.Files {
		if !isBackedUp(f.Name) {
			return moot.Errorf(moot.Invalid, "the backup holds %.60q, which is no part of a home", f.Name)
		}
		err := create(filepath.Join(r.staged, filepath.FromSlash(f.Name)), func(w io.Writer) error {
			return backup.ReadFile(ctx, r.from, l, f, w)
		})
		if err != nil {
			return err
		}
		r.report(f.Size, l.Size)
	}
	key, err := seal.LoadKey(filepath.Join(r.staged, keyFile))
	if err == nil && seal.Public(key) != l.Device {
		err = moot.Errorf(moot.Corrupt, "the backup was signed by another device than it holds")
	}
	if err != nil {
		return err
	}
	return r.blobs(ctx, l)
}

func (r *restoring) report(n, total int64) {
	r.bytes += n
	if r.progress != nil {
		r.progress(min(r.bytes, total), total)
	}
}

// blobs stores all that can be read, and names the others.
func (r *restoring) blobs(ctx context.Context, l backup.List) (err error) {
	s, err := store.Open(ctx, store.Config{Blobs: filepath.Join(r.staged, "blobs")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, b := range l.Blobs {
		if err := r.large(ctx, s, b); err != nil {
			return err
		}
		r.report(b.Size, l.Size)
	}
	batch := smallBatch{store: s}
	for b, err := range backup.SmallBlobs(r.from, l) {
		switch {
		case err == nil:
			err = batch.add(ctx, b.Data)
			r.done.Blobs++
			r.report(int64(len(b.Data)), l.Size)
		case b.ID != moot.BlobID{}:
			r.done.Damaged, err = append(r.done.Damaged, b.ID), nil
		case moot.KindOf(err) == moot.Corrupt:
			r.done.Packs, err = append(r.done.Packs, err.Error()), nil
		}
		if err != nil {
			return err
		}
	}
	return batch.flush(ctx)
}

func (r *restoring) large(ctx context.Context, s *store.Store, b moot.Blob) error {
	body, err := backup.LargeBlob(r.from, b)
	if err != nil {
		r.done.Damaged = append(r.done.Damaged, b.ID)
		return nil
	}
	defer body.Close()
	got, err := s.Put(ctx, body)
	if err != nil {
		return err
	}
	if got.ID != b.ID {
		r.done.Damaged = append(r.done.Damaged, b.ID)
		return s.Drop(ctx, got.ID)
	}
	r.done.Blobs++
	return nil
}

// smallBatch stores small blobs many at once.
type smallBatch struct {
	store *store.Store
	list  [][]byte
	size  int
}

// batchSize is the number of bytes that are stored at once.
const batchSize = 8 << 20

func (b *smallBatch) add(ctx context.Context, data []byte) error {
	b.list, b.size = append(b.list, data), b.size+len(data)
	if len(b.list) < moot.MaxMany && b.size < batchSize {
		return nil
	}
	return b.flush(ctx)
}

func (b *smallBatch) flush(ctx context.Context) error {
	_, err := b.store.PutMany(ctx, b.list)
	b.list, b.size = nil, 0
	return err
}

// complete makes a home of what was restored.
func (r *restoring) complete() error {
	h, err := openHome(r.staged)
	if errors.Is(err, moot.NotFound) {
		return moot.Errorf(moot.Invalid, "no whole home is in it")
	}
	if err != nil {
		return err
	}
	h.settings.Database, h.settings.Blobs = "", ""
	h.settings.Restored = true
	if err := h.save(); err != nil {
		return err
	}
	return syncTree(r.staged)
}

// install moves the parts of the home, settings last: until then it is none.
func (r *restoring) install() error {
	found, err := os.ReadDir(r.staged)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Name() != settingsFile {
			err = errors.Join(err, r.move(f.Name()))
		}
	}
	if err == nil {
		err = durable.SyncFolder(r.dir)
	}
	if err == nil {
		err = r.move(settingsFile)
	}
	if err == nil {
		err = os.RemoveAll(r.staged)
	}
	if err == nil {
		err = durable.SyncFolder(r.dir)
	}
	return err
}

// move moves a part of the home, in place of what an interrupted restore has moved.
func (r *restoring) move(name string) error {
	to := filepath.Join(r.dir, name)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.Rename(filepath.Join(r.staged, name), to)
}

// syncTree makes all names below a directory durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = durable.SyncFolder(path)
		}
		return err
	})
}

// fromFile reads a backup of version 0.1.0: a tar archive of keys, settings and entries.
func (r *restoring) fromFile() error {
	f, err := os.Open(r.from)
	if err != nil {
		return err
	}
	defer f.Close()
	return unpack(f, r.staged)
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
		err = create(filepath.Join(dir, filepath.FromSlash(head.Name)), func(w io.Writer) error {
			_, err := io.Copy(w, in)
			return err
		})
		if err != nil {
			return node.OSError("write", err)
		}
	}
}

// create writes a new file, durably but for its name.
func create(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	return errors.Join(err, f.Sync(), f.Close())
}
