package wire

import (
	"errors"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/feed"
)

// A stream of entries is a CBOR sequence (RFC 8742) of three kinds of items, which differ
// in their first byte: an array is an entry, null a heartbeat, and a map a
// problem, which is the last.
const (
	itemNull   = 0xf6
	majorArray = 4 << 5
	majorMap   = 5 << 5
	majorMask  = 7 << 5
)

// items splits a CBOR sequence without looking into its items, and holds no more
// than a few times maxItem bytes of it.
type items struct {
	budget *io.LimitedReader
	decode func(any) error
}

func newItems(r io.Reader) *items {
	budget := &io.LimitedReader{R: r}
	return &items{budget, itemDecoder.Sequence(budget).Decode}
}

var itemDecoder = cbor.NewDecoder(cbor.Limits{})

// next returns the bytes of the next item, and io.EOF after the last one. Kinds:
// Unavailable if the sequence breaks off, Corrupt if it is none.
func (s *items) next() (cbor.Raw, error) {
	s.budget.N = maxItem // more than the rest of any item
	var item cbor.Raw
	err := s.decode(&item)
	switch {
	case err == nil:
		return item, nil
	case s.budget.N == 0:
		return nil, moot.Errorf(moot.TooLarge, "an item is larger than %d bytes", maxItem)
	case err == io.EOF:
		return nil, err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, moot.Errorf(moot.Unavailable, "the stream of entries ended early: %w", err)
	case moot.KindOf(err) == moot.Internal:
		return nil, moot.Errorf(moot.Corrupt, "not a sequence of entries: %w", err)
	}
	return nil, err
}

// nextEntry returns the next entry, or true for a heartbeat. A problem in the
// sequence is returned as the error that it describes.
func (s *items) nextEntry() (e moot.Entry, heartbeat bool, err error) {
	item, err := s.next()
	if err != nil {
		return e, false, err
	}
	switch {
	case item[0]&majorMask == majorArray:
		e, err = feed.Decode(item)
		return e, false, err
	case item[0]&majorMask == majorMap:
		return e, false, itemProblem(item)
	case len(item) == 1 && item[0] == itemNull:
		return e, true, nil
	}
	return e, false, moot.Errorf(moot.Corrupt, "neither an entry nor a problem")
}

// itemProblem reads the map that ends a sequence which failed.
func itemProblem(item []byte) error {
	var p problem
	if err := itemDecoder.Unmarshal(item, &p); err != nil {
		return moot.Errorf(moot.Corrupt, "not a problem: %s", printable(err.Error()))
	}
	return p.err()
}
