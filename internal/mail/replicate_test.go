package mail

import (
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

func TestReplicasAreAgreedOn(t *testing.T) {
	nodes := make([]moot.Key, 10)
	for i := range nodes {
		nodes[i][0] = byte(i + 1)
	}
	author, recipient := nodes[0], nodes[1]
	load := map[moot.Key]int{}
	for n := range 200 {
		m := &heldMessage{envelope: envelope{ID: moot.BlobID{byte(n)}, Device: author}}
		replicas := 0
		for _, self := range nodes[2:] {
			if m.isReplica(self, slices.DeleteFunc(slices.Clone(nodes), func(k moot.Key) bool { return k == self }), []moot.Key{recipient}, 2) {
				replicas++
				load[self]++
			}
		}
		if replicas != 2 {
			t.Fatalf("message %d has %d replicas; want 2", n, replicas)
		}
	}
	for _, k := range nodes[2:] {
		if load[k] < 20 || load[k] > 90 { // 50 on average
			t.Errorf("node %d holds %d of 400 replicas", k[0], load[k])
		}
	}
}

func TestDueKeepsWithinLimits(t *testing.T) {
	now := time.Now()
	bob := policy.Member{ID: moot.MemberID{1}, Devices: []policy.Device{{Key: moot.Key{1}}, {Key: moot.Key{2}}}}
	r := NewRelay(RelayConfig{Now: func() time.Time { return now }, Self: moot.Key{9}, Roster: only{member: &bob}})
	add := func(n byte, age time.Duration, size int64) *heldMessage {
		m := &heldMessage{envelope: envelope{announcement: announcement{Size: size}, ID: moot.BlobID{n}, Time: now.Add(-age)}, waiting: []moot.MemberID{bob.ID}, firstSeen: now.Add(-age)}
		r.pending[m.ID] = m
		return m
	}
	add(1, time.Hour, 60)
	add(2, 2*time.Hour, 60)
	add(3, 3*time.Hour, 60)
	add(4, 0, 60)                 // too new
	add(5, 40*24*time.Hour, 60)   // expired
	held := add(6, time.Hour, 30) // held already
	held.held, r.heldBytes = true, 30
	ids := func(l Limits) (ids []byte) {
		for _, m := range r.due(l.withDefaults(), nil) {
			ids = append(ids, m.ID[0])
		}
		return ids
	}
	for _, c := range []struct {
		limits Limits
		want   []byte
	}{
		{Limits{}, []byte{3, 2, 1}},
		{Limits{Bytes: 30 + 120}, []byte{3, 2}},
		{Limits{Bytes: 30 + 119}, []byte{3}},
		{Limits{Bytes: 10}, nil},
		{Limits{All: true, Bytes: 10}, []byte{3, 2, 1}},
		{Limits{Age: 150 * time.Minute}, []byte{2, 1}},
		{Limits{Copies: -1}, nil},
	} {
		if got := ids(c.limits); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v; want %v", c.limits, got, c.want)
		}
	}
	if got := r.done(Limits{Age: time.Minute}); len(got) != 1 || got[0] != held.ID {
		t.Errorf("expired: %v", got)
	}
	held.delivered = []moot.Key{{1}}
	if got := r.done(Limits{Age: 90 * time.Minute}); len(got) != 0 {
		t.Errorf("dropped though a device lacks it: %v", got)
	}
	bob.Devices = bob.Devices[:1] // the device was removed
	if got := r.done(Limits{Age: 90 * time.Minute}); len(got) != 1 || got[0] != held.ID {
		t.Errorf("still held for a device that was removed: %v", got)
	}
}

// only is a roster of one member.
type only struct {
	Roster
	member *policy.Member
}

func (o only) Member(moot.MemberID) (policy.Member, bool) { return *o.member, true }
