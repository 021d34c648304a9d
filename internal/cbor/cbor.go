// Package cbor is the one codec for entries' bodies and everything else that travels as
// CBOR (RFC 8949): deterministic encoding, strict decoding within stated limits.
//
// It must not know what is encoded.
package cbor

import (
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"
)

// Raw is an encoded item that has been delimited and not yet decoded.
type Raw = cbor.RawMessage

// Limits bound what a Decoder accepts in one item. The zero value is the strictest, for a
// record of a few fields; smaller limits than its own are raised to them.
type Limits struct {
	Levels   int // nested arrays and maps; at least 4
	Elements int // of an array; at least 16
	Pairs    int // of a map; at least 16
}

// Decoder reads items of definite length, without tags and duplicate keys, within its
// limits. Fields of a map that the destination lacks are ignored: a newer program may
// have added them. It is immutable and safe for concurrent use.
type Decoder struct{ mode cbor.DecMode }

// NewDecoder returns a Decoder; it is meant to be built once.
func NewDecoder(l Limits) Decoder {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		MaxNestedLevels: max(l.Levels, 4), MaxArrayElements: max(l.Elements, 16), MaxMapPairs: max(l.Pairs, 16),
	}.DecMode()
	if err != nil {
		panic(err) // the options above contradict one another
	}
	return Decoder{mode}
}

// Unmarshal decodes b, which must be exactly one item, into v.
func (d Decoder) Unmarshal(b []byte, v any) error { return d.mode.Unmarshal(b, v) }

// Sequence returns a reader of a CBOR sequence (RFC 8742). The caller bounds r: an item
// is buffered whole.
func (d Decoder) Sequence(r io.Reader) *cbor.Decoder { return d.mode.NewDecoder(r) }

// Both are immutable, and built once because building them costs more than using them.
var (
	deterministic = encMode(cbor.CoreDetEncOptions())
	fieldOrder    = encMode(cbor.EncOptions{})
)

func encMode(o cbor.EncOptions) cbor.EncMode {
	mode, err := o.EncMode()
	if err != nil {
		panic(err) // the library's own options contradict one another
	}
	return mode
}

// Marshal returns the deterministic encoding of v (RFC 8949, 4.2).
func Marshal(v any) ([]byte, error) { return marshal(deterministic, v) }

// MarshalFields encodes a struct with its fields in the order of their declaration, as
// problems have travelled since version 0.1.0.
func MarshalFields(v any) ([]byte, error) { return marshal(fieldOrder, v) }

func marshal(mode cbor.EncMode, v any) ([]byte, error) {
	b, err := mode.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cbor: %w", err)
	}
	return b, nil
}
