package wire

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/mootspace/moot"
)

// readAll reads r to its end. The error is TooLarge beyond limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(text)) > limit {
		return nil, moot.Errorf(moot.TooLarge, "larger than %d bytes", limit)
	}
	return text, err
}

// readJSON reads the body of a request into v. Unknown fields are rejected: an ignored
// filter would make the response wrong. Kinds: TooLarge, Invalid.
func readJSON(r io.Reader, v any) error {
	text, err := readAll(r, maxQuery)
	if err != nil {
		return asRequestError(err)
	}
	return parseJSON(text, v)
}

func parseJSON(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return moot.Errorf(moot.Invalid, "not the expected JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return moot.Errorf(moot.Invalid, "unexpected data after the JSON")
	}
	return nil
}

// asRequestError makes an error of reading a request's body the caller's: kind Invalid.
func asRequestError(err error) error {
	if kind := moot.KindOf(err); kind == moot.Internal || kind == moot.Unavailable {
		return moot.Errorf(moot.Invalid, "the request ended early: %w", err)
	}
	return err
}

// writeJSON responds with v, which must be encodable.
func writeJSON(w *writer, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(status)
	_, _ = w.Write(text) // an error means that the client has left
	return nil
}

// readable is an entry as JSON, for people and their scripts. It cannot be
// appended anywhere: only the CBOR form carries a signature that verifies.
type readable struct {
	ID       moot.EntryID   `json:"id"`
	Space    moot.SpaceID   `json:"space,omitzero"`
	Author   moot.Key       `json:"author"`
	Seq      uint64         `json:"seq"`
	Prev     moot.EntryID   `json:"prev,omitzero"`
	Time     moot.Time      `json:"time,string"` // beyond JavaScript's integers
	At       time.Time      `json:"at"`
	Kind     moot.Kind      `json:"kind"`
	Key      string         `json:"key"`
	Replaces []moot.EntryID `json:"replaces,omitempty"`
	Cites    []moot.EntryID `json:"cites,omitempty"`
	BodyHash string         `json:"bodyHash"`
	BodySize int            `json:"bodySize"`
	Body     []byte         `json:"body,omitempty"`
	Deletes  bool           `json:"deletes,omitempty"`
}

func newReadable(e moot.Entry) readable {
	return readable{
		ID: e.ID, Space: e.Space, Author: e.Author, Seq: e.Seq, Prev: e.Prev,
		Time: e.Time, At: e.Time.Wall().UTC(), Kind: e.Kind, Key: e.Key, Replaces: e.Replaces, Cites: e.Cites,
		BodyHash: hex.EncodeToString(e.BodyHash[:]), BodySize: e.BodySize, Body: e.Body, Deletes: e.Deletes(),
	}
}

// wantsJSON reports whether lines of JSON are requested.
func wantsJSON(r *http.Request) bool {
	return accepts(r, typeJSON) || accepts(r, typeLines) || accepts(r, "application/x-ndjson")
}
