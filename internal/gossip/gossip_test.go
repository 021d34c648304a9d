package gossip_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/wire"
)

var space = moot.SpaceID{1}

// node is a store, a host and a feed writer.
type node struct {
	*store.Store
	key    ed25519.PrivateKey
	author *feed.Author
	host   *link.Host
}

// everything lets anybody do anything.
type everything struct{}

func (everything) Allow(context.Context, moot.Key, string, string) error { return nil }
func (everything) Accept(context.Context, moot.Key, moot.Entry) error    { return nil }

func newNode(t *testing.T, gate store.Gate) *node {
	t.Helper()
	s, err := store.Open(context.Background(), store.Config{Gate: gate})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	key := seal.NewKey()
	return &node{Store: s, key: key, author: feed.NewAuthor(space, key, feed.NewClock(time.Now, 0), nil)}
}

func (n *node) sign(t *testing.T, key, body string) moot.Entry {
	t.Helper()
	e := n.author.Next(moot.KindFile, key, nil, []byte(body))
	if err := n.Append(t.Context(), moot.Merge, e); err != nil {
		t.Fatal(err)
	}
	n.author.Commit(e)
	return e
}

// run connects the node with others and has it gossip, with a repair that is too rare
// to be of help.
func (n *node) run(t *testing.T, interval time.Duration, others ...*node) {
	t.Helper()
	var err error
	n.host, err = link.NewHost(link.HostConfig{Key: n.key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Allow: func(moot.Key) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- n.host.Serve(ctx, wire.Handler(n.Store, everything{}, wire.Options{})) }()
	go func() {
		done <- gossip.Run(ctx, gossip.Config{
			Host: n.host.LibP2P(), Space: space, Self: seal.Public(n.key), Local: n.Store, Interval: interval,
			Neighbours: n.host.Peers, Servers: func(context.Context) []moot.Peer { return nil },
			Key: link.KeyOf, Member: func(moot.Key) bool { return true },
			Dial: func(p moot.Peer) (moot.Node, error) {
				return wire.NewClient(n.host.Transport(p), "http://peer"), nil
			},
		})
	}()
	t.Cleanup(func() {
		cancel()
		n.host.Close()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
	})
	for _, o := range others {
		if err := n.host.Connect(t.Context(), moot.Peer{ID: seal.Public(o.key), Addrs: o.host.Addrs()}); err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}

func holds(t *testing.T, n *node, entries ...moot.Entry) bool {
	v, err := n.Vector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return !slices.ContainsFunc(entries, func(e moot.Entry) bool { return e.Seq > v.Seq(e.Author) })
}

// TestPush: an entry reaches nodes that are not connected with the author, long
// before any repair.
func TestPush(t *testing.T) {
	a, b, c := newNode(t, nil), newNode(t, nil), newNode(t, nil)
	a.run(t, time.Hour)
	b.run(t, time.Hour, a)
	c.run(t, time.Hour, b)
	// An entry before the meshes have formed may be missed until the next repair;
	// the entry after it shows the gap. So a goes on writing until one arrives.
	last := a.sign(t, "0", "x")
	for i := 1; i <= 3; i++ {
		eventually(t, "a new entry arrives one and two hops away", func() bool {
			before := last
			last = a.sign(t, fmt.Sprint(i), "x")
			return holds(t, b, before) && holds(t, c, before)
		})
	}
}

// TestRepair: nodes that were apart come to hold the same.
func TestRepair(t *testing.T) {
	a, b := newNode(t, nil), newNode(t, nil)
	var all []moot.Entry
	for i := range 600 { // more than one batch
		all = append(all, a.sign(t, fmt.Sprint(i), "a"), b.sign(t, fmt.Sprint(i), "b"))
	}
	pulled, pushed, err := gossip.Reconcile(t.Context(), a.Store, b.Store)
	if err != nil || pulled != 600 || pushed != 600 {
		t.Fatalf("pulled %d, pushed %d, %v", pulled, pushed, err)
	}
	if !holds(t, a, all...) || !holds(t, b, all...) {
		t.Error("an entry is missing")
	}
	if pulled, pushed, err = gossip.Reconcile(t.Context(), a.Store, b.Store); pulled+pushed != 0 || err != nil {
		t.Errorf("again: pulled %d, pushed %d, %v", pulled, pushed, err)
	}
}

// picky refuses one author.
type picky struct{ refused moot.Key }

func (p picky) Admit(e *moot.Entry, _ moot.Position, _ *moot.Position, _ store.Held) error {
	if e.Author == p.refused {
		return moot.Errorf(moot.Stranger, "not welcome")
	}
	return nil
}
func (picky) Apply(*moot.Entry, moot.Position, *moot.Position, store.Held) []moot.Key { return nil }
func (picky) Counts(moot.Key, moot.Kind, moot.Position) bool                          { return true }

// TestRepairLeavesOutWhatIsRefused: one author's rejected entries do not block others'.
func TestRepairLeavesOutWhatIsRefused(t *testing.T) {
	a, bad := newNode(t, nil), newNode(t, nil)
	var good []moot.Entry
	for i := range 10 {
		e := bad.sign(t, fmt.Sprint(i), "bad")
		if err := a.Append(t.Context(), moot.Merge, e); err != nil {
			t.Fatal(err)
		}
		good = append(good, a.sign(t, fmt.Sprint(i), "good"))
	}
	b := newNode(t, picky{seal.Public(bad.key)})
	pulled, _, err := gossip.Reconcile(t.Context(), b.Store, a.Store)
	if err != nil || pulled != len(good) || !holds(t, b, good...) {
		t.Errorf("pulled %d, %v", pulled, err)
	}
	closed := newNode(t, nil)
	closed.Close()
	if _, _, err := gossip.Reconcile(t.Context(), a.Store, closed.Store); !errors.Is(err, moot.Unavailable) {
		t.Errorf("with a node that is away: %v", err)
	}
}
