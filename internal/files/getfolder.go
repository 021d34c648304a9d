package files

import (
	"context"
	"io"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// Limits of the small files that are fetched in one window.
const (
	windowFiles = 1024
	windowBytes = 8 << 20
)

// fetchFolder writes a folder. Small files are fetched many at a time.
func (fs *Files) fetchFolder(ctx context.Context, f File, count func(int)) ([]Skipped, error) {
	plan := &folderPlan{frozen: map[string]inside{}}
	err := fs.o.Index.View(ctx, func(t *tree.Tree) error {
		plan.read(t, f.Name, fs)
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.Content = plan.total
	return writeFolder(ctx, f, func(ctx context.Context, w *folderWriter) error {
		for _, e := range plan.folders {
			if err := w.folder(e); err != nil {
				return err
			}
		}
		for _, e := range plan.links {
			w.link(e)
		}
		w.skipped = plan.skipped
		fetching, fetchCtx := errgroup.WithContext(ctx)
		fetching.SetLimit(abreast)
		for _, window := range plan.windows {
			fetching.Go(func() error { return fs.fetchWindow(fetchCtx, window, w, count) })
		}
		for _, one := range plan.large {
			fetching.Go(func() error { return fs.fetchInto(fetchCtx, one, w, count) })
		}
		err := fetching.Wait()
		for rel, in := range plan.frozen {
			if err == nil {
				err = fs.unpack(ctx, in, w, rel, count)
			}
		}
		return err
	})
}

// folderPlan is what is to be written of a folder.
type folderPlan struct {
	folders []entryOf // each before what it contains
	links   []entryOf
	windows [][]wanted
	large   []wanted
	frozen  map[string]inside
	skipped []Skipped
	total   int64 // bytes

	bytes int64 // in the last window
}

// wanted is a file that is to be written.
type wanted struct {
	entryOf
	blob   moot.Blob
	author moot.Key
}

// read lists what is below a folder.
func (p *folderPlan) read(t *tree.Tree, dir string, fs *Files) {
	for name, s := range t.Walk(dir) {
		rel, _ := relative(name, dir)
		e := entryOf{path: rel, mode: s.Mode, modTime: s.ModTime, target: s.Target}
		if localName(rel) != nil {
			p.skipped = append(p.skipped, Skipped{rel, "it cannot be a file's name on this machine"})
			continue
		}
		switch {
		case s.Type == tree.Folder:
			p.folders = append(p.folders, e)
		case s.Type == tree.Link:
			p.links = append(p.links, e)
		case s.Manifest:
			f := fs.of(name, s)
			p.frozen[rel] = inside{File: f, name: f.Name, list: f.Blob}
			p.total = plus(p.total, s.Total)
		default:
			p.add(wanted{e, s.Blob, s.Author})
		}
	}
}

func (p *folderPlan) add(f wanted) {
	p.total = plus(p.total, f.blob.Size)
	if f.blob.Size > moot.MaxSmall {
		p.large = append(p.large, f)
		return
	}
	last := len(p.windows) - 1
	if last < 0 || len(p.windows[last]) >= windowFiles || p.bytes+f.blob.Size > windowBytes {
		p.windows, p.bytes = append(p.windows, nil), 0
		last++
	}
	p.windows[last] = append(p.windows[last], f)
	p.bytes += f.blob.Size
}

// plus adds sizes that may be anything.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// fetchWindow writes small files.
func (fs *Files) fetchWindow(ctx context.Context, window []wanted, w *folderWriter, count func(int)) error {
	byID := map[moot.BlobID][]wanted{}
	var ids []moot.BlobID
	for _, f := range window {
		if byID[f.blob.ID] == nil {
			ids = append(ids, f.blob.ID)
		}
		byID[f.blob.ID] = append(byID[f.blob.ID], f)
	}
	for small, err := range fs.node.GetMany(ctx, ids) {
		if err != nil {
			return err
		}
		for _, f := range byID[small.ID] {
			if err := writeSmall(f, small.Data, w, count); err != nil {
				return err
			}
		}
		delete(byID, small.ID)
	}
	for _, id := range ids { // what could not be had with the others
		for _, f := range byID[id] {
			if err := fs.fetchInto(ctx, f, w, count); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeSmall(f wanted, data []byte, w *folderWriter, count func(int)) error {
	if int64(len(data)) != f.blob.Size {
		return moot.Wrap(f.path, errOtherSize(f.blob, int64(len(data))))
	}
	err := w.file(f.entryOf, func(out io.Writer) error {
		_, err := out.Write(data)
		return err
	})
	count(len(data))
	return err
}

// fetchInto writes one file.
func (fs *Files) fetchInto(ctx context.Context, f wanted, w *folderWriter, count func(int)) error {
	err := w.file(f.entryOf, func(out io.Writer) error { return fs.copyBlob(ctx, f.blob, true, out, count) })
	return moot.Wrap(f.path, fs.away(f.blob.ID, f.author, err))
}
