// Package feed makes and checks signed entries: their encoding, their signatures,
// the chain that each author's entries form, the clock that orders them across
// authors, and the view that merging them yields.
//
// It is pure: no clock of its own, and no I/O but queries of a moot.Feeds. It must not
// know who is a member, what an entry's body means, or where entries are stored.
package feed

import (
	"bytes"
	"crypto/ed25519"
	"unicode/utf8"

	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
)

// domain separates signatures of entries from others by the same key: joining proofs and
// TLS handshakes.
const domain = "moot entry v1\x00"

// maxKind bounds the name of an entry's kind, in bytes.
const maxKind = 32

// Sign completes the entry: it sets the author, the body's hash and size, the
// signature and the ID.
func Sign(key ed25519.PrivateKey, e *moot.Entry) {
	e.Author = moot.Key(key.Public().(ed25519.PublicKey))
	e.BodySize = len(e.Body)
	e.BodyHash = blake3.Sum256(e.Body)
	head := header(e)
	e.Sig = [64]byte(ed25519.Sign(key, signed(head)))
	e.ID = blake3.Sum256(head)
}

func signed(head []byte) []byte { return append([]byte(domain), head...) }

// Verify checks all that an entry proves by itself: its limits, its
// signature, and that the body, if it is there, is the one that was signed. Kinds:
// Invalid, TooLarge, Corrupt.
func Verify(e moot.Entry) error {
	if err := checkForm(&e); err != nil {
		return err
	}
	if err := checkBody(&e); err != nil {
		return err
	}
	head := header(&e)
	if blake3.Sum256(head) != e.ID {
		return moot.Errorf(moot.Corrupt, "entry %d of %s does not match its ID", e.Seq, e.Author.Short())
	}
	if !ed25519.Verify(e.Author[:], signed(head), e.Sig[:]) {
		return moot.Errorf(moot.Corrupt, "entry %d was not signed by %s", e.Seq, e.Author.Short())
	}
	return nil
}

// checkForm checks the limits and the form of an entry.
func checkForm(e *moot.Entry) error {
	bad := func(kind moot.ErrorKind, what string, args ...any) error {
		return moot.Wrap("entry of "+e.Author.Short(), moot.Errorf(kind, what, args...))
	}
	switch {
	case e.BodySize < 0 || e.BodySize > moot.MaxBody || len(e.Body) > moot.MaxBody:
		return bad(moot.TooLarge, "a body of %d bytes is beyond the limit of %d", max(e.BodySize, len(e.Body)), moot.MaxBody)
	case len(e.Key) > moot.MaxKey:
		return bad(moot.TooLarge, "a name of %d bytes is beyond the limit of %d", len(e.Key), moot.MaxKey)
	case len(e.Replaces) > moot.MaxReplaces:
		return bad(moot.TooLarge, "it replaces %d versions, and at most %d are allowed", len(e.Replaces), moot.MaxReplaces)
	case len(e.Cites) > moot.MaxCites:
		return bad(moot.TooLarge, "it cites %d acts, and at most %d are allowed", len(e.Cites), moot.MaxCites)
	case e.Kind == moot.KindAct && len(e.Replaces) > 0, e.Kind != moot.KindAct && len(e.Cites) > 0:
		return bad(moot.Invalid, "an act cites, and everything else replaces")
	case !ascending(e.Cites):
		return bad(moot.Invalid, "what it cites is not sorted")
	case e.Kind == "" || len(e.Kind) > maxKind:
		return bad(moot.Invalid, "%.40q is not a kind", string(e.Kind))
	case !utf8.ValidString(e.Key) || !utf8.ValidString(string(e.Kind)):
		return bad(moot.Invalid, "its name is not UTF-8")
	case e.Seq == 0:
		return bad(moot.Invalid, "entries are numbered from 1")
	case (e.Seq == 1) != (e.Prev == moot.EntryID{}):
		return bad(moot.Invalid, "entry %d names a wrong predecessor", e.Seq)
	case e.Space.IsZero() && (e.Seq != 1 || e.Kind != moot.KindAct):
		return bad(moot.Invalid, "it belongs to no space")
	}
	return nil
}

// ascending reports whether IDs are sorted, none twice.
func ascending(ids []moot.EntryID) bool {
	for i := 1; i < len(ids); i++ {
		if bytes.Compare(ids[i-1][:], ids[i][:]) >= 0 {
			return false
		}
	}
	return true
}

// checkBody compares the body with the header; it may have been dropped.
func checkBody(e *moot.Entry) error {
	if e.Body == nil && e.BodySize > 0 {
		return nil
	}
	if len(e.Body) != e.BodySize || blake3.Sum256(e.Body) != e.BodyHash {
		return moot.Errorf(moot.Corrupt, "the body of entry %d of %s is not the one that was signed", e.Seq, e.Author.Short())
	}
	return nil
}

// SpaceOf returns the space that an entry belongs to; the act that founds a space is its
// own.
func SpaceOf(e *moot.Entry) moot.SpaceID {
	if e.Space.IsZero() {
		return moot.SpaceID(e.ID)
	}
	return e.Space
}

// Follows checks that e is its author's next entry after prev, which is nil before the
// first. Both must have been verified. Kinds: Gap if entries between
// them are missing, Fork if e continues another feed than the one that ends with
// prev, Invalid if its time or space is wrong.
func Follows(prev, e *moot.Entry) error {
	next := uint64(1)
	if prev != nil {
		next = prev.Seq + 1
	}
	switch {
	case e.Seq > next:
		return moot.Errorf(moot.Gap, "entry %d of %s came before entry %d", e.Seq, e.Author.Short(), next)
	case e.Seq < next || prev != nil && e.Prev != prev.ID:
		return moot.Errorf(moot.Fork, "%s has signed another entry %d, or another one before it", e.Author.Short(), e.Seq)
	case prev == nil:
		return nil
	case e.Author != prev.Author || SpaceOf(e) != SpaceOf(prev):
		return moot.Errorf(moot.Invalid, "entry %d of %s continues a feed of another author or space", e.Seq, e.Author.Short())
	case e.Time <= prev.Time:
		return moot.Errorf(moot.Invalid, "entry %d of %s is not later than the one before it", e.Seq, e.Author.Short())
	}
	return nil
}

// ForkProof shows that an author has signed two different entries of one number.
type ForkProof struct{ A, B moot.Entry }

// Verify reports why the two entries prove nothing; kind Invalid or Corrupt.
func (p ForkProof) Verify() error {
	for _, e := range []moot.Entry{p.A, p.B} {
		if err := Verify(e); err != nil {
			return err
		}
	}
	if p.A.Author != p.B.Author || p.A.Space != p.B.Space || p.A.Seq != p.B.Seq || p.A.ID == p.B.ID {
		return moot.Errorf(moot.Invalid, "the two entries do not contradict each other")
	}
	return nil
}
