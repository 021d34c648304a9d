package suite

import (
	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/dial"
)

// restoredWaits: a restored home writes nothing, but answers, until it has heard what it
// has written since the backup; then it goes on, and its feed does not fork.
func restoredWaits(t T, w *World) {
	founder, ann, bob := w.Member(0), w.Member(1), w.Member(2)
	mustShare(t, founder, "base", []byte("base"))
	mustRead(t, ann, "base", []byte("base"))
	w.Alike()
	before := founder.remember()
	mustShare(t, founder, "since", []byte("since"))
	mustRead(t, ann, "since", []byte("since"))
	w.Alike()
	bob.close()
	w.Cut(founder, ann)
	founder.close() // what it had begun to exchange must not count for the restored home
	founder.restored.Store(true)
	founder.turnBack(before)
	founder.Restart()
	_, err := share(t, founder, "blind", []byte("blind"))
	wantKind(t, "a restored home writes", err, moot.Unavailable)
	w.must(w.ask(founder, bob.key, func(c dial.Client) error {
		for _, err := range c.Query(t.Context(), moot.Query{Kind: moot.KindFile}) {
			if err != nil {
				return err
			}
		}
		return nil
	}))
	wantKind(t, "it still waits", founder.ready(), moot.Unavailable)
	w.Heal()
	Eventually(t, "it goes on", func() error {
		_, err := share(t, founder, "then", []byte("then"))
		return err
	})
	bob.Lose(founder)
	for _, m := range []*Member{founder, ann, bob} {
		sees(t, m, "base", "since", "then")
	}
	w.Alike()
	hasBranches(t, founder.Key(), 1, founder, ann, bob)
}
