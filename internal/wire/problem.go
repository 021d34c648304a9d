package wire

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/mootspace/moot"
)

// problem is an error on the wire: RFC 9457 with the member "kind", which holds
// a moot.ErrorKind. In a CBOR sequence it is a map with the same names.
type problem struct {
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Kind   moot.ErrorKind `json:"kind"`
	Detail string         `json:"detail,omitempty"`
	Hint   moot.Hint      `json:"hint,omitempty"`
}

// newProblem describes err to the other side. Details of an internal error are not
// disclosed.
func newProblem(err error) problem {
	kind := moot.KindOf(err)
	status := statusOf(kind)
	p := problem{Title: http.StatusText(status), Status: status, Kind: kind, Hint: moot.HintOf(err)}
	if kind != moot.Internal {
		p.Detail = printable(err.Error())
	}
	return p
}

// WriteProblem responds to this machine's own user with an error. Unlike newProblem it
// discloses details of internal errors.
func WriteProblem(w http.ResponseWriter, err error) {
	p := newProblem(err)
	p.Detail = printable(err.Error())
	p.write(w)
}

func (p problem) write(w http.ResponseWriter) {
	body, _ := json.Marshal(p) // strings and a number: cannot fail
	head := w.Header()
	head.Set("Content-Type", typeProblem)
	head.Set("Cache-Control", "no-store")
	head.Set("Content-Length", strconv.Itoa(len(body)))
	if p.Status == http.StatusUnauthorized && head.Get("WWW-Authenticate") == "" {
		head.Set("WWW-Authenticate", "Moot") // RFC 9110, 15.5.2 demands one
	}
	w.WriteHeader(p.Status)
	w.Write(body)
}

// err restores the error. Its text comes from another node and is made safe to print;
// an unknown kind is replaced by the one that fits the status.
func (p problem) err() error {
	kind := p.Kind
	if !known(kind) {
		kind = kindOf(p.Status)
	}
	e := &moot.Error{Kind: kind, Hint: moot.Hint(printable(string(p.Hint)))}
	if p.Detail != "" {
		e.Err = errors.New(printable(p.Detail))
	}
	return e
}

// ReadProblem turns a response that is no success into an error.
func ReadProblem(resp *http.Response) error {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if mediaType == typeProblem {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
		if err != nil {
			return err
		}
		if p, err := parseProblem(body, resp.StatusCode); err == nil {
			return p.err()
		}
	}
	return moot.Errorf(kindOf(resp.StatusCode), "status %d: this is not a node", resp.StatusCode)
}

// parseProblem reads a problem document; status is that of its response.
func parseProblem(body []byte, status int) (problem, error) {
	var p problem
	err := json.Unmarshal(body, &p)
	p.Status = status
	return p, err
}

func statusOf(kind moot.ErrorKind) int {
	switch kind {
	case moot.Invalid:
		return http.StatusBadRequest
	case moot.Stranger:
		return http.StatusUnauthorized
	case moot.Denied, moot.Expired, moot.UsedUp, moot.Revoked:
		return http.StatusForbidden
	case moot.NotFound:
		return http.StatusNotFound
	case moot.Conflict, moot.Gap, moot.Fork:
		return http.StatusConflict
	case moot.TooLarge:
		return http.StatusRequestEntityTooLarge
	case moot.Corrupt, moot.Failed:
		return http.StatusUnprocessableEntity
	case moot.Unavailable:
		return http.StatusServiceUnavailable
	case moot.Full:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// known reports whether this program has the kind: each of them but Internal has
// a status of its own.
func known(kind moot.ErrorKind) bool {
	return kind == moot.Internal || statusOf(kind) != http.StatusInternalServerError
}

// kindOf guesses a kind for a response that does not come from a node, as from a proxy
// in between. Its 404 does not mean that the node lacks something.
func kindOf(status int) moot.ErrorKind {
	switch status {
	case http.StatusUnauthorized:
		return moot.Stranger
	case http.StatusForbidden:
		return moot.Denied
	case http.StatusRequestEntityTooLarge:
		return moot.TooLarge
	case http.StatusInsufficientStorage:
		return moot.Full
	}
	return moot.Unavailable
}

// printable shortens s and replaces characters that could control a terminal or a log.
func printable(s string) string {
	const most = 1000
	n := 0
	s = strings.ReplaceAll(s, "\n", "; ") // of errors that were joined
	return strings.Map(func(r rune) rune {
		if n++; n > most {
			return -1
		}
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}
