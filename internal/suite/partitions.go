package suite

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

func partition(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, ann, "plan", []byte("base"))
	mustRead(t, bob, "plan", []byte("base"))
	w.Alike()
	w.Cut(ann, bob)
	w.Cut(founder, bob)
	mustShare(t, ann, "plan", []byte("ann's"))
	_, err := share(t, bob, "plan", []byte("bob's"))
	if w.Centralised() {
		wantKind(t, "cut off from the server", err, moot.Unavailable)
		w.Heal()
		mustRead(t, bob, "plan", []byte("ann's"))
		return
	}
	w.must(err)
	w.Heal()
	w.Alike()
	var current string
	for i, m := range []*Member{founder, ann, bob} {
		versions, err := m.Files().Conflicts(t.Context())
		if err != nil || len(versions) != 2 {
			t.Fatalf("%s sees %d versions, %v", m.Name, len(versions), err)
		}
		if i > 0 && versions[0].Version.String() != current {
			t.Fatalf("%s shows another version as current", m.Name)
		}
		current = versions[0].Version.String()
		for _, v := range versions { // both can be fetched
			Eventually(t, m.Name+" fetches a version", func() error {
				_, err := read(t, m, v.Blob.ID.String())
				return err
			})
		}
	}
	_, err = ann.Files().Resolve(t.Context(), "plan", current[:8])
	w.must(err)
	w.Alike()
	for _, m := range []*Member{founder, ann, bob} {
		if versions, err := m.Files().Conflicts(t.Context()); err != nil || len(versions) != 0 {
			t.Fatalf("%s still sees a conflict: %v, %v", m.Name, versions, err)
		}
	}
}

func serverAway(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, ann, "before", []byte("before"))
	w.Alike()
	invitation := w.Invite(policy.RoleMember, 1, time.Hour)
	w.Alike()
	founder.Stop()
	if w.Centralised() {
		began := time.Now()
		_, err := share(t, ann, "during", []byte("during"))
		wantKind(t, "share", err, moot.Unavailable)
		_, err = read(t, bob, "before")
		wantKind(t, "get", err, moot.Unavailable)
		_, err = names(t.Context(), bob, "before")
		wantKind(t, "find", err, moot.Unavailable)
		if took := time.Since(began); took > 5*time.Second {
			t.Fatalf("it took %v to say so", took)
		}
	} else {
		mustShare(t, ann, "during", []byte("during"))
		mustRead(t, bob, "during", []byte("during"))
		mustRead(t, bob, "before", []byte("before"))
		w.Join(invitation, "newcomer")
	}
	founder.Restart()
	Eventually(t, "bob shares after", func() error { // a dial that failed may still be going on
		_, err := share(t, bob, "after", []byte("after"))
		return err
	})
	w.Alike()
	mustRead(t, founder, "before", []byte("before"))
	if !w.Centralised() {
		mustRead(t, founder, "during", []byte("during"))
	}
	mustRead(t, ann, "after", []byte("after"))
}

func restart(t T, w *World) {
	ann, founder := w.Member(1), w.Member(0)
	content := random(100_000)
	mustShare(t, ann, "kept", content)
	w.Alike()
	for _, m := range []*Member{founder, ann} {
		m.Stop()
		m.Restart()
	}
	mustRead(t, ann, "kept", content)
	mustRead(t, founder, "kept", content)
	mustShare(t, ann, "more", []byte("more"))
	mustRead(t, founder, "more", []byte("more"))
}

func lostEverything(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, ann, "one", []byte("1"))
	mustShare(t, bob, "two", []byte("2"))
	mustRead(t, ann, "two", []byte("2"))
	w.Alike()
	victim, from := bob, founder
	if !w.Centralised() {
		victim, from = founder, ann // a server may be lost, too: its peers bring it up to date
	}
	victim.Lose(from)
	w.Alike()
	mustRead(t, victim, "one", []byte("1"))
	mustRead(t, victim, "two", []byte("2"))
	mustShare(t, victim, "three", []byte("3"))
	mustRead(t, ann, "three", []byte("3"))
}
