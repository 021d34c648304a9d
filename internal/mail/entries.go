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

// Formats of the three statements of mail. An announcement (kind message) has the sealed
// blob's ID as its key. A receipt (kind receipt) has the key "<blob>/<reader>". A filing
// (kind receipt) has the key "note/<member>/<blob>" and is sealed to its member: folders
// and flags are private.

// MaxRecipients bounds the members that one message names; a channel reaches more.
const MaxRecipients = 1000

// announcement is the public part of a message.
type announcement struct {
	To      []moot.Key `cbor:"0,keyasint,omitempty"` // none: all members, unless Private
	Size    int64      `cbor:"1,keyasint"`           // bytes of the sealed blob
	Private bool       `cbor:"2,keyasint,omitempty"` // for its author only, as a draft
	Copy    bool       `cbor:"3,keyasint,omitempty"` // a Bcc copy, which its author does not get
}

// receipt is a recipient's acknowledgement.
type receipt struct {
	Delivered int64  `cbor:"0,keyasint"`           // Unix ms
	Sealed    []byte `cbor:"1,keyasint,omitempty"` // sealed to the author: when it was read, Unix ms, a CBOR integer
}

// filing is the folders that a member has put a message in. No locations: it was
// removed.
type filing struct {
	Locations []location `cbor:"0,keyasint"`
	At        int64      `cbor:"1,keyasint,omitempty"` // arrival, Unix ms; 0: when it was announced
}

// location is a folder with the message's flags there.
type location struct {
	Folder string `cbor:"0,keyasint"`
	Flags  []Flag `cbor:"1,keyasint,omitempty"`
}

const filingPrefix = "note/"

func filingKey(self moot.Key, id moot.BlobID) string {
	return filingPrefix + self.String() + "/" + id.String()
}

func receiptKey(id moot.BlobID, reader moot.Key) string { return id.String() + "/" + reader.String() }

// parseFilingKey returns the member and message of a filing's key.
func parseFilingKey(key string) (member moot.Key, id moot.BlobID, ok bool) {
	rest, ok := strings.CutPrefix(key, filingPrefix)
	if !ok {
		return member, id, false
	}
	m, b, _ := strings.Cut(rest, "/")
	member, errKey := moot.ParseKey(m)
	id, errID := moot.ParseBlobID(b)
	return member, id, errKey == nil && errID == nil
}

// parseReceiptKey returns the message and reader of a receipt's key.
func parseReceiptKey(key string) (id moot.BlobID, reader moot.Key, ok bool) {
	b, m, _ := strings.Cut(key, "/")
	id, errID := moot.ParseBlobID(b)
	reader, errKey := moot.ParseKey(m)
	return id, reader, errKey == nil && errID == nil
}

// envelope is an announcement with the fields of its entry.
type envelope struct {
	announcement
	ID     moot.BlobID
	Author moot.Key
	Time   time.Time
	Entry  moot.EntryID
}

// parseEnvelope decodes an entry of kind message. Kind Invalid: entries are untrusted.
func parseEnvelope(e moot.Entry) (envelope, error) {
	env := envelope{Author: e.Author, Time: e.Time.Wall(), Entry: e.ID}
	var err error
	if env.ID, err = moot.ParseBlobID(e.Key); err != nil {
		return env, err
	}
	if err := decode(e.Body, &env.announcement); err != nil {
		return env, err
	}
	if len(env.To) > MaxRecipients || env.Size <= 0 {
		return env, moot.Errorf(moot.Invalid, "not a message's announcement")
	}
	return env, nil
}

// Announced returns the recipients that a message's entry names, and its size in bytes;
// false if the entry announces no message.
func Announced(e moot.Entry) (to []moot.Key, size int64, ok bool) {
	if e.Kind != moot.KindMessage || e.Deletes() {
		return nil, 0, false
	}
	env, err := parseEnvelope(e)
	return env.To, env.Size, err == nil
}

// readableBy reports whether the message is for the member.
func (e *envelope) readableBy(k moot.Key) bool {
	switch {
	case slices.Contains(e.To, k):
		return true
	case e.Author == k:
		return !e.Copy
	}
	return len(e.To) == 0 && !e.Private
}

func encode(v any) ([]byte, error) {
	b, err := cbor.Marshal(v)
	return b, moot.Wrap("encode a mail entry", err)
}

var decoder = cbor.NewDecoder(cbor.Limits{Levels: 6, Elements: MaxRecipients})

// decode bounds depth and width, since entries are untrusted.
func decode(b []byte, v any) error {
	if err := decoder.Unmarshal(b, v); err != nil {
		return moot.Errorf(moot.Invalid, "not a mail entry: %w", err)
	}
	return nil
}

// encodeSealed encodes v and seals it to the keys.
func encodeSealed(v any, to ...moot.Key) ([]byte, error) {
	plain, err := encode(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w, err := seal.Encrypt(&b, seal.ToDevices(to...)...)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

func decodeSealed(b []byte, key ed25519.PrivateKey, v any) error {
	r, err := seal.Decrypt(bytes.NewReader(b), seal.Device(key))
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(io.LimitReader(r, moot.MaxBody))
	if err != nil {
		return err
	}
	return decode(plain, v)
}
