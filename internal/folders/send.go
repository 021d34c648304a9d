package folders

import (
	"cmp"
	"context"
	"crypto/rand"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/localdir"
	"github.com/mootspace/moot/internal/tree"
)

// Limits of what is sent together.
const (
	quietFor    = 200 * time.Millisecond // since the last change of a file before it is sent
	maxWait     = time.Minute            // between tries of a file that does not become quiet
	sendFiles   = 1000                   // files in one change
	sendBytes   = 16 << 20               // bytes of small files in one change
	hashers     = 2
	storedFor   = time.Hour   // bytes that nothing names are sure to stay with others; they do for a day
	endsOfShown = time.Minute // a conflict copy was seen by people if it was there for so long
)

// outgoing is a node whose content was read.
type outgoing struct {
	*node
	stat    localdir.Stat
	blob    moot.Blob
	content []byte // of a small file
	target  string // of a link
}

// send states what was observed and is quiet.
func (f *folder) send(ctx context.Context) error {
	for {
		batch, more := f.batch()
		if len(batch) == 0 {
			return nil
		}
		read := f.readAll(ctx, batch)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.state(ctx, f.recogniseContent(read)); err != nil {
			return err
		}
		if !more {
			return nil
		}
	}
}

// batch returns nodes that are quiet, parents first, removals last.
func (f *folder) batch() (batch []*node, more bool) {
	var ready, gone []*node
	waitsFor := map[int64]bool{} // sizes of new files that are not quiet yet: a lost file may be one of them
	for n, w := range f.todo {
		switch {
		case n.gone:
			gone = append(gone, n)
		case f.heldBack(n.path()):
		case f.quiet(n, w):
			ready = append(ready, n)
		default:
			waitsFor[n.seen.Size] = true
		}
	}
	if len(ready) > sendFiles {
		sortByPath(ready)
		return ready[:sendFiles], true
	}
	for _, n := range gone {
		if n.kind != tree.File || !waitsFor[n.Stat.Size] {
			ready = append(ready, n)
		}
	}
	sortByPath(ready)
	return ready, false
}

func sortByPath(list []*node) {
	paths := make(map[*node]string, len(list))
	for _, n := range list {
		paths[n] = n.path()
	}
	slices.SortFunc(list, func(a, b *node) int { return strings.Compare(paths[a], paths[b]) })
}

// quiet reports whether a file has not changed for a while. The clock of the file system
// is believed only if it is near ours.
func (f *folder) quiet(n *node, w *waiting) bool {
	if n.kind != tree.File || n.seen == nil {
		return true
	}
	now := f.now()
	if !w.next.IsZero() && now.Before(w.next) {
		return false
	}
	age := now.Sub(n.seen.ChangeTime)
	if age >= quietFor {
		return true
	}
	if w.stat.Inode == 0 || !w.stat.Unchanged(*n.seen) {
		w.stat, w.since = *n.seen, now
	}
	if now.Sub(w.since) >= quietFor {
		return true
	}
	w.next = w.since.Add(quietFor)
	if age > 0 {
		w.next = n.seen.ChangeTime.Add(quietFor)
	}
	return false
}

// postpone tries a file later that was being written.
func (f *folder) postpone(n *node) {
	w := f.todo[n]
	w.wait = min(max(2*w.wait, quietFor), maxWait)
	w.next = f.now().Add(w.wait)
	w.stat = localdir.Stat{}
}

// readAll reads and hashes the files of a batch, several at once. What was not quiet after
// all, or cannot be read, is left out.
func (f *folder) readAll(ctx context.Context, batch []*node) []outgoing {
	read := make([]outgoing, len(batch))
	errs := make([]error, len(batch))
	paths := make([]string, len(batch))
	for i, n := range batch {
		paths[i] = n.path()
	}
	var group sync.WaitGroup
	for w := range hashers {
		group.Go(func() {
			for i := w; i < len(batch) && ctx.Err() == nil; i += hashers {
				read[i], errs[i] = f.read(ctx, batch[i], paths[i])
			}
		})
	}
	group.Wait()
	kept := read[:0]
	var bytes int64
	for i, n := range batch {
		switch {
		case moot.KindOf(errs[i]) == moot.NotFound:
			f.unnotice(n) // a later event tells what became of it
		case moot.KindOf(errs[i]) == moot.Unavailable:
			f.postpone(n)
		case errs[i] != nil:
			f.failed(paths[i], errs[i])
		case bytes > sendBytes: // the rest with the next change
		default:
			f.forgive(paths[i])
			bytes += int64(len(read[i].content))
			kept = append(kept, read[i])
		}
	}
	return kept
}

