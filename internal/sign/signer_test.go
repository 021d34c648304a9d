package sign

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/store"
)

var (
	space = moot.SpaceID{7}
	key   = ed25519Key(1)
	self  = moot.Key(key.Public().(ed25519.PublicKey))
)

func ed25519Key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func clock() *feed.Clock {
	return feed.NewClock(func() time.Time { return time.Unix(1_800_000_000, 0) }, 0)
}

// node is a store whose Append can be watched, refused and cut off.
type node struct {
	*store.Store
	mu      sync.Mutex
	batches [][]string // keys of the entries of each Append
	refuse  string     // an entry with this key is refused with kind Denied
	lost    int        // so many acknowledgements are lost
	mute    error      // what Query yields
	enter   chan struct{}
	leave   chan struct{} // if set, the first Append sends on enter and waits for it
}

func newNode(t *testing.T) *node {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return &node{Store: s}
}

func (n *node) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	n.mu.Lock()
	n.batches = append(n.batches, keysOf(entries))
	first := len(n.batches) == 1
	n.mu.Unlock()
	if first && n.leave != nil {
		n.enter <- struct{}{}
		<-n.leave
	}
	for i, e := range entries {
		if e.Key == n.refuse {
			return cmpErr(n.Store.Append(ctx, mode, entries[:i]...), moot.Errorf(moot.Denied, "%q is refused", e.Key))
		}
	}
	err := n.Store.Append(ctx, mode, entries...)
	if err == nil && n.lost > 0 {
		n.lost--
		return moot.Errorf(moot.Unavailable, "the connection broke")
	}
	return err
}

func (n *node) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	if n.mute != nil {
		return func(yield func(moot.Entry, error) bool) { yield(moot.Entry{}, n.mute) }
	}
	return n.Store.Query(ctx, q)
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func keysOf(entries []moot.Entry) (keys []string) {
	for _, e := range entries {
		keys = append(keys, e.Key)
	}
	return keys
}

// feedOf returns the keys of this key's entries, and checks that none is missing.
func feedOf(t *testing.T, feeds moot.Feeds) (keys []string) {
	t.Helper()
	for e, err := range feeds.Query(t.Context(), moot.Query{Author: self, History: true}) {
		must(t, err)
		keys = append(keys, e.Key)
		if e.Seq != uint64(len(keys)) {
			t.Fatalf("entry %d comes as number %d", e.Seq, len(keys))
		}
	}
	return keys
}

