package wire

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"io"
	"iter"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/feed"
)

// memory is a small node for tests: it stores and returns everything, and checks little.
type memory struct {
	mu      sync.Mutex
	blobs   map[moot.BlobID]stored
	entries []moot.Entry
	modes   []moot.Mode   // of each Append
	grown   chan struct{} // closed and replaced when entries grow
}

type stored struct{ data, tree []byte }

func newMemory() *memory {
	return &memory{blobs: map[moot.BlobID]stored{}, grown: make(chan struct{})}
}

func (m *memory) Put(_ context.Context, r io.Reader) (moot.Blob, error) {
	var data, tree bytes.Buffer
	h := blob.NewHasher(&tree)
	if _, err := io.Copy(io.MultiWriter(h, &data), r); err != nil {
		return moot.Blob{}, err
	}
	b, err := h.Sum()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blobs[b.ID] = stored{data.Bytes(), tree.Bytes()}
	return b, err
}

func (m *memory) Get(_ context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	m.mu.Lock()
	s, ok := m.blobs[id]
	m.mu.Unlock()
	if !ok {
		return nil, moot.Errorf(moot.NotFound, "no blob %v", id)
	}
	pr, pw := io.Pipe()
	go func() {
		b := moot.Blob{ID: id, Size: int64(len(s.data))}
		pw.CloseWithError(blob.Encode(pw, b, bytes.NewReader(s.data), bytes.NewReader(s.tree), r))
	}()
	return pr, nil
}

func (m *memory) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, m, id), nil
}

func (m *memory) Have(_ context.Context, id moot.BlobID) (moot.Holding, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.blobs[id]
	if !ok {
		return moot.Holding{}, moot.Errorf(moot.NotFound, "no blob %v", id)
	}
	size := int64(len(s.data))
	if size == 0 {
		return moot.Holding{}, nil
	}
	return moot.Holding{Size: size, Ranges: []moot.Range{{Offset: 0, Length: size}}}, nil
}

func (m *memory) Append(_ context.Context, mode moot.Mode, entries ...moot.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.modes = append(m.modes, mode)
	m.entries = append(m.entries, entries...)
	close(m.grown)
	m.grown = make(chan struct{})
	return nil
}

func (m *memory) from(i int) ([]moot.Entry, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[i:], m.grown
}

func (m *memory) Query(_ context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		all, _ := m.from(0)
		for _, e := range all {
			if !strings.HasPrefix(e.Key, q.Prefix) || e.Seq <= q.Since.Seq(e.Author) {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (m *memory) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		seen := 0
		for ctx.Err() == nil {
			fresh, grown := m.from(seen)
			for _, e := range fresh {
				if seen++; e.Seq > since.Seq(e.Author) && !yield(e, nil) {
					return
				}
			}
			select {
			case <-grown:
			case <-ctx.Done():
			}
		}
	}
}

func (m *memory) Vector(context.Context) (moot.Vector, error) {
	all, _ := m.from(0)
	var v moot.Vector
	for _, e := range all {
		v.Add(&e)
	}
	return v, nil
}

// broken is a node whose methods can be replaced.
type broken struct {
	moot.Node
	put   func(io.Reader) (moot.Blob, error)
	get   func(moot.BlobID, moot.Range) (io.ReadCloser, error)
	have  func() (moot.Holding, error)
	add   func(...moot.Entry) error
	query iter.Seq2[moot.Entry, error]
	watch func(context.Context) iter.Seq2[moot.Entry, error]
}

func (b broken) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	if b.put == nil {
		return b.Node.Put(ctx, r)
	}
	return b.put(r)
}

func (b broken) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if b.get == nil {
		return b.Node.Get(ctx, id, r)
	}
	return b.get(id, r)
}

func (b broken) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	if b.have == nil {
		return b.Node.Have(ctx, id)
	}
	return b.have()
}

func (b broken) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if b.add == nil {
		return b.Node.Append(ctx, mode, entries...)
	}
	return b.add(entries...)
}

func (b broken) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	if b.query == nil {
		return b.Node.Query(ctx, q)
	}
	return b.query
}

func (b broken) Watch(ctx context.Context, since moot.Vector) iter.Seq2[moot.Entry, error] {
	if b.watch == nil {
		return b.Node.Watch(ctx, since)
	}
	return b.watch(ctx)
}

// guard is a Guard of two functions; nil allows.
type guard struct {
	allow  func(caller moot.Key, action, subject string) error
	accept func(caller moot.Key, e moot.Entry) error
}

func (g guard) Allow(_ context.Context, caller moot.Key, action, subject string) error {
	if g.allow == nil {
		return nil
	}
	return g.allow(caller, action, subject)
}

func (g guard) Accept(_ context.Context, caller moot.Key, e moot.Entry) error {
	if g.accept == nil {
		return nil
	}
	return g.accept(caller, e)
}

// as serves h to one caller.
func as(caller moot.Key, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(moot.WithCaller(r.Context(), caller)))
	})
}

// serve runs h behind TLS, over HTTP/2 or HTTP/1.1.
func serve(t testing.TB, h http.Handler, http2 bool) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// dial serves the handler over HTTP/2 and returns its client.
func dial(t testing.TB, h http.Handler) *Client {
	s := serve(t, h, true)
	return NewClient(s.Client().Transport, s.URL)
}

// overBoth runs f against the handler over each version of HTTP.
func overBoth(t *testing.T, h http.Handler, f func(t *testing.T, c *Client)) {
	for name, http2 := range map[string]bool{"HTTP1": false, "HTTP2": true} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, h, http2)
			f(t, NewClient(s.Client().Transport, s.URL))
		})
	}
}

// author signs a feed.
type author struct {
	feed *feed.Author
}

func newAuthor(seed byte) author {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	return author{feed.NewAuthor(moot.SpaceID{1}, key, feed.NewClock(time.Now, 0), nil)}
}

func (a author) sign(key, body string) moot.Entry {
	e := a.feed.Next(moot.KindFile, key, nil, []byte(body))
	a.feed.Commit(e)
	return e
}

func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return data
}

// decode returns the content of a slice.
func decode(r io.ReadCloser, id moot.BlobID, rng moot.Range) ([]byte, error) {
	defer r.Close()
	return io.ReadAll(blob.NewDecoder(r, id, rng))
}

// within fails the test if f does not end in time.
func within(t *testing.T, d time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(d):
		t.Fatalf("not done after %v", d)
	}
}

// PutMany implements moot.Blobs.
func (m *memory) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	return blob.PutEach(ctx, m, contents)
}

// GetMany implements moot.Blobs.
func (m *memory) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return blob.GetEach(ctx, m, ids)
}

// HaveMany implements moot.Blobs.
func (m *memory) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	return blob.HaveEach(ctx, m, ids)
}
