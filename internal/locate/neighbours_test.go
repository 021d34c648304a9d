package locate_test

import (
	"testing"

	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"

	"github.com/mootspace/moot"
)

// TestKnownAreDialedAgain: a peer from an invitation is dialed, is named as a
// neighbour, and is found again after it was restarted.
func TestKnownAreDialedAgain(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	a, b := newHost(t, key, anyPort, nil), host1(t)
	var members people
	members.are(a, b)
	mesh := join(t, b, &members, at(a))
	run(t, mesh)
	eventually(t, "a known member is dialed", func() bool { return connected(b, a) })
	if p, ok := named(t, mesh, moot.BlobID{1}, a); !ok || len(p.Addrs) == 0 {
		t.Errorf("the neighbour is named as %v, %v", p, ok)
	}
	where := a.Addrs()[0].String()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is missed", func() bool { return !connected(b, a) })
	if _, ok := named(t, mesh, moot.BlobID{1}, a); ok {
		t.Error("a node that left is named as a neighbour")
	}
	again := newHost(t, key, where, nil)
	eventually(t, "it is dialed when it is back", func() bool { return connected(again, b) })
}

// TestTheMovedAreLookedUp: the address of a that b knows is stale; c has the new one. As
// a speaks no table's protocol, it can neither come by itself nor in a refresh.
func TestTheMovedAreLookedUp(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	old := newHost(t, key, anyPort, nil)
	stale := at(old)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	a, b, c := newHost(t, key, anyPort, nil), host1(t), host1(t)
	var members people
	members.are(a, b, c)
	join(t, c, &members)
	connect(t, a, c)
	run(t, join(t, b, &members, stale, at(c)))
	eventually(t, "the table has the new address", func() bool { return connected(b, a) })
}

// TestTheLocalNetwork: a node found there is dialed if it is a member.
func TestTheLocalNetwork(t *testing.T) {
	t.Parallel()
	a, member, stranger := host1(t), host1(t), host1(t)
	var members people
	members.are(member)
	mesh := join(t, a, &members)
	run(t, mesh)
	mesh.HandlePeerFound(libp2ppeer.AddrInfo{ID: stranger.ID(), Addrs: stranger.Addrs()})
	mesh.HandlePeerFound(libp2ppeer.AddrInfo{ID: member.ID(), Addrs: member.Addrs()})
	eventually(t, "a member is dialed", func() bool { return connected(a, member) })
	if connected(a, stranger) {
		t.Error("a stranger is dialed")
	}
}