func newSigner(t *testing.T, local moot.Feeds, ready func() error) *Signer {
	t.Helper()
	s, err := New(t.Context(), Config{Self: self, Author: feed.NewAuthor(space, key, clock(), nil), Local: local, Ready: ready})
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (%q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}

func wantKeys(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func statement(name string) Statement {
	return Statement{Kind: moot.KindFile, Key: name, Body: []byte(name)}
}

func TestAppendSignsInOrder(t *testing.T) {
	n := newNode(t)
	s := newSigner(t, n, nil)
	w := s.Through(n)
	entries, err := w.Append(t.Context(), moot.Merge, statement("a"), statement("b"))
	must(t, err)
	wantKeys(t, "entries", keysOf(entries), "a", "b")
	for _, e := range entries {
		must(t, feed.Verify(e))
	}
	one, err := One(t.Context(), w, moot.Swap, Statement{Kind: moot.KindFile, Key: "a", Replaces: []moot.EntryID{entries[0].ID}})
	must(t, err)
	if one.Seq != 3 || one.Prev != entries[1].ID || !one.Deletes() || s.Wrote() != 3 {
		t.Errorf("entry %d after %v, %d written", one.Seq, one.Prev, s.Wrote())
	}
	if _, err := One(t.Context(), w, moot.Swap, statement("b")); moot.KindOf(err) != moot.Conflict {
		t.Errorf("a name that exists: %v", err)
	}
	// A new Signer continues the feed that the store holds.
	next, err := One(t.Context(), newSigner(t, n, nil).Through(n), moot.Merge, statement("c"))
	must(t, err)
	if next.Seq != 4 || next.Prev != one.ID {
		t.Errorf("continued as entry %d after %v", next.Seq, next.Prev)
	}
}

// queued appends one statement in the background, and returns once it is in the queue.
func queued(t *testing.T, s *Signer, w Writer, mode moot.Mode, name string, results chan<- error) {
	t.Helper()
	before := s.waiting()
	go func() {
		e, err := One(context.WithoutCancel(t.Context()), w, mode, statement(name))
		if err == nil && e.Key != name {
			err = fmt.Errorf("%q was answered with the entry of %q", name, e.Key)
		}
		results <- err
	}()
	for s.waiting() == before {
		runtime.Gosched()
	}
}

func (s *Signer) waiting() int {
	s.queueMu.Lock()
	defer s.queueMu.Unlock()
	return len(s.queue)
}

// storing starts an Append that is held up in the node, so that others queue behind it.
func storing(t *testing.T, s *Signer, n *node) (release func()) {
	t.Helper()
	n.enter, n.leave = make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		_, err := One(context.WithoutCancel(t.Context()), s.Through(n), moot.Merge, statement("first"))
		first <- err
	}()
	<-n.enter
	return func() {
		close(n.leave)
		must(t, <-first)
	}
}

func TestGroupCommit(t *testing.T) {
	n := newNode(t)
	s := newSigner(t, n, nil)
	release := storing(t, s, n)
	const many = maxBatch + 3
	results := make(chan error, many)
	for i := range many {
		queued(t, s, s.Through(n), moot.Merge, fmt.Sprint(i), results)
	}
	release()
	for range many {
		must(t, <-results)
	}
	var sizes []int
	for _, batch := range n.batches {
		sizes = append(sizes, len(batch))
	}
	if !slices.Equal(sizes, []int{1, maxBatch, 3}) {
		t.Errorf("stored in batches of %v", sizes)
	}
	if got := feedOf(t, n); len(got) != many+1 || s.Wrote() != many+1 {
		t.Errorf("%d entries, %d written", len(got), s.Wrote())
	}
}

// TestGroupsOfOneKind: requests of another mode or to another node are stored apart.
func TestGroupsOfOneKind(t *testing.T) {
	n, other := newNode(t), newNode(t)
	s := newSigner(t, n, nil)
	release := storing(t, s, n)
	results := make(chan error, 4)
	queued(t, s, s.Through(n), moot.Merge, "a", results)
	queued(t, s, s.Through(n), moot.Swap, "b", results)
	queued(t, s, s.Through(n), moot.Swap, "c", results)
	release()
	for range 3 {
		must(t, <-results)
	}
	if len(n.batches) != 3 {
		t.Fatalf("stored %q", n.batches)
	}
	wantKeys(t, "mode merge", n.batches[1], "a")
	wantKeys(t, "mode swap", n.batches[2], "b", "c")
	_, err := One(t.Context(), s.Through(other), moot.Merge, statement("d"))
	wantKind(t, "a node that lacks the feed's beginning", err, moot.Gap)
}

func TestARefusedEntryLeavesNoHole(t *testing.T) {
	n := newNode(t)
	n.refuse = "bad"
	s := newSigner(t, n, nil)
	_, err := One(t.Context(), s.Through(n), moot.Merge, statement("bad"))
	wantKind(t, "alone", err, moot.Denied)
	_, err = One(t.Context(), s.Through(n), moot.Merge, statement("good"))
	must(t, err)
	wantKeys(t, "the feed", feedOf(t, n), "good")
}

// TestARefusedEntryFailsAlone: of requests that are stored together, only the refused
// one fails, and what was stored before it is not stored twice.
func TestARefusedEntryFailsAlone(t *testing.T) {
	n := newNode(t)
	n.refuse = "bad"
	s := newSigner(t, n, nil)
	release := storing(t, s, n)
	good, bad := make(chan error, 3), make(chan error, 1)
	queued(t, s, s.Through(n), moot.Merge, "a", good)
	queued(t, s, s.Through(n), moot.Merge, "b", good)
	queued(t, s, s.Through(n), moot.Merge, "bad", bad)
	queued(t, s, s.Through(n), moot.Merge, "c", good)
	release()
	for range 3 {
		must(t, <-good)
	}
	wantKind(t, "the refused one", <-bad, moot.Denied)
	wantKeys(t, "the feed", feedOf(t, n), "first", "a", "b", "c")
}

// TestALostAcknowledgement: the node has stored more than it could confirm; the feed
// continues after that instead of forking.
func TestALostAcknowledgement(t *testing.T) {
	local, remote := newNode(t), newNode(t)
	remote.lost = 1
	s := newSigner(t, local, nil)
	_, err := One(t.Context(), s.Through(remote), moot.Merge, statement("a"))
	wantKind(t, "the lost one", err, moot.Unavailable)
	e, err := One(t.Context(), s.Through(remote), moot.Merge, statement("b"))
	must(t, err)
	wantKeys(t, "the node's feed", feedOf(t, remote), "a", "b")
	wantKeys(t, "the local feed", feedOf(t, local), "a")
	if e.Seq != 2 {
		t.Errorf("continued as entry %d", e.Seq)
	}
}

// TestTheLocalStoreIsBehind: the node alone holds what was written through it.
func TestTheLocalStoreIsBehind(t *testing.T) {
	local, remote := newNode(t), newNode(t)
	s := newSigner(t, local, nil)
	for _, name := range []string{"a", "b", "c"} {
		_, err := One(t.Context(), s.Through(remote), moot.Merge, statement(name))
		must(t, err)
	}
	wantKeys(t, "the node's feed", feedOf(t, remote), "a", "b", "c")
	wantKeys(t, "the local feed", feedOf(t, local), "a", "b")
}

// TestTheLocalStoreIsAhead: others brought it up to date with what an earlier program of
// this home wrote.
func TestTheLocalStoreIsAhead(t *testing.T) {
	n := newNode(t)
	s := newSigner(t, n, nil)
	_, err := One(t.Context(), s.Through(n), moot.Merge, statement("a"))
	must(t, err)
	_, err = One(t.Context(), newSigner(t, n, nil).Through(n), moot.Merge, statement("b"))
	must(t, err)
	_, err = One(t.Context(), s.Through(n), moot.Merge, statement("c"))
	must(t, err)
	wantKeys(t, "the feed", feedOf(t, n), "a", "b", "c")
}

// TestARestoredHome: the local store was lost; the node still knows the feed.
func TestARestoredHome(t *testing.T) {
	remote := newNode(t)
	_, err := newSigner(t, remote, nil).Through(remote).Append(t.Context(), moot.Merge, statement("a"), statement("b"))
	must(t, err)
	local := newNode(t)
	e, err := One(t.Context(), newSigner(t, local, nil).Through(remote), moot.Merge, statement("c"))
	must(t, err)
	if e.Seq != 3 {
		t.Errorf("continued as entry %d", e.Seq)
	}
	wantKeys(t, "the local feed", feedOf(t, local), "a", "b")
}

func TestNotReady(t *testing.T) {
	n := newNode(t)
	wait := moot.Errorf(moot.Unavailable, "the newest entries have not arrived")
	s := newSigner(t, n, func() error { return wait })
	_, err := One(t.Context(), s.Through(n), moot.Merge, statement("a"))
	wantKind(t, "not ready", err, moot.Unavailable)
	if len(n.batches) != 0 {
		t.Errorf("stored %q", n.batches)
	}
	wait = nil
	_, err = One(t.Context(), s.Through(n), moot.Merge, statement("a"))
	must(t, err)
	wantKeys(t, "the feed", feedOf(t, n), "a")
}

func TestWithoutAnswerNothingIsSigned(t *testing.T) {
	local, remote := newNode(t), newNode(t)
	remote.mute = moot.Errorf(moot.Unavailable, "no route")
	s := newSigner(t, local, nil)
	_, err := One(t.Context(), s.Through(remote), moot.Merge, statement("a"))
	wantKind(t, "a node that does not answer", err, moot.Unavailable)
	if len(remote.batches) != 0 {
		t.Errorf("stored %q", remote.batches)
	}
	must(t, local.Close())
	remote.mute = nil
	_, err = One(t.Context(), s.Through(remote), moot.Merge, statement("a"))
	wantKind(t, "a local store that is closed", err, moot.Unavailable)
}

// TestADamagedStore: the vector names an entry that the store does not hold.
func TestADamagedStore(t *testing.T) {
	_, err := New(t.Context(), Config{Self: self, Author: feed.NewAuthor(space, key, clock(), nil), Local: hollow{newNode(t)}})
	wantKind(t, "a missing entry", err, moot.Internal)
	n := newNode(t)
	n.Close()
	_, err = New(t.Context(), Config{Self: self, Author: feed.NewAuthor(space, key, clock(), nil), Local: n})
	wantKind(t, "a closed store", err, moot.Unavailable)
}

type hollow struct{ *node }

func (hollow) Vector(context.Context) (moot.Vector, error) {
	return moot.Vector{Heads: map[moot.Key][]moot.Head{self: {{Seq: 5, ID: moot.EntryID{5}}}}}, nil
}
