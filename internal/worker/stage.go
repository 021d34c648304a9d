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

// stage writes what a task reads below a folder. A path is "" if there is nothing.
func (w *Worker) stage(ctx context.Context, dir string, t moot.Task) (inputs, stdin string, err error) {
	if len(t.Inputs) > 0 {
		inputs = filepath.Join(dir, "in")
		if err := os.MkdirAll(inputs, 0o700); err != nil {
			return "", "", moot.Errorf(moot.Full, "a task's folder: %w", err)
		}
		if err := w.stageInputs(ctx, inputs, t.Inputs); err != nil {
			return "", "", err
		}
	}
	if t.Stdin == (moot.Input{}) {
		return inputs, "", nil
	}
	if t.Stdin.Folder {
		return "", "", moot.Errorf(moot.Invalid, "standard input is a file, not a folder")
	}
	name := "stdin"
	t.Stdin.Path = name
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", moot.Errorf(moot.Full, "a task's folder: %w", err)
	}
	return inputs, filepath.Join(dir, name), moot.Wrap("standard input", w.stageInputs(ctx, dir, []moot.Input{t.Stdin}))
}

// stageInputs writes inputs below a folder, which an os.Root does not let them leave.
func (w *Worker) stageInputs(ctx context.Context, dir string, inputs []moot.Input) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return moot.Errorf(moot.Internal, "a task's folder: %w", err)
	}
	defer root.Close()
	for _, in := range inputs {
		if !in.Folder {
			if err := w.stageInput(ctx, root, in); err != nil {
				return moot.Wrap("the input "+in.Path, err)
			}
			continue
		}
		for part, err := range w.files.Inputs(ctx, in.ID) {
			if err == nil {
				part.Path = path.Join(in.Path, part.Path)
				err = w.stageInput(ctx, root, part)
			}
			if err != nil {
				return moot.Wrap("the input "+in.Path, err)
			}
		}
	}
	return nil
}

// stageInput writes one input, and verifies it.
func (w *Worker) stageInput(ctx context.Context, root *os.Root, in moot.Input) error {
	if !fs.ValidPath(in.Path) || in.Path == "." {
		return moot.Errorf(moot.Invalid, "%.60q is not a path below /in", in.Path)
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
	sparse := durable.NewSparse(out)
	err = w.copyInput(ctx, sparse, in)
	if err == nil {
		err = durable.Error("an input", sparse.Finish())
	}
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
		err = moot.Errorf(moot.Corrupt, "its pack does not contain it")
	}
	return err
}
