package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// part is a download under way. It survives the process as three files, written in
// this order for every group:
//
//	part/<hex>.data   the blob's bytes, with holes
//	part/<hex>.tree   its tree, with holes
//	part/<hex>.have   see haveFile
//
// They are not fsynced until the blob is complete. So the list of groups is only a hint
// after a crash, and verified before use.
type part struct {
	moot.Blob
	store *Store
	refs  int // guarded by Store.mu

	data, tree file
	have       haveFile
	resumed    bool  // an earlier process may have written any of it
	whole      *held // instead of these, if the blob was held already

	opening sync.Mutex   // held while the files are being opened and verified
	mu      sync.RWMutex // guards what follows
	set     *blob.Set    // groups held; nil until the files are open
	done    bool         // complete, and now a blob like others
}

// Fill implements the storing half of a download: it returns what is held of the blob
// so far, to be added to. While it is open, Get and Have answer for it. All who fill
// one blob at a time share one part. b.Size must have been verified; kind Conflict
// if the blob is being filled with another size.
func (s *Store) Fill(ctx context.Context, b moot.Blob) (blob.Partial, error) {
	if err := s.writable(ctx); err != nil {
		return nil, moot.Wrap("download", err)
	}
	p, err := s.partOf(b)
	if err != nil {
		return nil, moot.Wrap("download", err)
	}
	if err := p.open(ctx); err != nil {
		_ = p.Close() // err is what is reported
		return nil, durable.Error("download", err)
	}
	return p, nil
}

// partOf returns a new reference to the blob's part.
func (s *Store) partOf(b moot.Blob) (*partial, error) {
	if b.Size < 0 || b.Size > maxDownload {
		return nil, moot.Errorf(moot.TooLarge, "a blob of %d bytes is beyond the limit of %d", b.Size, int64(maxDownload))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parts[b.ID]
	if p == nil {
		p = &part{Blob: b, store: s}
		s.parts[b.ID] = p
	}
	if p.Size != b.Size {
		return nil, moot.Errorf(moot.Conflict, "blob %s is being downloaded with %d bytes, not %d", b.ID, p.Size, b.Size)
	}
	p.refs++
	return &partial{part: p}, nil
}

// maxDownload is the size in bytes of the largest blob that is downloaded: its list
// of groups takes 128 MiB.
const maxDownload = 16 << 40

func partName(id moot.BlobID, ext string) string { return "part/" + id.String() + ext }

// open opens what an earlier download left behind, or starts anew; unless another
// reference has done so, or the blob is held by now.
func (p *partial) open(ctx context.Context) error {
	q := p.part
	q.opening.Lock()
	defer q.opening.Unlock()
	if q.set != nil {
		return nil
	}
	set, done := blob.NewSet(q.Size), false
	var err error
	if h, e := q.store.openWhole(q.ID); e == nil && h.Size == q.Size {
		q.whole, done = h, true
		addGroups(set, moot.Range{Length: q.Size})
	} else {
		err = q.resume(ctx, set)
	}
	if errors.Is(err, errNoPart) {
		err = q.begin()
	}
	if err != nil {
		q.closeFiles()
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.set, q.done = set, done
	return nil
}

// openWhole opens a blob of which the store has all bytes itself.
func (s *Store) openWhole(id moot.BlobID) (*held, error) {
	h, err := s.blobs.open(id)
	if moot.KindOf(err) == moot.NotFound {
		return s.openSmall(id)
	}
	return h, err
}

// begin makes the files of a new download.
func (q *part) begin() error {
	q.closeFiles()
	q.resumed = false
	for _, f := range []struct {
		file *file
		ext  string
		size int64
	}{
		{&q.data, ".data", q.Size},
		{&q.tree, ".tree", blob.TreeSize(q.Size)},
		{&q.have.file, ".have", haveSize(q.Size)},
	} {
		var err error
		if *f.file, err = q.store.blobs.disk.create(partName(q.ID, f.ext)); err == nil {
			err = (*f.file).Truncate(f.size)
		}
		if err != nil {
			return err
		}
	}
	return q.have.begin(q.Size)
}

// errNoPart: there is nothing to resume.
var errNoPart = errors.New("nothing was downloaded before")

// resume opens the files of an earlier download and adds to set what they hold.
func (q *part) resume(ctx context.Context, set *blob.Set) (err error) {
	d := q.store.blobs.disk
	for f, ext := range map[*file]string{&q.data: ".data", &q.tree: ".tree", &q.have.file: ".have"} {
		if *f, err = d.edit(partName(q.ID, ext)); errors.Is(err, fs.ErrNotExist) {
			return errNoPart
		} else if err != nil {
			return err
		}
	}
	q.resumed = true
	groups, err := q.have.load(q.Size)
	if err != nil {
		return err
	}
	hint := blob.NewSet(q.Size)
	for _, g := range groups {
		hint.Add(g)
	}
	for _, r := range hint.Ranges() {
		if err := q.verify(ctx, set, r); err != nil {
			return err
		}
	}
	return nil
}

// verify adds the intact groups of a range to the set: all of it as a rule, and else it
// tries each of its halves.
func (q *part) verify(ctx context.Context, set *blob.Set, r moot.Range) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n := blob.Groups(r.Length)
	err := blob.Encode(io.Discard, q.Blob, q.data, q.tree, r)
	switch {
	case err == nil:
		addGroups(set, r)
		return nil
	case moot.KindOf(err) != moot.Corrupt && !endsEarly(err):
		return err
	case n == 1:
		return nil
	}
	half := n / 2 * blob.GroupSize
	if err := q.verify(ctx, set, moot.Range{Offset: r.Offset, Length: half}); err != nil {
		return err
	}
	return q.verify(ctx, set, moot.Range{Offset: r.Offset + half, Length: r.Length - half})
}

// addGroups adds the groups of a stretch of them.
func addGroups(set *blob.Set, r moot.Range) {
	first := r.Offset / blob.GroupSize
	for g := range blob.Groups(r.Length) {
		set.Add(first + g)
	}
}

func (q *part) closeFiles() {
	if q.whole != nil {
		q.whole.close()
		q.whole = nil
	}
	for _, f := range []*file{&q.data, &q.tree, &q.have.file} {
		if *f != nil {
			(*f).Close()
			*f = nil
		}
	}
}

// openPart opens a download under way, for Get and Have.
func (s *Store) openPart(id moot.BlobID) (*held, error) {
	s.mu.Lock()
	p := s.parts[id]
	if p != nil {
		p.refs++
	}
	s.mu.Unlock()
	if p == nil {
		return nil, moot.NotFound
	}
	ref := &partial{part: p}
	p.mu.RLock()
	started := p.set != nil && !p.done
	p.mu.RUnlock()
	if !started {
		_ = ref.Close() // nothing was written
		return nil, moot.NotFound
	}
	return &held{
		Blob: p.Blob, data: p.data, tree: p.tree, set: ref.Held(),
		close:  func() { _ = ref.Close() },
		broken: func() { s.log.Error("a download under way was damaged on the disk", "blob", id) },
	}, nil
}
