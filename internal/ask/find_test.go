package ask

import (
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// TestAbsentHoldersAreNamed: the error names the member, and shows neither key nor address.
func TestAbsentHoldersAreNamed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := newPeer(1)
		p.Name = ""
		w := newWorld(t, p)
		name := share(t, []byte("bytes"), p)
		w.node.cfg.Name = func(k moot.Key) string { return map[moot.Key]string{p.ID: "ann"}[k] }
		w.node.cfg.Dial = func(q moot.Peer) (moot.Node, error) {
			return nil, moot.Wrap("http://"+q.ID.Short(), moot.Errorf(moot.Unavailable, "cannot be reached: connection refused"))
		}
		_, err := w.read(t.Context(), name, moot.Whole)
		if moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "ann: cannot be reached: connection refused") ||
			strings.Contains(err.Error(), p.ID.Short()) || strings.Contains(err.Error(), "://") {
			t.Error(err)
		}
		w.left()
	})
}
