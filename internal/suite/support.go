package suite

import (
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/policy"
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
