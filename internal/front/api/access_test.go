package api_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// right is what tokens may do: the statuses of a request.
type right struct {
	method, path, body string
	reader, writer     int
}

// rights returns a request for each operation that changes something, or belongs to the
// node's machine, and some others.
func rights() []right {
	const empty = `{}`
	return []right{
		{"GET", "/api/session", "", 200, 200},
		{"GET", "/api/status", "", 200, 200},
		{"GET", "/api/peers", "", 200, 200},
		{"GET", "/api/files", "", 200, 200},
		{"GET", "/api/files/f", "", 200, 200},
		{"HEAD", "/api/files/f", "", 200, 200},
		{"GET", "/api/members", "", 200, 200},
		{"GET", "/api/offers", "", 200, 200},
		{"PUT", "/api/files/g", "x", 403, 200},
		{"POST", "/api/move", `{"from":"g","to":"h"}`, 403, 200},
		{"DELETE", "/api/files/h", "", 403, 204},
		{"POST", "/api/resolve", `{"name":"f"}`, 403, 400},
		{"POST", "/api/invitations", empty, 403, 400},
		{"GET", "/api/invitations", "", 200, 200},
		{"DELETE", "/api/invitations/x", "", 403, 404},
		{"POST", "/api/members/x/restore", "", 403, 404},
		{"POST", "/api/session/leave", "", 403, 403},
		{"GET", "/api/devices", "", 200, 200},
		{"POST", "/api/devices", empty, 403, 403},
		{"PUT", "/api/devices/x/label", `{"label":"y"}`, 403, 404},
		{"POST", "/api/devices/remove", `{"device":"x"}`, 403, 404},
		{"POST", "/api/devices/resolve", `{"device":"x","head":"y"}`, 403, 404},
		{"POST", "/api/recovery", "", 403, 403},
		{"PUT", "/api/session/name", `{"name":"ann"}`, 403, 204},
		{"PUT", "/api/members/x/role", empty, 403, 400},
		{"DELETE", "/api/members/x", "", 403, 404},
		{"POST", "/api/mail/messages", "", 403, 400},
		{"POST", "/api/mail/saved", "", 403, 400},
		{"POST", "/api/mail/folders", empty, 403, 204},
		{"PATCH", "/api/mail/messages", `[]`, 403, 200},
		{"POST", "/api/jobs", empty, 403, 400},
		{"POST", "/api/jobs/j/cancel", "", 403, 204},
		{"POST", "/api/jobs/j/retry", "", 403, 204},
		{"GET", "/api/folder/", "", 200, 200},
		{"POST", "/api/freeze/f", "", 403, 200},
		{"POST", "/api/restore", `{"name":"nosuch"}`, 403, 400},
		{"POST", "/api/garbage", empty, 403, 403},
		{"GET", "/api/preferences", "", 403, 403},
		{"PUT", "/api/preferences", empty, 403, 403},
		{"GET", "/api/accounts", "", 403, 403},
		{"POST", "/api/accounts", empty, 403, 403},
		{"POST", "/api/accounts/enable", empty, 403, 403},
		{"DELETE", "/api/accounts/x", "", 403, 403},
		{"POST", "/api/passwords", empty, 403, 403},
		{"PUT", "/api/passwords", empty, 403, 403},
		{"DELETE", "/api/passwords", "", 403, 403},
		{"GET", "/api/mail/records", "", 403, 403},
		{"GET", "/api/tokens", "", 403, 403},
		{"POST", "/api/tokens", empty, 403, 403},
		{"DELETE", "/api/tokens/writer", "", 403, 403},
	}
}

// localRights are those of what names paths of the node's machine.
func localRights() []right {
	const empty = `{}`
	return []right{
		{"POST", "/api/local/share", empty, 403, 403},
		{"POST", "/api/local/store", empty, 403, 403},
		{"POST", "/api/local/get", empty, 403, 403},
		{"POST", "/api/local/getall", empty, 403, 403},
		{"POST", "/api/local/backup", empty, 403, 403},
		{"GET", "/api/local/folders", "", 403, 403},
		{"POST", "/api/local/folders", empty, 403, 403},
		{"DELETE", "/api/local/folders?folder=d", "", 403, 403},
		{"POST", "/api/local/folders/pause?folder=d", "", 403, 403},
		{"POST", "/api/local/folders/resume?folder=d", "", 403, 403},
		{"POST", "/api/local/folders/revert?folder=d", "", 403, 403},
		{"POST", "/api/local/folders/once?folder=d", "", 403, 403},
		{"GET", "/api/local/folders/events?folder=d", "", 403, 403},
		{"PUT", "/api/local/folders/except?folder=d", empty, 403, 403},
	}
}

