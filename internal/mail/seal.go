package mail

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// maxParallelCopies bounds the copies that one pass over a message seals: each needs
// about 200 KiB of memory and an upload of its own.
const maxParallelCopies = 16

// sealedCopy is one blob to make of a message.
type sealedCopy struct {
	prefix  string // goes before the message: the field that asks a server to relay it
	readers []moot.MemberID
	to      []seal.Recipient // the readers' keys
}

// storeCopies seals a message once for each copy and stores the blobs. The message is
// read once for up to maxParallelCopies; only further copies are made of the first,
// which its author can open.
func (acc *Account) storeCopies(ctx context.Context, r io.Reader, copies ...sealedCopy) ([]moot.Blob, error) {
	limited := &limit{r: r, left: acc.cfg.MaxMessage, most: acc.cfg.MaxMessage}
	n := min(len(copies), maxParallelCopies)
	blobs, err := acc.sealPass(ctx, limited, copies[:n])
	if err != nil {
		return nil, err
	}
	for rest := range slices.Chunk(copies[n:], maxParallelCopies) {
		more, err := acc.reseal(ctx, blobs[0].ID, rest)
		if err != nil {
			return nil, err
		}
		blobs = append(blobs, more...)
	}
	return blobs, nil
}

func (acc *Account) reseal(ctx context.Context, id moot.BlobID, copies []sealedCopy) ([]moot.Blob, error) {
	plain, err := acc.unseal(ctx, id)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	return acc.sealPass(ctx, plain, copies)
}

// sealPass reads r once and stores all copies in parallel. The first error ends it.
func (acc *Account) sealPass(ctx context.Context, r io.Reader, copies []sealedCopy) ([]moot.Blob, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	blobs, pipes := make([]moot.Blob, len(copies)), make([]*io.PipeWriter, len(copies))
	var puts sync.WaitGroup
	for i, c := range copies {
		pr, pw := io.Pipe()
		pipes[i] = pw
		puts.Go(func() {
			var err error
			if blobs[i], err = acc.put(ctx, pr, c.readers); err != nil {
				cancel(err) // before the pipe is closed, so that this error is the cause
			}
			pr.CloseWithError(err)
		})
	}
	err := sealAll(pipes, r, copies)
	if err != nil {
		cancel(err)
	}
	for _, pw := range pipes {
		pw.CloseWithError(err)
	}
	puts.Wait()
	return blobs, context.Cause(ctx)
}

// sealAll copies r into a seal for each copy.
func sealAll(dst []*io.PipeWriter, r io.Reader, copies []sealedCopy) error {
	var seals []io.WriteCloser
	var writers []io.Writer
	for i, c := range copies {
		w, err := seal.Encrypt(dst[i], c.to...)
		if err == nil {
			_, err = io.WriteString(w, c.prefix)
		}
		if err != nil {
			return err
		}
		seals, writers = append(seals, w), append(writers, w)
	}
	if _, err := io.Copy(io.MultiWriter(writers...), r); err != nil {
		return err
	}
	for _, w := range seals {
		if err := w.Close(); err != nil {
			return err
		}
	}
	return nil
}

// put stores a sealed blob through the architecture, and in the mirror if the member is
// among its readers.
func (acc *Account) put(ctx context.Context, r io.Reader, readers []moot.MemberID) (moot.Blob, error) {
	if acc.cfg.Mirror == nil || !slices.Contains(readers, acc.self) {
		return acc.cfg.Node.Put(ctx, r)
	}
	pr, pw := io.Pipe()
	var mirror errgroup.Group
	mirror.Go(func() error {
		_, err := acc.cfg.Mirror.Put(ctx, pr)
		pr.CloseWithError(err)
		return err
	})
	stored, err := acc.cfg.Node.Put(ctx, io.TeeReader(r, pw))
	pw.CloseWithError(err)
	return stored, errors.Join(err, mirror.Wait())
}

// limit is a reader that fails beyond a number of bytes.
type limit struct {
	r          io.Reader
	left, most int64
}

func (l *limit) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, moot.Errorf(moot.TooLarge, "the message is larger than %d MiB: share the file, and send its name", l.most>>20)
	}
	return n, err
}
