// Package blob makes bytes verifiable: it hashes them into a BLAKE3 tree of 16 KiB
// groups, cuts slices of them that carry their own proof, and checks such slices.
//
// Nothing that fails to verify passes [Encode] or [Decoder], so that wrong bytes of a
// failing disk or a dishonest peer are never used. Memory is bounded by a few groups.
// This package must not know where bytes are stored, who requests them, or what they
// mean.
//
// Sources: the BLAKE3 paper (O'Connor, Aumasson, Neves, Wilcox-O'Hearn, 2020) and
// the Bao specification (github.com/oconnor663/bao), with groups of 2⁴ chunks.
package blob

import (
	"context"
	"encoding/binary"
	"io"

	"lukechampine.com/blake3/guts"

	"github.com/mootspace/moot"
)

// GroupSize is the number of bytes that are verified together: 16 KiB. The last
// group of a blob may be shorter.
const GroupSize = 16 << 10

// chunksPerGroup counts BLAKE3's own chunks (1 KiB), which number its leaves.
const chunksPerGroup = GroupSize / guts.ChunkSize

// MaxSize is the largest size in bytes of a valid blob: 2⁶⁰.
const MaxSize = 1 << 60

// Groups returns how many groups a blob of size bytes has; the empty blob has one.
func Groups(size int64) int64 { return max(1, (size+GroupSize-1)/GroupSize) }

// TreeSize returns the bytes of the tree kept beside a blob of size bytes: 32 for
// every node but the root, which is the blob's ID.
func TreeSize(size int64) int64 { return (2*Groups(size) - 2) * cvSize }

// LastRange returns the range of a blob's last group. Only this group proves the
// blob's size: the size claimed with any other verified range may be false.
func LastRange(size int64) moot.Range {
	first := (Groups(size) - 1) * GroupSize
	return moot.Range{Offset: first, Length: size - first}
}

// Group is a verified group, or several consecutive ones joined.
type Group struct {
	Index int64  // 0, 1, 2 …: of the first
	Data  []byte // GroupSize bytes of each, the last group's fewer
	Nodes []Node // of the tree, verified on the path to it
}

// Count returns how many groups are joined; the empty blob's group is one.
func (g Group) Count() int64 { return Groups(int64(len(g.Data))) }

// Node is a node of the tree.
type Node struct {
	Pos int64 // in the tree, in units of 32 bytes
	CV  [cvSize]byte
}

// Partial is a blob while it is downloaded: verified groups are added in any order. It
// is safe for concurrent use. Data and Tree stay readable until Close, also after
// Complete.
type Partial interface {
	// Held returns a copy of the set of groups held.
	Held() *Set
	// Write stores a group that a Decoder has verified; one already held is no error.
	Write(Group) error
	// Complete makes the blob durable and available by its ID, once all groups are held.
	Complete(context.Context) error
	// Close ends this use. Groups held stay, for a later download.
	Close() error
	// Data reads the bytes of groups held; other bytes are undefined.
	Data() io.ReaderAt
	// Tree reads the nodes that were verified on the paths to groups held.
	Tree() io.ReaderAt
}

// cvSize is the size in bytes of a chaining value, BLAKE3's name for a node's hash.
const cvSize = 32

type cv = [8]uint32

func cvOf(b *[cvSize]byte) (v cv) {
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return v
}

func bytesOf(v *cv) (b [cvSize]byte) {
	for i, word := range v {
		binary.LittleEndian.PutUint32(b[4*i:], word)
	}
	return b
}

// leaf hashes the first n bytes of a group.
func leaf(buf *[GroupSize]byte, n int, group int64, flags uint32) cv {
	node := guts.CompressBuffer(buf, n, &guts.IV, uint64(group*chunksPerGroup), 0)
	node.Flags |= flags
	return guts.ChainingValue(node)
}

// parent hashes two nodes into the one above them.
func parent(left, right cv, flags uint32) cv {
	return guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, flags))
}