// TestAccess asks for everything that changes something, or belongs to the node's machine,
// with tokens.
func TestAccess(t *testing.T) {
	w := newWorld(t)
	w.put("f", "x")
	reader, writer := w.token("reader", true), w.token("writer", false)
	for _, c := range slices.Concat(rights(), localRights()) {
		for token, want := range map[string]int{reader: c.reader, writer: c.writer} {
			resp, text := w.ask(w.web, token, c.method, c.path, c.body)
			if resp.StatusCode != want && (want != 400 || resp.StatusCode < 400 || resp.StatusCode == 403) {
				t.Errorf("%s %s, read-only %v: %d, want %d: %s", c.method, c.path, token == reader, resp.StatusCode, want, text)
			}
			if want == 403 {
				wantProblem(t, resp, text, "denied")
			}
		}
		for _, token := range []string{"", "moot_wrong"} {
			resp, text := w.ask(w.web, token, c.method, c.path, c.body)
			if resp.StatusCode != 401 || resp.Header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s %s with token %q: %d %v", c.method, c.path, token, resp.StatusCode, resp.Header)
			}
			if c.method != "HEAD" {
				wantProblem(t, resp, text, "stranger")
			}
		}
	}
}

func wantProblem(t *testing.T, resp *http.Response, text, kind string) {
	t.Helper()
	var p struct {
		Title, Kind, Detail string
		Status              int
	}
	err := json.Unmarshal([]byte(text), &p)
	if err != nil || resp.Header.Get("Content-Type") != "application/problem+json" || p.Kind != kind || p.Title == "" || p.Detail == "" || p.Status != resp.StatusCode {
		t.Errorf("%s %s: %d %s", resp.Request.Method, resp.Request.URL, resp.StatusCode, text)
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	for what, c := range map[string]struct {
		method, path, body string
		status             int
		kind               string
	}{
		"unknown via":        {"GET", "/api/files?via=pigeon", "", 400, "invalid"},
		"unknown parameter":  {"GET", "/api/files?prefex=a", "", 400, "invalid"},
		"bad parameter":      {"GET", "/api/mail/messages?limit=many", "", 400, "invalid"},
		"bad duration":       {"POST", "/api/mail/messages?wait=soon", "", 400, "invalid"},
		"bad mode":           {"PUT", "/api/files/a?mode=999", "", 400, "invalid"},
		"bad query":          {"GET", "/api/files?a=%zz", "", 400, "invalid"},
		"two filters":        {"GET", "/api/files?prefix=a&words=b", "", 400, "invalid"},
		"no JSON":            {"POST", "/api/move", "from=a", 400, "invalid"},
		"no body":            {"POST", "/api/move", "", 400, "invalid"},
		"unknown field":      {"POST", "/api/move", `{"from":"a","into":"b"}`, 400, "invalid"},
		"two values":         {"POST", "/api/move", `{"from":"a","to":"b"}{}`, 400, "invalid"},
		"huge body":          {"POST", "/api/move", `{"from":"` + strings.Repeat("x", 33<<20) + `"}`, 413, "too-large"},
		"unknown operation":  {"GET", "/api/nonsense", "", 404, "not-found"},
		"unknown method":     {"PUT", "/api/members", "", 404, "not-found"},
		"a file that is not": {"GET", "/api/files/nosuch", "", 404, "not-found"},
	} {
		resp, text := w.ask(w.local, "", c.method, c.path, c.body)
		if resp.StatusCode != c.status {
			t.Errorf("%s: %d %.300s", what, resp.StatusCode, text)
		}
		wantProblem(t, resp, text, c.kind)
	}
}

// TestViaOfRequests fails unless a request chooses whom the node asks.
func TestViaOfRequests(t *testing.T) {
	w := newWorld(t)
	for _, via := range []string{"server", "peers", "both"} {
		_, text := w.ask(w.local, "", "GET", "/api/session?via="+via, "")
		if !strings.Contains(text, `"via":"`+via+`"`) {
			t.Error(text)
		}
	}
}
