package suite

import (
	"bytes"
	"context"
	"io"
	"iter"
	"log/slog"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// seen is the member's store as others see it.
func (m *Member) seen(n moot.Node) moot.Node { return falsified{n, m} }

// falsified sends wrong bytes while its member is dishonest.
type falsified struct {
	moot.Node
	m *Member
}

// Get implements moot.Blobs.
func (f falsified) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := f.Node.Get(ctx, id, r)
	if err != nil || !f.m.dishonest.Load() {
		return rc, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&flipper{r: rc}, rc}, nil
}

// Exchange implements moot.Blobs.
func (f falsified) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	if !f.m.dishonest.Load() {
		return f.Node.Exchange(ctx, id)
	}
	return blob.NewExchange(ctx, f, id), nil
}

// GetMany implements moot.Blobs.
func (f falsified) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		for s, err := range f.Node.GetMany(ctx, ids) {
			if err == nil && f.m.dishonest.Load() {
				s.Data = append([]byte{'!'}, s.Data[min(len(s.Data), 1):]...)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

// flipper changes a byte in every few thousand.
type flipper struct {
	r io.Reader
	n int
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	for i := range p[:n] {
		if f.n++; f.n%5000 == 0 {
			p[i] ^= 1
		}
	}
	return n, err
}

// record keeps a node's log.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

// String returns all that was logged.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Names reports whether the log names the holder of a key.
func (r *record) Names(k moot.Key) bool { return strings.Contains(r.String(), k.String()) }