// read reads one node. Kind Unavailable if it is being written.
func (f *folder) read(ctx context.Context, n *node, at string) (outgoing, error) {
	o := outgoing{node: n, blob: n.Blob, target: n.Target, stat: n.Stat}
	if n.seen != nil {
		o.stat = *n.seen
	}
	if n.gone || n.seen == nil {
		return o, nil
	}
	var err error
	switch n.kind {
	case tree.Link:
		o.target, err = f.dir.Readlink(at)
	case tree.File:
		err = f.hash(ctx, at, &o)
	}
	return o, err
}

// hash reads a file; it is not quiet if it changes meanwhile or is open for writing.
func (f *folder) hash(ctx context.Context, at string, o *outgoing) error {
	quiet, known, err := f.dir.Quiet(at)
	if err != nil {
		return err
	}
	if known && !quiet {
		return moot.Errorf(moot.Unavailable, "%s is being written", at)
	}
	in, err := f.dir.Open(at)
	if err != nil {
		return err
	}
	defer in.Close()
	before, err := in.Stat()
	if err != nil {
		return err
	}
	if before.Size <= moot.MaxSmall {
		if o.content, err = io.ReadAll(io.LimitReader(in, moot.MaxSmall+1)); err != nil {
			return err
		}
		o.blob = moot.Blob{ID: blob.IDOf(o.content), Size: int64(len(o.content))}
	} else if o.blob, err = f.space.Hash(ctx, in); err != nil {
		return err
	}
	after, err := in.Stat()
	if err != nil {
		return err
	}
	if !before.Unchanged(after) || after.Size != o.blob.Size {
		return moot.Errorf(moot.Unavailable, "%s changed while it was read", at)
	}
	o.stat = after
	return nil
}

// recogniseContent takes new files for lost ones of the same content: they were moved by
// copying.
func (f *folder) recogniseContent(read []outgoing) []outgoing {
	lost := map[moot.BlobID]*node{}
	for n := range f.todo {
		if n.gone && n.kind == tree.File && !n.Copy && n.Blob.Size > 0 {
			lost[n.Blob.ID] = n
		}
	}
	moved := map[*node]int{}
	for i := range read {
		o := &read[i]
		n := lost[o.blob.ID]
		if n == nil || o.kind != tree.File || o.gone || o.Item != (tree.ID{}) {
			continue
		}
		delete(lost, o.blob.ID)
		f.unnotice(o.node)
		f.local.replace(o.node, n)
		n.moved, n.gone, n.seen = true, false, &o.stat
		o.node, moved[n] = n, i
	}
	kept := read[:0]
	for i, o := range read { // their removals are none
		if at, is := moved[o.node]; !is || at == i {
			kept = append(kept, o)
		}
	}
	return kept
}

// state signs one change, and records what disk and space then agree on. Before that the
// intent is recorded: nobody may have to guess later what became of it.
func (f *folder) state(ctx context.Context, read []outgoing) error {
	d := &change{folder: f, names: map[*node]map[string][]tree.Shown{}, made: map[*node]record{}}
	err := f.space.View(ctx, func(t *tree.Tree) error {
		var nonce tree.Nonce
		_, _ = rand.Read(nonce[:])
		d.tree, d.edit = t, t.Edit(nonce)
		return d.all(read)
	})
	if err != nil {
		return err
	}
	bodies, err := d.edit.Encode()
	if err != nil {
		return err
	}
	stored := f.now()
	if err := f.store(ctx, d); err != nil {
		return err
	}
	d.locate(bodies)
	if len(bodies) == 0 {
		d.agree(nil)
		return nil
	}
	if err := f.intend(ctx, d, bodies); err != nil {
		return err
	}
	f.local.offer(d.named)
	defer f.local.offer(nil)
	if f.now().Sub(stored) > storedFor { // this machine slept
		if err := f.store(ctx, d); err != nil {
			return err
		}
	}
	entries, err := f.space.State(ctx, bodies)
	if err != nil {
		return err
	}
	d.agree(entries)
	f.progress.unsure = false
	return nil
}

// store hands over the bytes that are going to be named, where the architecture wants
// them elsewhere than on this disk.
func (f *folder) store(ctx context.Context, d *change) error {
	small, large := []Content{}, []Content{}
	for _, o := range d.named {
		c := Content{Blob: o.blob, Data: o.content, Path: o.path()}
		if o.content != nil || o.blob.Size == 0 {
			small = append(small, c)
		} else {
			large = append(large, c)
		}
	}
	slices.SortFunc(large, func(a, b Content) int { return cmp.Compare(a.Blob.Size, b.Blob.Size) })
	return f.space.Store(ctx, f.settings.Keep, append(small, large...), f.dir.Open)
}

// Content is what a change is about to name.
type Content struct {
	Blob moot.Blob
	Data []byte // of a small file
	Path string // in the directory
}
