package feed

import (
	"bytes"
	"errors"
	"io"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// The encoding is deterministic CBOR (RFC 8949, 4.2). An entry is the array
//
//	[header: bytes, signature: bytes, body: bytes or null]
//
// and its header, which is what is signed, the encoding of the array headFields. In the
// header of an act (version 2) what it cites takes the place of what others replace.
type item struct {
	_    struct{} `cbor:",toarray"`
	Head []byte
	Sig  []byte
	Body []byte
}

type headFields struct {
	_        struct{} `cbor:",toarray"`
	Version  uint
	Space    []byte
	Author   []byte
	Seq      uint64
	Prev     []byte
	Time     uint64
	Kind     string
	Key      string
	Links    [][]byte // what it replaces or, of an act, cites
	BodyHash []byte
	BodySize uint64
}

// Versions of headers. Entries other than acts are as version 0.1.0 wrote them.
const (
	versionPlain = 1
	versionAct   = 2
)

// maxItem bounds an encoded entry in bytes: body, key, replaced versions, the rest.
const maxItem = moot.MaxBody + moot.MaxKey + moot.MaxReplaces*34 + 512

var decoder = cbor.NewDecoder(cbor.Limits{Elements: moot.MaxReplaces})

func marshal(v any) []byte {
	b, err := cbor.Marshal(v)
	if err != nil {
		panic(err) // bytes, numbers and text always encode
	}
	return b
}

// header returns the encoding of all that is signed.
func header(e *moot.Entry) []byte {
	version, ids := uint(versionPlain), e.Replaces
	if e.Kind == moot.KindAct {
		version, ids = versionAct, e.Cites
	}
	links := make([][]byte, len(ids))
	for i := range ids {
		links[i] = ids[i][:]
	}
	return marshal(headFields{
		Version: version, Space: e.Space[:], Author: e.Author[:], Seq: e.Seq, Prev: e.Prev[:], Time: uint64(e.Time),
		Kind: string(e.Kind), Key: e.Key, Links: links, BodyHash: e.BodyHash[:], BodySize: uint64(e.BodySize),
	})
}

// Encode returns the entry as it travels and is stored. The ID is left out.
func Encode(e moot.Entry) []byte {
	body := e.Body
	if len(body) == 0 {
		body = nil
	}
	return marshal(item{Head: header(&e), Sig: e.Sig[:], Body: body})
}

// Decode reads what Encode wrote, computes the ID, and checks limits and the body.
// It does not check the signature: see [Verify]. Kinds: Invalid for anything but an
// entry, TooLarge for one beyond a limit, Corrupt for a body that was not signed.
func Decode(b []byte) (moot.Entry, error) {
	if len(b) > maxItem {
		return moot.Entry{}, moot.Errorf(moot.TooLarge, "an entry of %d bytes is beyond the limit of %d", len(b), maxItem)
	}
	var it item
	if err := decoder.Unmarshal(b, &it); err != nil {
		return moot.Entry{}, moot.Errorf(moot.Invalid, "not an entry: %w", err)
	}
	e, err := decodeHead(it.Head)
	if err != nil {
		return moot.Entry{}, err
	}
	if len(it.Sig) != len(e.Sig) {
		return moot.Entry{}, moot.Errorf(moot.Invalid, "not an entry: a signature of %d bytes", len(it.Sig))
	}
	e.Sig = [64]byte(it.Sig)
	if len(it.Body) > 0 {
		e.Body = it.Body
	}
	if err := checkForm(&e); err != nil {
		return moot.Entry{}, err
	}
	if err := checkBody(&e); err != nil {
		return moot.Entry{}, err
	}
	if !bytes.Equal(marshal(it), b) || it.Body != nil && len(it.Body) == 0 {
		return moot.Entry{}, moot.Errorf(moot.Invalid, "not an entry: its encoding is not the deterministic one")
	}
	return e, nil
}

func decodeHead(head []byte) (e moot.Entry, err error) {
	var h headFields
	if err := decoder.Unmarshal(head, &h); err != nil {
		return e, moot.Errorf(moot.Invalid, "not an entry: %w", err)
	}
	switch act := moot.Kind(h.Kind) == moot.KindAct; {
	case h.Version > versionAct:
		return e, moot.Errorf(moot.Invalid, "an entry of version %d was made by a newer program: update this one", h.Version)
	case h.Version != versionPlain && h.Version != versionAct || act != (h.Version == versionAct):
		return e, moot.Errorf(moot.Invalid, "not an entry: version %d of kind %.40q", h.Version, h.Kind)
	}
	for _, f := range []struct {
		dst *[32]byte
		src []byte
	}{{(*[32]byte)(&e.Space), h.Space}, {(*[32]byte)(&e.Author), h.Author}, {(*[32]byte)(&e.Prev), h.Prev}, {&e.BodyHash, h.BodyHash}} {
		if len(f.src) != len(f.dst) {
			return e, moot.Errorf(moot.Invalid, "not an entry: %d bytes instead of %d", len(f.src), len(f.dst))
		}
		copy(f.dst[:], f.src)
	}
	links := &e.Replaces
	if h.Version == versionAct {
		links = &e.Cites
	}
	for _, id := range h.Links {
		if len(id) != len(moot.EntryID{}) {
			return e, moot.Errorf(moot.Invalid, "not an entry: %d bytes instead of an ID", len(id))
		}
		*links = append(*links, moot.EntryID(id))
	}
	if h.BodySize > moot.MaxBody {
		return e, moot.Errorf(moot.TooLarge, "a body of %d bytes is beyond the limit of %d", h.BodySize, moot.MaxBody)
	}
	e.Seq, e.Time, e.Kind, e.Key, e.BodySize = h.Seq, moot.Time(h.Time), moot.Kind(h.Kind), h.Key, int(h.BodySize)
	if !bytes.Equal(header(&e), head) {
		return e, moot.Errorf(moot.Invalid, "not an entry: its encoding is not the deterministic one")
	}
	e.ID = blake3.Sum256(head)
	return e, nil
}

// Reader reads a CBOR sequence (RFC 8742) of entries.
type Reader struct {
	budget *io.LimitedReader
	next   func(any) error
}

// NewReader returns a Reader of what r holds.
func NewReader(r io.Reader) *Reader {
	budget := &io.LimitedReader{R: r}
	return &Reader{budget, decoder.Sequence(budget).Decode}
}

// Next returns the next entry, unverified like Decode; io.EOF after the last one.
func (r *Reader) Next() (moot.Entry, error) {
	r.budget.N = 2 * maxItem
	var raw cbor.Raw
	err := r.next(&raw)
	switch {
	case err == nil:
		return Decode(raw)
	case r.budget.N == 0:
		return moot.Entry{}, moot.Errorf(moot.TooLarge, "an entry is beyond the limit of %d bytes", maxItem)
	case err == io.EOF:
		return moot.Entry{}, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return moot.Entry{}, moot.Errorf(moot.Unavailable, "the entries break off: %w", err)
	}
	return moot.Entry{}, moot.Errorf(moot.Invalid, "not a sequence of entries: %w", err)
}
