// Package backup writes what a home consists of to a directory that former backups are in
// already, and verifies it: blobs and files under their hashes, and signed lists of them.
//
// It must not know what a home's files mean.
package backup

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

const (
	listsFolder   = "backups"
	blobsFolder   = "blobs"
	packsFolder   = "packs"
	filesFolder   = "files"
	partialFolder = "partial"
)

func blobPath(dir string, id moot.BlobID) string {
	return filepath.Join(dir, blobsFolder, id.String()[:2], id.String())
}
func packPath(dir string, id moot.BlobID) string { return filepath.Join(dir, packsFolder, id.String()) }
func filePath(dir string, id moot.BlobID) string { return filepath.Join(dir, filesFolder, id.String()) }

// Source is what is backed up.
type Source struct {
	Key   ed25519.PrivateKey // of the device, which signs
	Files []HomeFile
	Held  func(ctx context.Context) iter.Seq2[moot.Blob, error] // blobs; any may come twice
	Blobs moot.Blobs                                            // where they are read
}

// HomeFile is written when the backup comes to it.
type HomeFile struct {
	Name  string
	Write func(ctx context.Context, w io.Writer) error
}

// Options shape a backup.
type Options struct {
	Now      time.Time
	Progress func(Report) // after each part; nil: none
}

// Report is what a backup has written.
type Report struct {
	New    int64         `json:"new"`   // blobs
	Known  int64         `json:"known"` // blobs that a former backup has written
	Bytes  int64         `json:"bytes"` // written
	Unread []moot.BlobID `json:"unread,omitempty"`
}

type writer struct {
	dir    string
	src    Source
	o      Options
	list   List
	report Report
	known  map[moot.BlobID]moot.Blob // small blob → its pack
	packs  map[moot.BlobID]moot.Blob // that the list is to name
	seen   map[moot.BlobID]bool
	dirs   map[string]bool // whose names are not durable yet
}

// Write adds a backup to a directory. Its list is written when all that it names is
// durable; until then former backups are the newest. A blob that cannot be read is in
// Report.Unread, and the rest is written. Kind Full.
func Write(ctx context.Context, dir string, src Source, o Options) (Report, error) {
	w := &writer{dir: dir, src: src, o: o, known: map[moot.BlobID]moot.Blob{}, packs: map[moot.BlobID]moot.Blob{}, seen: map[moot.BlobID]bool{}, dirs: map[string]bool{}}
	err := w.write(ctx)
	return w.report, durable.Error("backup", err)
}

func (w *writer) write(ctx context.Context) error {
	for _, folder := range []string{listsFolder, blobsFolder, packsFolder, filesFolder, partialFolder} {
		if err := os.MkdirAll(filepath.Join(w.dir, folder), 0o700); err != nil {
			return err
		}
	}
	w.dirs[w.dir], w.dirs[filepath.Dir(w.dir)] = true, true
	if err := w.findPacks(); err != nil {
		return err
	}
	for _, f := range w.src.Files { // first: entries before the blobs that they name
		if err := w.file(ctx, f); err != nil {
			return moot.Wrap(f.Name, err)
		}
	}
	if err := w.blobs(ctx); err != nil {
		return err
	}
	for _, b := range w.packs {
		w.list.Packs = append(w.list.Packs, b)
	}
	slices.SortFunc(w.list.Packs, func(a, b moot.Blob) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return w.finish(ctx)
}

// findPacks learns which small blobs former backups have written.
func (w *writer) findPacks() error {
	found, err := os.ReadDir(filepath.Join(w.dir, packsFolder))
	if err != nil {
		return err
	}
	for _, f := range found {
		id, err := moot.ParseBlobID(f.Name())
		if err != nil {
			continue
		}
		list, err := indexOf(packPath(w.dir, id))
		info, serr := f.Info()
		if err != nil || serr != nil {
			continue // damaged: its blobs are written again
		}
		for _, b := range list {
			w.known[b.ID] = moot.Blob{ID: id, Size: info.Size()}
		}
	}
	w.dirs[filepath.Join(w.dir, packsFolder)] = true
	return nil
}

func (w *writer) file(ctx context.Context, f HomeFile) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tmp, b, err := w.partial(func(out io.Writer) error { return f.Write(ctx, out) })
	if err == nil {
		w.list.Files = append(w.list.Files, File{f.Name, b})
		err = w.install(tmp, filePath(w.dir, b.ID), b.Size)
	}
	return err
}

