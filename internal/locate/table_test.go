package locate_test

import (
	"context"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// TestHoldersTwoHopsAway: c never reaches a, so that only the table can name it.
func TestHoldersTwoHopsAway(t *testing.T) {
	t.Parallel()
	a, b := host1(t), host1(t)
	c := newHost(t, newKey(t), anyPort, apart(t, a.ID()))
	var members people
	members.are(a, b, c)
	holder, between, seeker := join(t, a, &members), join(t, b, &members), join(t, c, &members)
	connect(t, a, b)
	connect(t, c, b)
	run(t, holder)
	run(t, between)
	id := moot.BlobID{2}
	eventually(t, "the table names the holder", func() bool {
		if err := holder.Announce(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		p, ok := named(t, seeker, id, a)
		return ok && len(p.Addrs) > 0
	})
	if connected(c, a) {
		t.Error("they must have different tables")
	}
	if _, ok := named(t, seeker, moot.BlobID{3}, a); ok {
		t.Error("named as holder of what it did not announce")
	}
}

// TestAnnounceNeverWaits: there is no other node, and Run has not begun.
func TestAnnounceNeverWaits(t *testing.T) {
	t.Parallel()
	var none people
	m := join(t, host1(t), &none)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	for i := range 10_000 {
		if err := m.Announce(ended, moot.BlobID{byte(i), byte(i >> 8)}); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	for p := range m.Locate(ended, moot.BlobID{}) {
		t.Errorf("alone, it names %v", p)
	}
}

// TestStrangersEnterNoTable: one who speaks the protocol and announces itself is
// left out and not named, until it is a member, though it does not connect anew.
func TestStrangersEnterNoTable(t *testing.T) {
	t.Parallel()
	a, b := host1(t), host1(t)
	var members people
	members.are(a, b)
	mesh := join(t, a, &members)
	join(t, b, &members)
	stranger, onlooker := newSpy(t, a), newSpy(t, a)
	connect(t, b, a)
	run(t, mesh)
	eventually(t, "the table holds a member", func() bool { return onlooker.lists(t, b) })
	if onlooker.lists(t, stranger.host) {
		t.Error("the table holds a stranger")
	}
	id := moot.BlobID{4}
	stranger.provides(t, id)
	eventually(t, "the claim has arrived", func() bool { return onlooker.finds(t, id, stranger.host) })
	if _, ok := named(t, mesh, id, stranger.host); ok {
		t.Error("a stranger is named")
	}
	members.are(a, b, stranger.host)
	eventually(t, "a new member enters the table", func() bool { return onlooker.lists(t, stranger.host) })
	if _, ok := named(t, mesh, id, stranger.host); !ok {
		t.Error("a member is not named")
	}
}

// TestTheRevokedLeaveTheTable, though they stay connected.
func TestTheRevokedLeaveTheTable(t *testing.T) {
	t.Parallel()
	a, b := host1(t), host1(t)
	var members, all people
	members.are(a, b)
	all.are(a, b)
	mesh := join(t, a, &members)
	join(t, b, &all)
	connect(t, b, a)
	onlooker := newSpy(t, a)
	run(t, mesh)
	eventually(t, "the table holds a member", func() bool { return onlooker.lists(t, b) })
	members.are(a)
	if _, ok := named(t, mesh, moot.BlobID{5}, b); ok {
		t.Error("a revoked member is named")
	}
	eventually(t, "it leaves the table", func() bool { return !onlooker.lists(t, b) })
}
