package node

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

func devicesOf(n int) (keys []moot.Key) {
	for i := range n {
		keys = append(keys, moot.Key{byte(i + 1)})
	}
	return keys
}

// TestPlacementStays: of a device that goes only its share moves, and the shares are even.
func TestPlacementStays(t *testing.T) {
	const copies, windows = 3, 3000
	all := devicesOf(6)
	gone, share := all[2], map[moot.Key]int{}
	for i := range windows {
		w := window{folder: tree.ID{byte(i), byte(i >> 8)}}
		before := w.ranked(all)[:copies]
		after := w.ranked(slices.DeleteFunc(slices.Clone(all), func(k moot.Key) bool { return k == gone }))[:copies]
		moved := 0
		for _, k := range before {
			share[k]++
			if !slices.Contains(after, k) {
				moved++
			}
		}
		if want := 0; slices.Contains(before, gone) != (moved == 1) || moved > 1 {
			t.Fatalf("window %d: %d holders changed, want %d or the one that went", i, moved, want)
		}
	}
	for k, n := range share {
		if even := windows * copies / len(all); n < even*9/10 || n > even*11/10 {
			t.Errorf("%v holds %d windows, want about %d", k.Short(), n, even)
		}
	}
}

// TestWindowsSplit: windows have about as many files as intended, and when a folder grows
// at most half of its files change theirs.
func TestWindowsSplit(t *testing.T) {
	items := make([]tree.ID, 1<<14)
	for i := range items {
		binary.BigEndian.PutUint16(items[i][:], uint16(i*40503))
	}
	for _, files := range []int{0, 1, 256, 257, 5000, 1 << 14} {
		sizes, moved := map[window]int{}, 0
		for _, item := range items[:files] {
			w := windowOf(tree.ID{9}, item, files)
			sizes[w]++
			if windowOf(tree.ID{9}, item, 2*files) != w {
				moved++
			}
		}
		for w, n := range sizes {
			if n > 2*windowFiles {
				t.Errorf("%d files: %d in window %v", files, n, w)
			}
		}
		if moved > files*6/10 {
			t.Errorf("%d files: %d moved when the folder doubled", files, moved)
		}
	}
}

// TestDue: all decide alike, so that just as many fetch as are missing.
func TestDue(t *testing.T) {
	all := devicesOf(6)
	order := window{}.ranked(all)
	none := func(moot.Key) bool { return false }
	for name, c := range map[string]struct {
		held   []moot.Key
		gone   func(moot.Key) bool
		copies int
		want   int // who are to fetch
	}{
		"one holder, the last":     {held: order[5:], copies: 3, want: 2},
		"the first two hold":       {held: order[:2], copies: 3, want: 1},
		"enough hold":              {held: order[3:], copies: 3},
		"more than there are":      {held: order[:1], copies: 9, want: 5},
		"a holder that is away":    {held: []moot.Key{{99}, order[0]}, copies: 3, want: 1},
		"one that does not fetch":  {held: order[5:], copies: 3, want: 3, gone: func(k moot.Key) bool { return k == order[0] }},
		"one copy is enough":       {held: order[:1], copies: 1},
		"nobody has it to be seen": {copies: 2, want: 2},
	} {
		if c.gone == nil {
			c.gone = none
		}
		fetch := 0
		for _, self := range all {
			p := placement{self, order, c.gone, c.copies}
			if !slices.Contains(c.held, self) && p.due(c.held) {
				fetch++
			}
		}
		if fetch != c.want {
			t.Errorf("%s: %d fetch, want %d", name, fetch, c.want)
		}
	}
}
