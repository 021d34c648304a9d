package wire

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
)

// version of the protocol, the first element of every path. Nodes of different versions
// refuse each other, with an error that says which one is to be updated.
const version = 2

// headerProtocol is the version of the node that responds. Version 1 sends none, and 404
// for every path of a later one.
const headerProtocol = "Moot-Protocol"

// pathVersion returns the version that a path names; 0 if it names none.
func pathVersion(path string) int {
	text, ok := strings.CutPrefix(path, "/v")
	text, _, _ = strings.Cut(text, "/")
	v, err := strconv.ParseUint(text, 10, 16)
	if !ok || err != nil {
		return 0
	}
	return int(v)
}

// otherVersion reports whether a path belongs to another version.
func otherVersion(path string) bool {
	v := pathVersion(path)
	return v != 0 && v != version
}

// refuseVersion serves all paths of other versions: a caller who may read or join learns
// which of the two programs is to be updated.
func (h *handler) refuseVersion(w *writer, r *http.Request) error {
	err := h.allow(r, "read", "")
	if moot.KindOf(err) == moot.Stranger && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/entries") {
		err = h.allow(r, "write", string(moot.KindMember)+"/"+moot.Caller(r.Context()).String())
	}
	if err != nil {
		return err
	}
	p := newProblem(errNewer())
	p.Status = http.StatusGone
	if pathVersion(r.URL.Path) > version {
		p = newProblem(errOlder())
		p.Status = http.StatusNotImplemented
	}
	p.Title = http.StatusText(p.Status)
	p.write(w)
	return nil
}

// errNewer is for callers of an older version, which know no hints: its words say it all.
func errNewer() error {
	return moot.WithHint(moot.Errorf(moot.Invalid, "this space has moved to a newer version of moot: update this program"), moot.HintUpdate)
}

func errOlder() error {
	return moot.WithHint(moot.Errorf(moot.Unavailable, "this node runs an older version of moot"), moot.HintUpdateNode)
}

// NodeProblem turns a response of a node that is no success into an error.
func NodeProblem(resp *http.Response) error {
	if fromVersion1(resp) {
		return errOlder()
	}
	return ReadProblem(resp)
}

func fromVersion1(resp *http.Response) bool {
	mediaType, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return resp.StatusCode == http.StatusNotFound && mediaType == typeProblem && resp.Header.Get(headerProtocol) == ""
}

// mismatchFor is how long a node of another version is not asked again.
const mismatchFor = time.Minute

// mismatch is the last refusal by a node of another version; nil if there was none.
type mismatch struct{ atomic.Pointer[refusal] }

type refusal struct {
	err   error
	until time.Time
}

// note remembers the error of a response if it is about versions.
func (m *mismatch) note(resp *http.Response, err error) {
	if resp.StatusCode == http.StatusGone || resp.StatusCode == http.StatusNotImplemented || fromVersion1(resp) {
		m.Store(&refusal{err, time.Now().Add(mismatchFor)})
	}
}

// recent returns the error of a refusal that still holds.
func (m *mismatch) recent() error {
	if r := m.Load(); r != nil && time.Now().Before(r.until) {
		return r.err
	}
	return nil
}
