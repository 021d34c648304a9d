package node

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/tree"
)

// windowFiles is about how many files of a folder have the same holders.
const windowFiles = 256

// window is a batch of files of one folder that the same devices hold, so that small files
// travel many at a time.
type window struct {
	folder tree.ID
	part   uint16 // of the folder: the first bits of the items' IDs
}

// windowOf returns the window of an item in a folder of so many files. A folder that grows
// beyond a power of two has each window split, and one half keeps the window's name.
func windowOf(folder, item tree.ID, files int) window {
	split := min(bits.Len(uint((max(files, 1)-1)/windowFiles)), 16)
	return window{folder, binary.BigEndian.Uint16(item[:]) &^ (1<<(16-split) - 1)}
}

// ranked returns devices in the order in which they are to hold a window (rendezvous
// hashing, Thaler and Ravishankar 1998), which needs no agreement: if one goes, the others
// stay in their order.
func (w window) ranked(devices []moot.Key) []moot.Key {
	type place struct {
		device moot.Key
		rank   [32]byte
	}
	places := make([]place, len(devices))
	for i, k := range devices {
		seed := binary.BigEndian.AppendUint16(slices.Clone(w.folder[:]), w.part)
		places[i] = place{k, blake3.Sum256(append(seed, k[:]...))}
	}
	slices.SortFunc(places, func(a, b place) int { return bytes.Compare(a.rank[:], b.rank[:]) })
	list := make([]moot.Key, len(places))
	for i, p := range places {
		list[i] = p.device
	}
	return list
}

// placement is what a device knows when it decides whether it is to fetch.
type placement struct {
	self   moot.Key
	order  []moot.Key          // devices that are connected, and self, ranked
	gone   func(moot.Key) bool // of order: it was to fetch, and has not for several checks
	copies int
}

// due reports whether self, which lacks a blob, is to fetch it; held are the devices that
// hold it, whether they are connected or only away for a while. Those before self that lack
// it are taken to fetch it now.
func (p placement) due(held []moot.Key) bool {
	count := len(held)
	for _, k := range p.order {
		if k == p.self || count >= p.copies {
			return count < p.copies
		}
		if !slices.Contains(held, k) && !p.gone(k) {
			count++
		}
	}
	return false
}
