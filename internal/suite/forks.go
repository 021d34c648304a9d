package suite

import (
	"slices"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/tree"
	"github.com/mootspace/moot/internal/trust"
)

// copiedBack: a home that was copied back writes on; both branches are kept by all, the
// device goes on as a new one, and nothing is lost.
func copiedBack(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	victim := ann
	if w.Centralised() { // a client goes on where its server says
		victim = founder
	}
	mustShare(t, victim, "base", []byte("base"))
	mustRead(t, bob, "base", []byte("base"))
	w.Alike()
	before, key := victim.remember(), victim.Key()
	mustShare(t, victim, "one", []byte("1"))
	mustRead(t, bob, "one", []byte("1"))
	w.Alike()
	victim.turnBack(before)
	mustShare(t, victim, "two", []byte("2"))
	victim.Restart()
	all := []*Member{founder, ann, bob}
	hasBranches(t, key, 2, all...)
	w.Alike()
	victim.succeed()
	for _, m := range all {
		sees(t, m, "one", "two", "base")
		mustRead(t, m, "two", []byte("2"))
	}
	mustShare(t, victim, "three", []byte("3"))
	for _, m := range all {
		mustRead(t, m, "three", []byte("3"))
		hasOneName(t, m, victim)
		if slices.ContainsFunc(mustLookUp(t, m, victim.Name).Devices, func(d device) bool { return d.Key == key }) {
			t.Fatalf("the old device acts for %s, as %s sees it", victim.Name, m.Name)
		}
		if n := strings.Count(m.Log.String(), "a device was copied"); m != victim && n != 1 {
			t.Fatalf("%s was told %d times:\n%s", m.Name, n, m.Log)
		}
	}
	w.Alike()
	hasBranches(t, key, 2, all...)
}

// branchChosen: another device of the member says which branch counts.
func branchChosen(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	phone := w.AddDevice(ann, "phone")
	mailboxOf(t, ann, phone) // no act follows that would make what is before it count
	mustShare(t, ann, "one", []byte("1"))
	w.Alike()
	one := lastOf(t, founder, ann.Key())
	ann.close()
	two := moot.Entry{Space: one.Space, Seq: one.Seq, Prev: one.Prev, Time: one.Time + 1, Kind: one.Kind, Body: named(t, "two")}
	feed.Sign(ann.key, &two)
	w.must(w.submit(founder, ann, two))
	all := []*Member{founder, bob, phone}
	hasBranches(t, ann.Key(), 2, all...)
	w.Alike()
	for _, m := range all {
		sees(t, m)
	}
	_, err := phone.Members().ResolveFork(t.Context(), app.BranchChoice{Device: firstDevice, Head: two.ID.String()})
	w.must(err)
	for _, m := range all {
		sees(t, m, "two")
	}
	w.Alike()
	hasBranches(t, ann.Key(), 2, all...)
	mustShare(t, phone, "three", []byte("3"))
	for _, m := range all {
		sees(t, m, "two", "three")
	}
}

// named returns the body of a change set that gives one name to no bytes.
func named(t T, name string) []byte {
	t.Helper()
	e := tree.New(tree.Config{}).Edit(tree.Nonce{1})
	_, err := e.Write(name, tree.File, tree.Content{}, 0o644)
	bodies, encodeErr := e.Encode()
	if err != nil || encodeErr != nil {
		t.Fatalf("a change set: %v, %v", err, encodeErr)
	}
	return bodies[0].Data
}

// mailboxOf waits until a member's mailbox key is sealed to its new device, too.
func mailboxOf(t T, m, device *Member) {
	t.Helper()
	Eventually(t, "the mailbox key is renewed", func() error {
		for _, e := range everything(t, m) {
			if body, err := trust.Decode(e.Key, e.Body); e.Kind == moot.KindAct && err == nil {
				if box, ok := body.(trust.Mailbox); ok && slices.Contains(box.Devices, device.Key()) {
					return nil
				}
			}
		}
		return moot.Errorf(moot.NotFound, "no generation is sealed to it")
	})
}

// hasBranches waits until members hold so many branches of a device's feed.
func hasBranches(t T, device moot.Key, n int, members ...*Member) {
	t.Helper()
	for _, m := range members {
		Eventually(t, m.Name+" holds all branches", func() error {
			v, err := m.Store().Vector(t.Context())
			if err == nil && len(v.Heads[device]) != n {
				err = moot.Errorf(moot.NotFound, "it holds %d of %d", len(v.Heads[device]), n)
			}
			return err
		})
	}
}
