package ask

import (
	"bytes"
	"errors"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestHave: what this machine and others hold adds up.
func TestHave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		a, b, away := newPeer(1), newPeer(2), newPeer(3)
		away.leave(true)
		w := newWorld(t, a, b, away)
		data := noise(1, 5*blob.GroupSize)
		name := share(t, data, a, b)
		a.retain(name, 0, 1)
		b.retain(name, 1, 2, 4)
		h, err := w.node.Have(t.Context(), name.ID)
		want := []moot.Range{{Offset: 0, Length: 3 * blob.GroupSize}, {Offset: 4 * blob.GroupSize, Length: blob.GroupSize}}
		if err != nil || h.Size != name.Size || len(h.Ranges) != 2 || h.Ranges[0] != want[0] || h.Ranges[1] != want[1] {
			t.Errorf("together they hold %v, %v; want %v", h, err, want)
		}
		if _, err := w.local.Put(t.Context(), bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		w.local.retain(name, 3)
		if h, err := w.node.Have(t.Context(), name.ID); err != nil || !h.Complete() {
			t.Errorf("with what is held here, %v, %v", h, err)
		}
	})
}

func TestHaveOfTheUnknown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		away := newPeer(2)
		away.leave(true)
		w := newWorld(t, newPeer(1))
		if _, err := w.node.Have(t.Context(), moot.BlobID{1}); !errors.Is(err, moot.NotFound) {
			t.Errorf("no node has it: %v", err)
		}
		w.peers = append(w.peers, away)
		if _, err := w.node.Have(t.Context(), moot.BlobID{1}); !errors.Is(err, moot.Unavailable) {
			t.Errorf("a node that may have it is away: %v", err)
		}
	})
}
