package mail

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/seal"
)

// Three kinds of statements make mail, and this file is what they look like. An
// announcement (kind message) has the sealed blob's ID as its key. A receipt (kind
// receipt) has the key "<blob>/<reader>". A note (kind receipt) has the key
// "note/<member>/<blob>" and is sealed: what a member did with a message is nobody
// else's business.

// MaxRecipients is how many members one message may name; more are reached by a channel.
const MaxRecipients = 1000

// announcement is what everybody learns of a message.
type announcement struct {
	To   []moot.Key `cbor:"0,keyasint,omitempty"` // none: all members, unless it is kept
	Size int64      `cbor:"1,keyasint"`           // bytes of the sealed blob
	Kept bool       `cbor:"2,keyasint,omitempty"` // it is its author's own, as a draft
	Copy bool       `cbor:"3,keyasint,omitempty"` // a further copy, which is not for its author
}

// receipt is what a reader answers.
type receipt struct {
	Delivered int64  `cbor:"0,keyasint"`           // Unix ms
	Sealed    []byte `cbor:"1,keyasint,omitempty"` // to the author: a CBOR integer, when it was read, Unix ms
}

// note is where a member has put a message. No places: it was removed.
type note struct {
	Places []place `cbor:"0,keyasint"`
	At     int64   `cbor:"1,keyasint,omitempty"` // when it came, Unix ms; 0: when it was announced
}

// place is a folder that a message is in.
type place struct {
	Folder string `cbor:"0,keyasint"`
	Flags  []Flag `cbor:"1,keyasint,omitempty"`
}

const notePrefix = "note/"

func noteKey(self moot.Key, id moot.BlobID) string {
	return notePrefix + self.String() + "/" + id.String()
}

func receiptKey(id moot.BlobID, reader moot.Key) string { return id.String() + "/" + reader.String() }

// noteOf returns whose note about which message an entry's key stands for.
func noteOf(key string) (member moot.Key, id moot.BlobID, ok bool) {
	rest, ok := strings.CutPrefix(key, notePrefix)
	if !ok {
		return member, id, false
	}
	m, b, _ := strings.Cut(rest, "/")
	member, errKey := moot.ParseKey(m)
	id, errID := moot.ParseBlobID(b)
	return member, id, errKey == nil && errID == nil
}

// receiptOf returns of whose receipt for which message an entry's key stands.
func receiptOf(key string) (id moot.BlobID, reader moot.Key, ok bool) {
	b, m, _ := strings.Cut(key, "/")
	id, errID := moot.ParseBlobID(b)
	reader, errKey := moot.ParseKey(m)
	return id, reader, errKey == nil && errID == nil
}

// letter is an announcement with what its entry says.
type letter struct {
	announcement
	ID     moot.BlobID
	Author moot.Key
	Time   time.Time
	Entry  moot.EntryID
}

// letterOf reads an entry of kind message. Kind Invalid: anybody may write anything.
func letterOf(e moot.Entry) (letter, error) {
	l := letter{Author: e.Author, Time: e.Time.Wall(), Entry: e.ID}
	var err error
	if l.ID, err = moot.ParseBlobID(e.Key); err != nil {
		return l, err
	}
	if err := decode(e.Body, &l.announcement); err != nil {
		return l, err
	}
	if len(l.To) > MaxRecipients || l.Size <= 0 {
		return l, moot.Errorf(moot.Invalid, "not a message's announcement")
	}
	return l, nil
}

// Announced returns whom a message's entry names, and how many bytes it is; false if the
// entry announces none.
func Announced(e moot.Entry) (to []moot.Key, size int64, ok bool) {
	if e.Kind != moot.KindMessage || e.Deletes() {
		return nil, 0, false
	}
	l, err := letterOf(e)
	return l.To, l.Size, err == nil
}

// concerns reports whether the letter is for the member to have.
func (l *letter) concerns(k moot.Key) bool {
	switch {
	case slices.Contains(l.To, k):
		return true
	case l.Author == k:
		return !l.Copy
	}
	return len(l.To) == 0 && !l.Kept
}

func encode(v any) ([]byte, error) {
	b, err := cbor.Marshal(v)
	return b, moot.Wrap("encode a mail entry", err)
}

var decoder = cbor.NewDecoder(cbor.Limits{Levels: 6, Elements: MaxRecipients})

// decode reads an entry's body, which may come from anyone.
func decode(b []byte, v any) error {
	if err := decoder.Unmarshal(b, v); err != nil {
		return moot.Errorf(moot.Invalid, "not a mail entry: %w", err)
	}
	return nil
}

// encodeSealed returns v, readable for the holders of the keys.
func encodeSealed(v any, to ...moot.Key) ([]byte, error) {
	plain, err := encode(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := seal.Encrypt(&b, to...)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

func decodeSealed(b []byte, key ed25519.PrivateKey, v any) error {
	r, err := seal.Decrypt(bytes.NewReader(b), key)
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(io.LimitReader(r, moot.MaxBody))
	if err != nil {
		return err
	}
	return decode(plain, v)
}
