package ask

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// world is one Node over peers in this process. Everything runs in a bubble of
// testing/synctest: time passes only when every goroutine is blocked.
type world struct {
	t     *testing.T
	local *memory
	log   lockedBuffer
	node  *Node

	mu        sync.Mutex
	peers     []*peer
	authority *moot.Authority
	announced []moot.BlobID
}

var self = moot.Key{0xff}

func newWorld(t *testing.T, peers ...*peer) *world {
	w := &world{t: t, local: newMemory(), peers: peers}
	w.restart()
	return w
}

// restart forgets everything but what is on the local node.
func (w *world) restart() {
	w.node = New(Config{Local: w.local, Self: self, Locator: w, Dial: w.dial, Part: 16, Log: slog.New(slog.NewTextHandler(&w.log, nil))})
}

func (w *world) Locate(context.Context, moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		w.mu.Lock()
		peers := append([]*peer{}, w.peers...)
		w.mu.Unlock()
		if !yield(moot.Peer{ID: self}) {
			return
		}
		for _, p := range peers {
			for range 2 { // a locator may name a node twice
				if !yield(p.Peer) {
					return
				}
			}
		}
	}
}

func (w *world) Announce(_ context.Context, id moot.BlobID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.announced = append(w.announced, id)
	return nil
}

func (w *world) Authority() (moot.Authority, bool) {
	if w.authority == nil {
		return moot.Authority{}, false
	}
	return *w.authority, true
}

func (w *world) dial(p moot.Peer) (moot.Node, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.peers {
		if o.ID == p.ID {
			return o, nil
		}
	}
	return nil, moot.Errorf(moot.Unavailable, "unknown peer")
}

// read fetches a range through the node and verifies it.
func (w *world) read(ctx context.Context, b moot.Blob, r moot.Range) ([]byte, error) {
	rc, err := w.node.Get(ctx, b.ID, r)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(blob.NewDecoder(rc, b.ID, r))
}

// wants fetches a range and fails unless it is what it should be.
func (w *world) wants(b moot.Blob, data []byte, r moot.Range) {
	w.t.Helper()
	got, err := w.read(w.t.Context(), b, r)
	c := r.In(b.Size)
	if err != nil || !bytes.Equal(got, data[c.Offset:c.End()]) {
		w.t.Fatalf("got %d bytes of %d: %v\n%s", len(got), c.Length, err, w.log.String())
	}
}

// peer is another node, with the behaviour that the test gives it.
type peer struct {
	*memory
	moot.Peer
	trip   time.Duration                                                      // there and back
	pace   time.Duration                                                      // for a group
	serve  func(ctx context.Context, r moot.Range, slice io.Reader) io.Reader // replaces what is sent
	have   func(moot.Holding) moot.Holding                                    // replaces what is claimed
	small  func(ctx context.Context, s moot.Small) error                      // may fail instead of sending a small blob
	silent bool                                                               // accepts requests and never responds

	mu     sync.Mutex
	gone   bool
	gets   []moot.Range
	many   [][]moot.BlobID // of each request about many blobs
	groups map[int64]int   // how often each was requested
}

func newPeer(id byte) *peer {
	return &peer{memory: newMemory(), Peer: moot.Peer{ID: moot.Key{id}, Name: "peer-" + string('a'+rune(id))}, groups: map[int64]int{}}
}

func (p *peer) reach(ctx context.Context) error {
	if p.silent {
		<-ctx.Done()
		return ctx.Err()
	}
	select {
	case <-time.After(p.trip):
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return moot.Errorf(moot.Unavailable, "connection refused")
	}
	return nil
}

func (p *peer) left() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gone
}

func (p *peer) leave(gone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = gone
}

func (p *peer) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	if err := p.reach(ctx); err != nil {
		return moot.Holding{}, err
	}
	h, err := p.memory.Have(ctx, id)
	if err == nil && p.have != nil {
		h = p.have(h)
	}
	return h, err
}

func (p *peer) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	if err := p.reach(ctx); err != nil {
		return nil, err
	}
	rc, err := p.memory.Get(ctx, id, r)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.gets = append(p.gets, r)
	h, _ := p.memory.Have(ctx, id)
	for run, g := groups(r, h.Size), int64(0); g < run.Count; g++ {
		p.groups[run.First+g]++
	}
	p.mu.Unlock()
	var slice io.Reader = rc
	if p.serve != nil {
		slice = p.serve(ctx, r, rc)
	}
	// Buffered, so that a group takes one pace and not one for each of its parents.
	return io.NopCloser(bufio.NewReaderSize(&link{ctx, p, slice}, blob.GroupSize)), nil
}

func (p *peer) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, p, id), nil
}

func (p *peer) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	if err := p.reach(ctx); err != nil {
		return err
	}
	return p.memory.Append(ctx, mode, entries...)
}

func (p *peer) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	if err := p.reach(ctx); err != nil {
		return moot.Blob{}, err
	}
	return p.memory.Put(ctx, r)
}

// link delivers a slice a group at a time, at the peer's pace, until it leaves.
type link struct {
	ctx  context.Context //nolint:containedctx // methods of io take no context
	peer *peer
	r    io.Reader
}

func (l *link) Read(p []byte) (int, error) {
	select {
	case <-time.After(l.peer.pace):
	case <-l.ctx.Done():
		return 0, l.ctx.Err()
	}
	if l.peer.left() {
		return 0, moot.Errorf(moot.Unavailable, "connection reset")
	}
	return l.r.Read(p[:min(len(p), blob.GroupSize)])
}

// noise returns bytes that are different for every seed.
func noise(seed uint64, size int) []byte {
	data := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{byte(seed)})
	rng.Read(data)
	return data
}

// share puts data on all peers.
func share(t *testing.T, data []byte, peers ...*peer) (b moot.Blob) {
	t.Helper()
	for _, p := range peers {
		var err error
		if b, err = p.memory.Put(t.Context(), bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// PutMany implements moot.Blobs.
func (p *peer) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	if err := p.reach(ctx); err != nil {
		return nil, err
	}
	p.note(nil)
	return blob.PutEach(ctx, p.memory, contents)
}

// GetMany implements moot.Blobs.
func (p *peer) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		if err := p.reach(ctx); err != nil {
			yield(moot.Small{}, err)
			return
		}
		p.note(ids)
		for s, err := range blob.GetEach(ctx, p.memory, ids) {
			if err == nil && p.small != nil {
				err = p.small(ctx, s)
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// note counts a request about many blobs.
func (p *peer) note(ids []moot.BlobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.many = append(p.many, ids)
}

// HaveMany implements moot.Blobs.
func (p *peer) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	if err := p.reach(ctx); err != nil {
		return nil, err
	}
	p.note(ids)
	return blob.HaveEach(ctx, p.memory, ids)
}
