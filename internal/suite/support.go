package suite

import (
	"io"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

type device = policy.Device

// mustLookUp returns a member as another one sees it.
func mustLookUp(t T, by *Member, name string) policy.Member {
	t.Helper()
	who, err := by.Members().Lookup(t.Context(), name)
	if err != nil {
		t.Fatalf("%s looks %s up: %v", by.Name, name, err)
	}
	return who
}

// sees waits until a member finds the files of these names, each once, and no others.
func sees(t T, m *Member, want ...string) {
	t.Helper()
	slices.Sort(want)
	Eventually(t, m.Name+" finds the files that count", func() error {
		list, err := m.Files().List(t.Context(), "")
		var got []string
		for _, f := range list {
			got = append(got, f.Name)
		}
		slices.Sort(got)
		if err == nil && !slices.Equal(got, want) {
			err = moot.Errorf(moot.NotFound, "it finds %q, want %q", got, want)
		}
		return err
	})
}

// lastOf returns the last entry of a device's feed that a member holds.
func lastOf(t T, m *Member, device moot.Key) (last moot.Entry) {
	t.Helper()
	for e, err := range m.Store().Query(t.Context(), moot.Query{History: true, Replica: true, Author: device}) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		if e.Seq > last.Seq {
			last = e
		}
	}
	return last
}

// submit hands entries to a member's node in the name of another one's device.
func (w *World) submit(to, by *Member, entries ...moot.Entry) error {
	return w.ask(to, by.key, func(c dial.Client) error { return c.Append(w.t.Context(), moot.Merge, entries...) })
}

// hasOneName waits until a member sees devices act for one member, under one name.
func hasOneName(t T, by *Member, devices ...*Member) {
	t.Helper()
	Eventually(t, by.Name+" sees the devices of "+devices[0].Name, func() error {
		who, err := by.Members().Lookup(t.Context(), devices[0].Name)
		for _, m := range devices {
			acts := slices.ContainsFunc(who.Devices, func(d device) bool { return d.Key == m.Key() && !d.Forked && !d.Waiting })
			if err == nil && (who.ID != m.ID() || !acts) {
				err = moot.Errorf(moot.NotFound, "%+v", who)
			}
		}
		return err
	})
}

// author continues a device's feed by hand.
func author(m *Member, last *moot.Entry) *feed.Author {
	return feed.NewAuthor(m.world.space, m.key, feed.NewClock(m.now, 0), last)
}

// act signs an act by hand.
func act(t T, by *feed.Author, body any, cites ...moot.EntryID) moot.Entry {
	t.Helper()
	b, err := trust.Encode(body)
	if err != nil {
		t.Fatalf("%v", err)
	}
	e := by.NextAct(policy.KindOf(body), cites, b)
	by.Commit(e)
	return e
}

func publicOf(seed [32]byte) moot.Key { return seal.Public(seal.FromSeed(seed)) }

// decoded verifies a blob while it is read.
func decoded(r io.Reader, id moot.BlobID) io.Reader { return blob.NewDecoder(r, id, moot.Whole) }
