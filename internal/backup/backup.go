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
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

const (
	listsFolder   = "backups"
	blobsFolder   = "blobs"
	packsFolder   = "packs" // of small blobs
	partsFolder   = "parts" // packs of parts of files, which are no blobs of the space
	partialFolder = "partial"
	lockFile      = ".lock"
)

func blobPath(dir string, id moot.BlobID) string {
	return filepath.Join(dir, blobsFolder, id.String()[:2], id.String())
}

// Source is what is backed up.
type Source struct {
	Key   ed25519.PrivateKey // of the device, which signs
	Files []HomeFile
	Held  func(ctx context.Context) iter.Seq2[moot.Blob, error] // blobs; any may come twice
	Blobs moot.Blobs                                            // where they are read
}

// HomeFile is written when the backup comes to it. Parts of it that former backups have
// are not written again: of a database that grows, the pages that have changed.
type HomeFile struct {
	Name  string
	Write func(ctx context.Context, w io.Writer) error
}

// Options shape a backup.
type Options struct {
	Now      time.Time
	Progress func(Report)        // after each part; nil: none
	Own      func(moot.Key) bool // whether a device is, or was, this home's; nil: any is
	Keep     int                 // newest backups that stay when this one is whole; 0: all
}

// Report is what a backup holds, and what of it was written.
type Report struct {
	ID     string        `json:"id"`    // name of the list; only when it is whole
	New    int64         `json:"new"`   // blobs
	Known  int64         `json:"known"` // blobs that a former backup has written
	Size   int64         `json:"size"`  // bytes of all blobs and files
	Bytes  int64         `json:"bytes"` // written
	Unread []moot.BlobID `json:"unread,omitempty"`

	Dropped int   `json:"dropped,omitempty"` // former backups
	Freed   int64 `json:"freed,omitempty"`   // bytes that only these needed
}

type writer struct {
	dir    string
	src    Source
	o      Options
	list   List
	report Report
	packs  packer // of small blobs
	parts  packer // of files
	seen   map[moot.BlobID]bool
	dirs   map[string]bool // whose names are not durable yet
}

// Write adds a backup to a directory, which it makes if there is none. Its list is written
// when all that it names is durable; until then former backups are the newest. A blob that
// cannot be read is in Report.Unread, and the rest is written. Kinds: Full, Conflict if the
// directory has backups of another home, Unavailable while another backup is written to it.
func Write(ctx context.Context, dir string, src Source, o Options) (Report, error) {
	w := &writer{dir: dir, src: src, o: o, seen: map[moot.BlobID]bool{}, dirs: map[string]bool{}}
	w.packs, w.parts = newPacker(w, packsFolder), newPacker(w, partsFolder)
	err := w.locked(ctx)
	return w.report, durable.Error("backup", err)
}

func (w *writer) locked(ctx context.Context) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	lock, err := durable.Lock(filepath.Join(w.dir, lockFile))
	if err != nil {
		return err
	}
	defer lock.Close()
	for _, folder := range []string{listsFolder, blobsFolder, packsFolder, partsFolder, partialFolder} {
		if err := os.MkdirAll(filepath.Join(w.dir, folder), 0o700); err != nil {
			return err
		}
	}
	if err := w.checkOwn(); err != nil {
		return err
	}
	if err := removeAll(filepath.Join(w.dir, partialFolder)); err != nil { // of a backup that was interrupted
		return err
	}
	if err := w.write(ctx); err != nil {
		return err
	}
	return w.prune()
}

// checkOwn refuses a directory of another home: its backups would be dropped in place of
// this one's.
func (w *writer) checkOwn() error {
	names, err := Lists(w.dir)
	if err != nil || len(names) == 0 || w.o.Own == nil {
		return err
	}
	l, err := Open(w.dir, names[len(names)-1])
	if err == nil && !w.o.Own(l.Device) {
		return moot.Errorf(moot.Conflict, "%s has backups of another home", w.dir)
	}
	return nil // a damaged list is found by Verify
}

func (w *writer) write(ctx context.Context) error {
	w.dirs[w.dir], w.dirs[filepath.Dir(w.dir)] = true, true
	if err := errors.Join(w.packs.find(), w.parts.find()); err != nil {
		return err
	}
	for _, f := range w.src.Files { // first: entries before the blobs that they name
		if err := w.file(ctx, f); err != nil {
			return moot.Wrap(f.Name, err)
		}
	}
	if err := w.parts.flush(); err != nil {
		return err
	}
	if err := w.blobs(ctx); err != nil {
		return err
	}
	w.list.Parts, w.list.Packs = w.parts.named(), w.packs.named()
	return w.finish(ctx)
}

