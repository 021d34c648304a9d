package tree

import (
	"bytes"
	"io/fs"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// wireBody is the body of an entry of kind change (docs/files.md).
type wireBody struct {
	Nonces  []byte       `cbor:"0,keyasint,omitempty"` // 8 bytes each
	Folders []wireFolder `cbor:"1,keyasint,omitempty"` // row 0 is the root, these are 1, 2, 3 …
	Cites   []byte       `cbor:"2,keyasint,omitempty"` // IDs of entries, 32 bytes each
	Ops     []wireOp     `cbor:"3,keyasint"`
}

// wireFolder is the birth of a folder.
type wireFolder struct {
	_      struct{} `cbor:",toarray"`
	Parent uint32   // an earlier row
	Name   string
	Nonce  uint32 // index
}

// wireOp is an operation. Its item is named by its birth.
type wireOp struct {
	Kind     Kind     `cbor:"0,keyasint"`
	Folder   uint32   `cbor:"1,keyasint,omitempty"` // row
	Name     string   `cbor:"2,keyasint"`
	Nonce    uint32   `cbor:"3,keyasint,omitempty"` // index
	Type     uint8    `cbor:"4,keyasint,omitempty"` // 0 file, 1 folder, 2 link
	Blob     []byte   `cbor:"5,keyasint,omitempty"`
	Size     int64    `cbor:"6,keyasint,omitempty"`
	Manifest bool     `cbor:"7,keyasint,omitempty"`
	Total    int64    `cbor:"8,keyasint,omitempty"`
	Time     []int64  `cbor:"9,keyasint,omitempty"` // seconds since 1970, nanoseconds
	Target   string   `cbor:"10,keyasint,omitempty"`
	Mode     uint32   `cbor:"11,keyasint,omitempty"`
	Replaces []uint32 `cbor:"12,keyasint,omitempty"` // row of Cites, operation, row, operation …
	Parent   uint32   `cbor:"13,keyasint,omitempty"` // row
	To       string   `cbor:"14,keyasint,omitempty"`
}

const (
	nonceSize = len(Nonce{})
	citeSize  = len(moot.EntryID{})
	maxRows   = moot.MaxBody / 4 // an operation or a row has more bytes
	minTime   = -62167219200     // seconds: the year 0 …
	maxTime   = 253402300799     // … to 9999, which RFC 3339 can write
)

var decoder = cbor.NewDecoder(cbor.Limits{Elements: maxRows})

// decode reads a body. Only what this version would write is accepted, so that it means
// the same to every reader. The error is of kind Invalid: the entry may be hostile.
func decode(data []byte) (*wireBody, error) {
	var b wireBody
	if len(data) > moot.MaxBody {
		return nil, moot.Errorf(moot.Invalid, "a change set of %d bytes", len(data))
	}
	if err := decoder.Unmarshal(data, &b); err != nil {
		return nil, moot.Errorf(moot.Invalid, "not a change set: %w", err)
	}
	if again, err := cbor.Marshal(&b); err != nil || !bytes.Equal(again, data) {
		return nil, moot.Errorf(moot.Invalid, "not a change set: its encoding is not the deterministic one")
	}
	if err := b.check(); err != nil {
		return nil, moot.Errorf(moot.Invalid, "not a change set: %w", err)
	}
	return &b, nil
}

func (b *wireBody) check() error {
	if len(b.Nonces)%nonceSize != 0 || len(b.Cites)%citeSize != 0 || len(b.Ops) == 0 {
		return moot.Errorf(moot.Invalid, "its tables are damaged")
	}
	levels, sizes := make([]int, len(b.Folders)+1), make([]int, len(b.Folders)+1)
	for i, f := range b.Folders {
		if int(f.Parent) > i || int(f.Nonce) >= len(b.Nonces)/nonceSize {
			return moot.Errorf(moot.Invalid, "folder %d has no birth", i+1)
		}
		levels[i+1], sizes[i+1] = levels[f.Parent]+1, sizes[f.Parent]+len(f.Name)+1
		if levels[i+1] > MaxLevels || sizes[i+1] > MaxPath+1 {
			return moot.Errorf(moot.Invalid, "folder %d lies too deep", i+1)
		}
		if err := CheckName(f.Name); err != nil {
			return err
		}
	}
	for i := range b.Ops {
		o := &b.Ops[i]
		if int(o.Folder) > len(b.Folders) || int(o.Nonce) >= len(b.Nonces)/nonceSize || o.Type > 2 {
			return moot.Errorf(moot.Invalid, "operation %d has no item", i)
		}
		if levels[o.Folder] >= MaxLevels || sizes[o.Folder]+len(o.Name) > MaxPath {
			return moot.Errorf(moot.Invalid, "the item of operation %d lies too deep", i)
		}
		if err := CheckName(o.Name); err != nil {
			return err
		}
		if !b.sound(o) {
			return moot.Errorf(moot.Invalid, "operation %d makes no sense", i)
		}
	}
	return nil
}

// sound reports whether an operation has what its kind needs, and nothing else.
func (b *wireBody) sound(o *wireOp) bool {
	cites := uint32(len(b.Cites) / citeSize)
	for i := 0; i < len(o.Replaces); i += 2 {
		if i+1 == len(o.Replaces) || o.Replaces[i] >= cites {
			return false
		}
	}
	rest := *o
	rest.Folder, rest.Name, rest.Nonce = 0, "", 0
	plain := wireOp{Kind: o.Kind, Type: o.Type}
	switch o.Kind {
	case SetContent:
		plain.Time, plain.Mode, plain.Replaces = o.Time, o.Mode, o.Replaces
		if !soundTime(o.Time) {
			return false
		}
		switch o.itemType() {
		case File:
			plain.Blob, plain.Size, plain.Manifest, plain.Total = o.Blob, o.Size, o.Manifest, o.Total
			if len(o.Blob) != len(moot.BlobID{}) || o.Size < 0 || o.Total < 0 || o.Total > 0 && !o.Manifest {
				return false
			}
		case Link:
			plain.Target = o.Target
			if o.Target == "" || len(o.Target) > MaxPath {
				return false
			}
		}
	case SetMode:
		plain.Mode = o.Mode
	case Move:
		plain.Parent, plain.To = o.Parent, o.To
		if int(o.Parent) > len(b.Folders) || CheckName(o.To) != nil {
			return false
		}
	case Remove:
		plain.Replaces = o.Replaces
		if len(o.Replaces) == 0 {
			return false
		}
	default:
		return false
	}
	return o.Mode <= uint32(fs.ModePerm) && len(o.Replaces) <= 2*moot.MaxReplaces && rest.equal(&plain)
}

func (o *wireOp) equal(p *wireOp) bool {
	return o.Kind == p.Kind && o.Type == p.Type && len(o.Blob) == len(p.Blob) && o.Size == p.Size && o.Manifest == p.Manifest &&
		o.Total == p.Total && len(o.Time) == len(p.Time) && o.Target == p.Target && o.Mode == p.Mode &&
		len(o.Replaces) == len(p.Replaces) && o.Parent == p.Parent && o.To == p.To
}

func soundTime(at []int64) bool {
	return len(at) == 0 || len(at) == 2 && at[0] >= minTime && at[0] <= maxTime && at[1] >= 0 && at[1] < int64(time.Second)
}

func (o *wireOp) itemType() Type { return Type(o.Type) + 1 }

func (b *wireBody) nonce(i uint32) Nonce { return Nonce(b.Nonces[int(i)*nonceSize:][:nonceSize]) }

func (b *wireBody) cite(i uint32) moot.EntryID {
	return moot.EntryID(b.Cites[int(i)*citeSize:][:citeSize])
}

// content returns what an operation of kind SetContent states.
func (o *wireOp) content() Content {
	c := Content{Manifest: o.Manifest, Total: o.Total, Target: o.Target}
	if len(o.Blob) > 0 {
		c.Blob = moot.Blob{ID: moot.BlobID(o.Blob), Size: o.Size}
	}
	if len(o.Time) == 2 {
		c.ModTime = time.Unix(o.Time[0], o.Time[1]).UTC()
	}
	return c
}

// wireContent is the reverse of content. Times beyond what can be written are clamped.
func (o *wireOp) setContent(c Content, t Type) {
	switch t {
	case File:
		o.Blob, o.Size, o.Manifest = c.Blob.ID[:], c.Blob.Size, c.Manifest
		if c.Manifest {
			o.Total = c.Total
		}
	case Link:
		o.Target = c.Target
	}
	if at := c.ModTime; !at.IsZero() {
		switch {
		case at.Unix() < minTime:
			at = time.Unix(minTime, 0)
		case at.Unix() > maxTime:
			at = time.Unix(maxTime, 0)
		}
		o.Time = []int64{at.Unix(), int64(at.Nanosecond())}
	}
}