// blobs writes those that are not there yet.
func (w *writer) blobs(ctx context.Context) error {
	var small []moot.BlobID
	var size int64
	for b, err := range w.src.Held(ctx) {
		if err == nil {
			err = ctx.Err()
		}
		switch {
		case err != nil:
			return err
		case w.seen[b.ID]:
			continue
		}
		w.seen[b.ID] = true
		if b.Size > moot.MaxSmall {
			err = w.large(ctx, b)
		} else if pack, ok := w.known[b.ID]; ok {
			w.packs[pack.ID] = pack
			w.report.Known++
		} else if small, size = append(small, b.ID), size+b.Size; size >= packSize || len(small) == moot.MaxMany {
			err = w.pack(ctx, small)
			small, size = nil, 0
		}
		if err != nil {
			return err
		}
	}
	return w.pack(ctx, small)
}

func (w *writer) pack(ctx context.Context, ids []moot.BlobID) error {
	got := map[moot.BlobID]bool{}
	var blobs []moot.Small
	for b, err := range w.src.Blobs.GetMany(ctx, ids) {
		if err != nil {
			return err
		}
		got[b.ID] = true
		blobs = append(blobs, b)
	}
	for _, id := range ids {
		if !got[id] {
			w.report.Unread = append(w.report.Unread, id)
		}
	}
	if len(blobs) == 0 {
		return ctx.Err()
	}
	tmp, b, err := w.partial(func(out io.Writer) error {
		_, err := out.Write(encodePack(blobs))
		return err
	})
	if err == nil {
		w.packs[b.ID] = b
		w.report.New += int64(len(blobs))
		err = w.install(tmp, packPath(w.dir, b.ID), b.Size)
	}
	return err
}

// large writes a blob as a file of its own.
func (w *writer) large(ctx context.Context, b moot.Blob) error {
	path := blobPath(w.dir, b.ID)
	w.dirs[filepath.Join(w.dir, blobsFolder)] = true
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() == b.Size {
		w.dirs[filepath.Dir(path)] = true // its name may come from a backup that was interrupted
		w.list.Blobs = append(w.list.Blobs, b)
		w.report.Known++
		return nil
	}
	var rerr error
	tmp, got, err := w.partial(func(out io.Writer) error {
		var body io.ReadCloser
		if body, rerr = w.src.Blobs.Get(ctx, b.ID, moot.Range{Length: -1}); rerr != nil {
			return rerr
		}
		defer body.Close()
		_, err := io.Copy(out, readErrors{blob.NewDecoder(body, b.ID, moot.Range{Length: -1}), &rerr})
		return err
	})
	if rerr != nil && ctx.Err() == nil {
		w.report.Unread = append(w.report.Unread, b.ID)
		return nil
	}
	if err != nil {
		return err
	}
	w.list.Blobs = append(w.list.Blobs, got)
	w.report.New++
	return w.install(tmp, path, got.Size)
}

// readErrors tells errors of reading from those of writing.
type readErrors struct {
	io.Reader
	err *error
}

func (r readErrors) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		*r.err = err
	}
	return n, err
}

// partial writes a durable file that has no name of its own yet.
func (w *writer) partial(write func(io.Writer) error) (path string, b moot.Blob, err error) {
	f, err := os.CreateTemp(filepath.Join(w.dir, partialFolder), "")
	if err != nil {
		return "", b, err
	}
	h, out := blob.NewHasher(nil), durable.NewSparse(f)
	err = write(io.MultiWriter(out, h))
	if err == nil {
		err = out.Finish()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		b, err = h.Sum()
	}
	if err != nil {
		return "", b, errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), b, nil
}

// install gives a partial file its name.
func (w *writer) install(tmp, path string, size int64) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	w.dirs[filepath.Dir(path)] = true
	w.report.Bytes += size
	if w.o.Progress != nil {
		w.o.Progress(w.report)
	}
	return nil
}

// finish makes all names durable, and then writes the list.
func (w *writer) finish(ctx context.Context) error {
	for dir := range w.dirs {
		if err := durable.SyncFolder(dir); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	w.list.Version, w.list.Time, w.list.Unread = version, w.o.Now.UTC(), w.report.Unread
	w.list.Device = moot.Key(w.src.Key.Public().(ed25519.PublicKey))
	text, err := encodeList(w.list, w.src.Key)
	if err != nil {
		return err
	}
	tmp, _, err := w.partial(func(out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	lists := filepath.Join(w.dir, listsFolder)
	path := filepath.Join(lists, w.list.Time.Format(layout)+".json")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(moot.Errorf(moot.Conflict, "there is a backup of that time already"), err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return durable.SyncFolder(lists)
}
