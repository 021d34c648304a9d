package store

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/durable"
)

// Get implements [moot.Blobs]. Bytes found not to match their ID are not offered
// again: a blob is quarantined, a link marked broken.
func (s *Store) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	h, err := s.find(ctx, id, &r)
	if err != nil {
		return nil, moot.Wrap("get", err)
	}
	return newSlice(ctx, h, r), nil
}

// Have implements [moot.Blobs].
func (s *Store) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	h, err := s.find(ctx, id, nil)
	if err != nil {
		return moot.Holding{}, moot.Wrap("have", err)
	}
	defer h.close()
	if h.set == nil {
		return moot.Holding{Size: h.Size, Ranges: []moot.Range{{Length: h.Size}}}, nil
	}
	return moot.Holding{Size: h.Size, Ranges: h.set.Ranges()}, nil
}

// find opens what holds the blob – if r is given, that range of it – in order of cost:
// downloads under way, whole blobs, files shared in place.
// Kind NotFound.
func (s *Store) find(ctx context.Context, id moot.BlobID, r *moot.Range) (*held, error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	for _, open := range []func(moot.BlobID) (*held, error){s.openPart, s.blobs.open, s.openSmall, s.openLink, s.openPlaced} {
		h, err := open(id)
		if err != nil && !errors.Is(err, moot.NotFound) {
			return nil, err
		}
		if err != nil {
			continue
		}
		if holds(h, r) {
			return h, nil
		}
		h.close()
	}
	return nil, moot.Errorf(moot.NotFound, "blob %s is not held here", id)
}

// holds reports whether h has the stretch; without one, whether it has anything.
func holds(h *held, r *moot.Range) bool {
	switch {
	case h.set == nil:
		return true
	case r == nil:
		return true // a download under way: its first groups may be here before the caller asks for them
	}
	return len(h.set.Missing(r.In(h.Size))) == 0
}

// slice is a Bao slice being read. WriteTo (io.Copy) writes it straight from the file;
// Read goes through a pipe.
type slice struct {
	ctx   context.Context //nolint:containedctx // methods of io take no context
	held  *held
	rng   moot.Range
	start sync.Once
	pipe  *io.PipeReader // nil until the first Read
}

func newSlice(ctx context.Context, h *held, r moot.Range) *slice {
	return &slice{ctx: ctx, held: h, rng: r}
}

// WriteTo implements io.WriterTo.
func (s *slice) WriteTo(w io.Writer) (n int64, err error) {
	first := false
	s.start.Do(func() {
		first = true
		out := &sink{ctx: s.ctx, w: w}
		err = s.encode(out)
		n = out.n
	})
	if !first && s.pipe != nil {
		return io.Copy(w, s.pipe)
	}
	return n, err
}

func (s *slice) Read(p []byte) (int, error) {
	s.start.Do(func() {
		r, w := io.Pipe()
		s.pipe = r
		stop := context.AfterFunc(s.ctx, func() { w.CloseWithError(s.ctx.Err()) })
		go func() {
			defer stop()
			w.CloseWithError(s.encode(&sink{ctx: s.ctx, w: w}))
		}()
	})
	if s.pipe == nil {
		return 0, io.EOF
	}
	return s.pipe.Read(p)
}

func (s *slice) Close() error {
	s.start.Do(s.held.close)
	if s.pipe != nil {
		return s.pipe.Close()
	}
	return nil
}

// encode writes the slice and closes what it is read from.
func (s *slice) encode(out *sink) error {
	defer s.held.close()
	var w io.Writer = out
	flush := func() error { return nil }
	if _, buffered := out.w.(interface{ Buffered() int }); !buffered {
		b := bufio.NewWriterSize(out, int(min(s.held.Size+4<<10, 128<<10)))
		w, flush = b, b.Flush
	}
	err := blob.Encode(w, s.held.Blob, s.held.data, s.held.tree, s.rng)
	err = cmpErr(err, flush()) // verified bytes are of use, also before an error
	if err == nil || out.err != nil {
		return cmpErr(out.err, err)
	}
	if endsEarly(err) {
		err = moot.Errorf(moot.Corrupt, "blob %s is shorter than it was: %w", s.held.ID, err)
	}
	if moot.KindOf(err) == moot.Corrupt {
		s.held.broken()
	}
	return durable.Error("get", err)
}

func endsEarly(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, fs.ErrNotExist)
}

// sink separates errors of the receiver from errors of the blob.
type sink struct {
	ctx context.Context //nolint:containedctx // methods of io take no context
	w   io.Writer
	n   int64
	err error
}

func (s *sink) Write(p []byte) (n int, err error) {
	if err = s.ctx.Err(); err == nil {
		n, err = s.w.Write(p)
		s.n += int64(n)
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

// Exchange implements moot.Blobs, by one Get after another.
func (s *Store) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, s, id), nil
}
