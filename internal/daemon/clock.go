package daemon

import (
	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
)

// gate judges entries by the roster, and keeps this node's clock later than all that
// it stores: what is said here next is then the newer.
type gate struct {
	*policy.Roster
	clock *feed.Clock
}

func (g gate) Apply(e moot.Entry) {
	g.clock.Observe(e.Time) // was admitted, so within bounds
	g.Roster.Apply(e)
}

// verify judges an entry that a server answers with. What is said here next is later
// than it, as it may replace it.
func (n *node) verify(e moot.Entry) error {
	err := feed.Verify(e)
	if err == nil {
		n.clock.Observe(e.Time) // the server has judged it
	}
	return err
}
