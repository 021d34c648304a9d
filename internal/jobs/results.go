package jobs

import (
	"bytes"
	"context"
	"io"
	"iter"
	"path"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// packBelow is the size in bytes below which outputs are packed in the results; larger ones
// are blobs of their own. Only few of the former come as blobs, because a worker attaches
// them up to a total. The rule depends on nothing else, so that equal outputs make equal
// results.
const packBelow = 64 << 10

// output is one output of a task in the results.
type output struct {
	path string
	task int
	i    int // among the outputs of the task
}

// gather makes the folder of a stage's results: a folder for each task, with its files and
// streams; a task without a label has the folder to itself. Stored outputs are referred to,
// not copied. The last stage's folder gets its name in the space.
func (c *Coordinator) gather(ctx context.Context, s stored, last bool) (moot.BlobID, error) {
	list, err := c.outputs(ctx, s)
	if err != nil {
		return moot.BlobID{}, moot.Wrap("the results", err)
	}
	as := ""
	if last {
		as = s.As
	}
	f, err := c.cfg.Files.Assemble(ctx, as, c.parts(ctx, s, list))
	return f.Blob.ID, moot.Wrap("the results", err)
}

// outputs lists the outputs of a stage in the order of their paths.
func (c *Coordinator) outputs(ctx context.Context, s stored) (list []output, err error) {
	err = c.queue.outcomes(ctx, s.ID, s.stage, func(n int, label string, o moot.Outcome) error {
		if failure(o) != "" {
			return nil
		}
		for i, one := range outputsOf(o) {
			list = append(list, output{path.Join(label, one.Path), n, i})
		}
		return nil
	})
	slices.SortFunc(list, func(a, b output) int { return files.ComparePaths(a.path, b.path) })
	return list, err
}

// outputsOf returns the files of an outcome, and its streams as files.
func outputsOf(o moot.Outcome) []moot.Content {
	list := slices.Clone(o.Files)
	for i, one := range []moot.Content{o.Stdout, o.Stderr} {
		if one.Size > 0 {
			one.Path = []string{"stdout", "stderr"}[i]
			list = append(list, one)
		}
	}
	return list
}

// parts yields outputs as parts of the results. Only one outcome is in memory at a time.
func (c *Coordinator) parts(ctx context.Context, s stored, list []output) iter.Seq2[files.Part, error] {
	return func(yield func(files.Part, error) bool) {
		loaded := -1
		var outputs []moot.Content
		for _, one := range list {
			if one.task != loaded {
				o, err := c.queue.outcome(ctx, s.ID, s.stage, one.task)
				if err != nil {
					yield(files.Part{}, err)
					return
				}
				loaded, outputs = one.task, outputsOf(o)
			}
			part, err := c.part(ctx, one.path, outputs[one.i])
			if !yield(part, moot.Wrap(one.path, err)) || err != nil {
				return
			}
		}
	}
}

func (c *Coordinator) part(ctx context.Context, name string, one moot.Content) (files.Part, error) {
	part := files.Part{Path: name, Blob: one.Blob, Data: one.Data}
	switch attached := one.Size == 0 || len(one.Data) > 0; {
	case attached && one.Size < packBelow:
		return part, nil
	case attached:
		part.Data = nil
		_, err := c.cfg.Node.Put(ctx, bytes.NewReader(one.Data))
		return part, err
	case one.Size >= packBelow:
		_, err := c.cfg.Node.Have(ctx, one.ID)
		return part, err
	}
	in, err := c.content(ctx, one)
	if err != nil {
		return part, err
	}
	defer in.Close()
	part.Data, err = io.ReadAll(in)
	return part, err
}
