package locate_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/locate"
	"github.com/mootspace/moot/internal/seal"
)

var space = moot.SpaceID{5}

func TestNoneAndFixed(t *testing.T) {
	for range locate.None().Locate(t.Context(), moot.BlobID{}) {
		t.Error("None names a node")
	}
	if _, ok := locate.None().Authority(); ok {
		t.Error("None has an authority")
	}
	server := moot.Peer{ID: moot.Key{1}}
	f := locate.Fixed(server)
	if got := slices.Collect(f.Locate(t.Context(), moot.BlobID{})); len(got) != 1 || got[0].ID != server.ID || !got[0].Server {
		t.Errorf("Fixed names %v", got)
	}
	if a, ok := f.Authority(); !ok || !a.Required || a.ID != server.ID {
		t.Errorf("authority %v, %v", a, ok)
	}
}

// slow names no node until it is released.
type slow struct {
	moot.Locator
	release chan moot.Peer
}

func (s slow) Locate(ctx context.Context, _ moot.BlobID) iter.Seq[moot.Peer] {
	return func(yield func(moot.Peer) bool) {
		select {
		case p := <-s.release:
			yield(p)
		case <-ctx.Done():
		}
	}
}

func TestBothWaitsForNeither(t *testing.T) {
	mesh := slow{locate.None(), make(chan moot.Peer, 1)}
	both := locate.Both(locate.Fixed(moot.Peer{ID: moot.Key{1}}), mesh)
	var got []moot.Peer
	for p := range both.Locate(t.Context(), moot.BlobID{}) {
		if got = append(got, p); len(got) == 1 {
			mesh.release <- moot.Peer{ID: moot.Key{2}} // only once the server was named
		}
	}
	if len(got) != 2 || !got[0].Server || got[1].ID != (moot.Key{2}) {
		t.Errorf("named %v", got)
	}
	for range both.Locate(t.Context(), moot.BlobID{}) {
		break // must not hang, though the mesh never answers
	}
	if a, ok := both.Authority(); !ok || a.Required {
		t.Errorf("authority %v, %v: it must be there, and not be required", a, ok)
	}
}

// roll is the members of the space.
type roll struct {
	mu   sync.Mutex
	keys []moot.Key
}

func (r *roll) add(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, p.key)
}

func (r *roll) without(k moot.Key) []moot.Key {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.keys), func(o moot.Key) bool { return o == k })
}

// peer is a host with a mesh.
type peer struct {
	key  moot.Key
	host *link.Host
	mesh *locate.Mesh
}

// newPeer starts a node that takes members for members, and knows where known are.
func newPeer(t *testing.T, members *roll, known ...*peer) *peer {
	t.Helper()
	key := seal.NewKey()
	h, err := link.NewHost(link.HostConfig{Key: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Allow: func(moot.Key) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	var at []moot.Peer
	for _, k := range known {
		at = append(at, moot.Peer{ID: k.key, Addrs: k.host.Addrs()})
	}
	ctx, cancel := context.WithCancel(context.Background())
	m, err := locate.NewMesh(ctx, locate.MeshConfig{
		Host: h.LibP2P(), Space: space, Self: seal.Public(key), KeyOf: link.KeyOf, PeerID: link.PeerID, Known: at,
		Members: func() []moot.Key { return members.without(seal.Public(key)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { m.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done; m.Close(); h.Close() })
	return &peer{seal.Public(key), h, m}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(what)
		}
	}
}

func (p *peer) locates(t *testing.T, id moot.BlobID, who *peer) bool {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for found := range p.mesh.Locate(ctx, id) {
		if found.ID == who.key {
			return true
		}
	}
	return false
}

// TestMesh: known members are connected with, and found as neighbours; the mesh
// connects those who know of one another only through a third.
func TestMesh(t *testing.T) {
	var members roll
	a := newPeer(t, &members)
	members.add(a)
	b := newPeer(t, &members, a)
	members.add(b)
	c := newPeer(t, &members, b)
	members.add(c)
	id := moot.BlobID{7}
	eventually(t, "c finds b, which it knows", func() bool { return c.locates(t, id, b) })
	eventually(t, "a is found though c never got its address", func() bool {
		if err := a.mesh.Announce(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		return c.locates(t, id, a)
	})
	if _, ok := a.mesh.Authority(); ok {
		t.Error("among peers there is no authority")
	}
}

// TestStrangersAreNeverNamed: a node that speaks the same protocol, and is
// connected, is not named unless it is a member.
func TestStrangersAreNeverNamed(t *testing.T) {
	var members roll
	a := newPeer(t, &members)
	members.add(a)
	stranger := newPeer(t, &members, a)
	if err := stranger.host.Connect(t.Context(), moot.Peer{ID: a.key, Addrs: a.host.Addrs()}); err != nil {
		t.Fatal(err)
	}
	stranger.mesh.Announce(t.Context(), moot.BlobID{7})
	member := newPeer(t, &members, a)
	members.add(member)
	eventually(t, "the member is named", func() bool { return a.locates(t, moot.BlobID{7}, member) })
	if a.locates(t, moot.BlobID{7}, stranger) || member.locates(t, moot.BlobID{7}, stranger) {
		t.Error("a stranger is named")
	}
}

// listener takes announcements, and may refuse.
type listener struct {
	moot.Locator
	err       error
	announced int
}

func (l *listener) Announce(context.Context, moot.BlobID) error {
	l.announced++
	return l.err
}

func TestBothAnnouncesToBoth(t *testing.T) {
	refusal := moot.Errorf(moot.Unavailable, "away")
	server, mesh := &listener{err: refusal}, &listener{}
	err := locate.Both(server, mesh).Announce(t.Context(), moot.BlobID{})
	if server.announced != 1 || mesh.announced != 1 || moot.KindOf(err) != moot.Unavailable {
		t.Errorf("announced %d and %d times: %v", server.announced, mesh.announced, err)
	}
	if err := locate.Both(mesh, mesh).Announce(t.Context(), moot.BlobID{}); err != nil {
		t.Error(err)
	}
}
