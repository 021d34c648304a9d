package mail

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
	"github.com/mootspace/moot/internal/seal"
)

// Formats of the three statements of mail. An announcement (kind message) has the sealed
// blob's ID as its key. A receipt (kind receipt) is by a device of a recipient and has the
// key "<blob>/<device>". A filing (kind receipt) is by any device of its member, has the
// key "note/<member>/<blob>" and is sealed to the member: folders and flags are private.
// The deletion of a filing's key removes the message, in the clear, so that servers and
// peers can free its blob.

// MaxRecipients bounds the members that one message names; a channel reaches more.
const MaxRecipients = 1000

// announcement is the public part of a message.
type announcement struct {
	To      []moot.MemberID `cbor:"0,keyasint,omitempty"` // none: all members, unless Private
	Size    int64           `cbor:"1,keyasint"`           // bytes of the sealed blob
	Private bool            `cbor:"2,keyasint,omitempty"` // for its author only, as a draft
	Copy    bool            `cbor:"3,keyasint,omitempty"` // a Bcc copy, which its author does not get
}

// receipt is the acknowledgement by a recipient's device.
type receipt struct {
	Delivered int64  `cbor:"0,keyasint"`           // Unix ms
	Sealed    []byte `cbor:"1,keyasint,omitempty"` // sealed to the author: when it was read, Unix ms, a CBOR integer
}

// filing is the folders that a member has put a message in. No locations: it was
// removed; version 0.1.0 wrote that as a filing, later ones delete the key.
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

func filingKey(self moot.MemberID, id moot.BlobID) string {
	return filingPrefixOf(self) + id.String()
}

// filingPrefixOf begins the keys of all filings of a member.
func filingPrefixOf(self moot.MemberID) string { return filingPrefix + self.String() + "/" }

func receiptKey(id moot.BlobID, device moot.Key) string { return id.String() + "/" + device.String() }

// parseFilingKey returns the member and message of a filing's key.
func parseFilingKey(key string) (member moot.MemberID, id moot.BlobID, ok bool) {
	rest, ok := strings.CutPrefix(key, filingPrefix)
	if !ok {
		return member, id, false
	}
	m, b, _ := strings.Cut(rest, "/")
	member, errMember := moot.ParseMemberID(m)
	id, errID := moot.ParseBlobID(b)
	return member, id, errMember == nil && errID == nil
}

// parseReceiptKey returns the message and device of a receipt's key.
func parseReceiptKey(key string) (id moot.BlobID, device moot.Key, ok bool) {
	b, d, _ := strings.Cut(key, "/")
	id, errID := moot.ParseBlobID(b)
	device, errKey := moot.ParseKey(d)
	return id, device, errID == nil && errKey == nil
}

// envelope is an announcement with the fields of its entry.
type envelope struct {
	announcement
	ID     moot.BlobID
	Author moot.MemberID
	Device moot.Key // the author's
	Time   time.Time
	Entry  moot.EntryID
	// Elsewhere is set if the account's member announced it on another device.
	Elsewhere bool
}

// parseEnvelope decodes an entry of kind message by a device of author. Kind Invalid:
// entries are untrusted.
func parseEnvelope(e moot.Entry, author moot.MemberID) (envelope, error) {
	env := envelope{Author: author, Device: e.Author, Time: e.Time.Wall(), Entry: e.ID}
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
func Announced(e moot.Entry) (to []moot.MemberID, size int64, ok bool) {
	if e.Kind != moot.KindMessage || e.Deletes() {
		return nil, 0, false
	}
	env, err := parseEnvelope(e, moot.MemberID{})
	return env.To, env.Size, err == nil
}

// readableBy reports whether the message is for the member.
func (e *envelope) readableBy(id moot.MemberID) bool {
	switch {
	case slices.Contains(e.To, id):
		return true
	case e.Author == id:
		return !e.Copy
	}
	return len(e.To) == 0 && !e.Private
}

// readers returns the members that the message is for; of a broadcast only its author.
func (e *envelope) readers() []moot.MemberID {
	if e.Copy || e.Author.IsZero() || slices.Contains(e.To, e.Author) {
		return e.To
	}
	return append(slices.Clone(e.To), e.Author)
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

// encodeSealed encodes v and seals it.
func encodeSealed(v any, to ...seal.Recipient) ([]byte, error) {
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

func decodeSealed(b []byte, ids []seal.Identity, v any) error {
	r, err := seal.Decrypt(bytes.NewReader(b), ids...)
	if err != nil {
		return err
	}
	plain, err := io.ReadAll(io.LimitReader(r, moot.MaxBody))
	if err != nil {
		return err
	}
	return decode(plain, v)
}
