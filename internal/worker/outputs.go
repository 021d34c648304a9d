package worker

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// Outputs stores what tasks make.
type Outputs interface {
	Put(ctx context.Context, r io.Reader) (moot.Blob, error)
}

// Sizes up to which outputs are attached to an outcome instead of stored.
const (
	attachOne = 64 << 10  // bytes
	attachAll = 512 << 10 // bytes of all together
)

// collect adds the outputs of a task to its outcome.
func (w *Worker) collect(ctx context.Context, o *moot.Outcome, s *streams, out string) (err error) {
	c := collector{w: w, left: attachAll}
	if o.Stdout, err = c.stream(ctx, s.out); err == nil {
		o.Stderr, err = c.stream(ctx, s.err)
	}
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
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
		one, err := c.take(ctx, f)
		one.Path = p
		o.Files = append(o.Files, one)
		return err
	})
	return moot.Wrap("a task's output", err)
}

// collector attaches or stores outputs.
type collector struct {
	w    *Worker
	left int64 // bytes that may still be attached
}

func (c *collector) take(ctx context.Context, f *os.File) (moot.Content, error) {
	info, err := f.Stat()
	if err != nil {
		return moot.Content{}, err
	}
	if info.Size() > attachOne || info.Size() > c.left {
		b, err := c.w.cfg.Outputs.Put(ctx, f)
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
	c.left -= b.Size
	return moot.Content{Blob: b, Data: data}, err
}

func (c *collector) stream(ctx context.Context, s *stream) (moot.Content, error) {
	switch {
	case s.failed != nil:
		return moot.Content{}, durable.Error("the output of a task", s.failed)
	case s.file != nil:
		if _, err := s.file.Seek(0, io.SeekStart); err != nil {
			return moot.Content{}, durable.Error("the output of a task", err)
		}
		return c.take(ctx, s.file)
	}
	return c.attach(s.buf)
}
