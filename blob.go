package moot

// Blob names immutable bytes.
type Blob struct {
	ID   BlobID `json:"id"`
	Size int64  `json:"size"` // bytes
}

// Limits of what is asked and handed over many at a time.
const (
	MaxSmall = 64 << 10 // bytes of a blob that travels whole, with others
	MaxMany  = 4096     // blobs that one call may name
)

// Small is a blob of at most MaxSmall bytes, with its bytes.
type Small struct {
	ID   BlobID
	Data []byte
}

// Range is a range of a blob's bytes. A negative Length means: to the end.
type Range struct{ Offset, Length int64 }

// Whole is the range of all bytes of a blob.
var Whole = Range{0, -1}

// In returns the range clipped to a blob of size bytes: 0 ≤ Offset ≤ size,
// 0 ≤ Length ≤ size − Offset.
func (r Range) In(size int64) Range {
	r.Offset = min(max(r.Offset, 0), size)
	if r.Length < 0 || r.Length > size-r.Offset {
		r.Length = size - r.Offset
	}
	return r
}

// End returns the offset after the last byte. The range must have been clipped.
func (r Range) End() int64 { return r.Offset + r.Length }

// Holding is what a node has of a blob.
type Holding struct {
	Size   int64   `json:"size"`   // of the whole blob, as the holder believes; verify before use
	Ranges []Range `json:"ranges"` // it can serve: sorted, disjoint, non-adjacent
}

// Complete reports whether every byte is held.
func (h Holding) Complete() bool {
	return len(h.Ranges) == 1 && h.Ranges[0] == Range{0, h.Size} || h.Size == 0
}