// file writes the parts of a file that are not there yet.
func (w *writer) file(ctx context.Context, f HomeFile) error {
	out := &splitter{ctx: ctx, to: &w.parts, file: File{Name: f.Name, Parts: []moot.BlobID{}}}
	err := f.Write(ctx, out)
	if err == nil {
		err = out.end()
	}
	w.list.Files = append(w.list.Files, out.file)
	return err
}

// splitter cuts what is written to it in parts.
type splitter struct {
	ctx  context.Context //nolint:containedctx // methods of io take no context
	to   *packer
	part []byte
	file File
}

func (s *splitter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		n := min(len(rest), moot.MaxSmall-len(s.part))
		s.part, rest = append(s.part, rest[:n]...), rest[n:]
		if len(s.part) == moot.MaxSmall {
			if err := s.end(); err != nil {
				return 0, err
			}
		}
	}
	return len(p), s.ctx.Err()
}

func (s *splitter) end() error {
	if len(s.part) == 0 {
		return nil
	}
	b := moot.Small{ID: blob.IDOf(s.part), Data: s.part}
	s.file.Parts, s.file.Size = append(s.file.Parts, b.ID), s.file.Size+int64(len(s.part))
	s.to.w.report.Size += int64(len(s.part))
	s.part = nil
	if s.to.has(b.ID) {
		return nil
	}
	return s.to.add(b)
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
		switch {
		case b.Size > moot.MaxSmall:
			err = w.large(ctx, b)
		case w.packs.has(b.ID):
			w.known(b.Size)
		default:
			small, size = append(small, b.ID), size+b.Size
		}
		if err == nil && (size >= packSize || len(small) == moot.MaxMany) {
			err = w.small(ctx, small)
			small, size = nil, 0
		}
		if err != nil {
			return err
		}
	}
	if err := w.small(ctx, small); err != nil {
		return err
	}
	return w.packs.flush()
}

func (w *writer) known(size int64) {
	w.report.Known++
	w.report.Size += size
	w.progress()
}

func (w *writer) progress() {
	if w.o.Progress != nil {
		w.o.Progress(w.report)
	}
}

// small reads small blobs and has them packed.
func (w *writer) small(ctx context.Context, ids []moot.BlobID) error {
	got := map[moot.BlobID]bool{}
	for b, err := range w.src.Blobs.GetMany(ctx, ids) {
		if err == nil {
			got[b.ID] = true
			w.report.New++
			w.report.Size += int64(len(b.Data))
			err = w.packs.add(b)
		}
		if err != nil {
			return err
		}
	}
	for _, id := range ids {
		if !got[id] {
			w.report.Unread = append(w.report.Unread, id)
		}
	}
	return ctx.Err()
}

// large writes a blob as a file of its own.
func (w *writer) large(ctx context.Context, b moot.Blob) error {
	path := blobPath(w.dir, b.ID)
	w.dirs[filepath.Join(w.dir, blobsFolder)] = true
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && info.Size() == b.Size {
		w.dirs[filepath.Dir(path)] = true // its name may come from a backup that was interrupted
		w.list.Blobs = append(w.list.Blobs, b)
		w.known(b.Size)
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
	if moot.KindOf(rerr) == moot.NotFound {
		return nil // a file elsewhere that is not there any more
	}
	if rerr != nil && ctx.Err() == nil {
		w.report.Unread = append(w.report.Unread, b.ID)
		return nil
	}
	if err != nil {
		return err
	}
	w.list.Blobs = append(w.list.Blobs, got)
	w.report.New++
	w.report.Size += got.Size
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
	w.progress()
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
	w.list.Count, w.list.Size = w.report.New+w.report.Known, w.report.Size
	w.list.Version, w.list.Time, w.list.Unread = version, w.o.Now.UTC(), w.report.Unread
	w.list.Device = moot.Key(w.src.Key.Public().(ed25519.PublicKey))
	text, err := encodeList(w.list, w.src.Key)
	if err != nil {
		return err
	}
	tmp, b, err := w.partial(func(out io.Writer) error {
		_, err := out.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	lists := filepath.Join(w.dir, listsFolder)
	id := w.list.Time.Format(layout)
	path := listPath(w.dir, id)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(moot.Errorf(moot.Conflict, "there is a backup of that time already"), err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	w.report.ID, w.report.Bytes = id, w.report.Bytes+b.Size
	return durable.SyncFolder(lists)
}
