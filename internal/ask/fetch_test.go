package ask

import (
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// TestFetch: a blob is brought here whole, once, and progress adds up to its size.
func TestFetch(t *testing.T) {
	for _, size := range []int{0, 1, someGroups*blob.GroupSize + 5} {
		bubble(t, func(t *testing.T) {
			a, b := newPeer(1), newPeer(2)
			w := newWorld(t, a, b)
			name := share(t, noise(uint64(size), size), a, b)
			for _, fresh := range []bool{true, false} {
				arrived := int64(0)
				got, err := w.node.Fetch(t.Context(), name.ID, func(n int64) { arrived += n })
				if err != nil || got != fresh || arrived != int64(size) {
					t.Errorf("%d bytes: fresh %v, want %v; %d arrived, %v", size, got, fresh, arrived, err)
				}
			}
			w.left()
			if h, err := w.local.Have(t.Context(), name.ID); err != nil || !h.Complete() {
				t.Errorf("%d bytes are not held afterwards: %v", size, err)
			}
		})
	}
}

func TestFetchWhatNobodyHas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, newPeer(1))
		_, err := w.node.Fetch(t.Context(), moot.BlobID{1}, func(int64) { t.Error("something arrived") })
		if moot.KindOf(err) != moot.NotFound {
			t.Error(err)
		}
		w.left()
	})
}
