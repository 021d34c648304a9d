package worker

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// layOne writes one input, and proves that it is the content it should be.
func (w *Worker) layOne(ctx context.Context, root *os.Root, in moot.Input) error {
	if !fs.ValidPath(in.Path) || in.Path == "." {
		return moot.Errorf(moot.Invalid, "%.60q is no path below /in", in.Path)
	}
	name := filepath.FromSlash(in.Path)
	if dir := path.Dir(in.Path); dir != "." {
		if err := root.MkdirAll(filepath.FromSlash(dir), 0o700); err != nil {
			return moot.Errorf(moot.Invalid, "%w", err)
		}
	}
	out, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return moot.Errorf(moot.Invalid, "%w", err)
	}
	err = w.copyInput(ctx, out, in)
	if closed := out.Close(); err == nil {
		err = durable.Error("an input", closed)
	}
	return err
}

func (w *Worker) copyInput(ctx context.Context, out io.Writer, in moot.Input) error {
	if in.Pack == (moot.BlobID{}) {
		rc, err := w.open(ctx, in.ID, moot.Whole)
		if err != nil {
			return err
		}
		defer rc.Close()
		_, err = io.Copy(out, rc)
		return err
	}
	if in.Size == 0 {
		return nil
	}
	rc, err := w.open(ctx, in.Pack, moot.Range{Offset: in.Offset, Length: in.Size})
	if err != nil {
		return err
	}
	defer rc.Close()
	h := blob.NewHasher(nil)
	if _, err := io.Copy(io.MultiWriter(out, h), rc); err != nil {
		return err
	}
	b, err := h.Sum()
	if err == nil && (b != moot.Blob{ID: in.ID, Size: in.Size}) {
		err = moot.Errorf(moot.Corrupt, "it is not in its pack")
	}
	return err
}

// Contents that are attached to an outcome rather than fetched afterwards.
const (
	attachOne = 64 << 10  // bytes
	attachAll = 512 << 10 // bytes of all of them together
)

// collect adds to an outcome what a task made.
func (w *Worker) collect(ctx context.Context, o *moot.Outcome, s *streams, out string) (err error) {
	c := collector{w: w, ctx: ctx, room: attachAll}
	if o.Stdout, err = c.stream(s.out); err == nil {
		o.Stderr, err = c.stream(s.err)
	}
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return moot.Errorf(moot.Internal, "a task's output: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := root.Open(filepath.FromSlash(p))
		if err != nil {
			return err
		}
		defer f.Close()
		one, err := c.take(f)
		one.Path = p
		o.Files = append(o.Files, one)
		return err
	})
	return moot.Wrap("a task's output", err)
}

// collector turns outputs into contents.
type collector struct {
	w    *Worker
	ctx  context.Context
	room int64
}

func (c *collector) take(f *os.File) (moot.Content, error) {
	info, err := f.Stat()
	if err != nil {
		return moot.Content{}, err
	}
	if info.Size() > attachOne || info.Size() > c.room {
		b, err := c.w.cfg.Keep.Put(c.ctx, f)
		return moot.Content{Blob: b}, err
	}
	data, err := io.ReadAll(io.LimitReader(f, attachOne))
	if err != nil {
		return moot.Content{}, err
	}
	return c.attach(data)
}

func (c *collector) attach(data []byte) (moot.Content, error) {
	h := blob.NewHasher(nil)
	h.Write(data) // fails only if a tree is written
	b, err := h.Sum()
	c.room -= b.Size
	return moot.Content{Blob: b, Data: data}, err
}

func (c *collector) stream(s *stream) (moot.Content, error) {
	switch {
	case s.failed != nil:
		return moot.Content{}, durable.Error("what a task wrote", s.failed)
	case s.file != nil:
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return moot.Content{}, durable.Error("what a task wrote", err)
		}
		return c.take(s.file)
	}
	return c.attach(s.buf)
}
