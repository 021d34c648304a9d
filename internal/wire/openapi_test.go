package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// document is what the test needs of OpenAPI.
type document struct {
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components map[string]map[string]json.RawMessage `json:"components"`
}

// documented returns the statuses of every operation, as "GET /path" → statuses.
func documented(t *testing.T, text []byte) map[string][]string {
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	ops := map[string][]string{}
	for path, item := range doc.Paths {
		for method, raw := range item {
			if method == "parameters" {
				continue
			}
			var op struct{ Responses map[string]json.RawMessage }
			if err := json.Unmarshal(raw, &op); err != nil {
				t.Fatal(err)
			}
			ops[strings.ToUpper(method)+" "+path] = slices.Sorted(maps.Keys(op.Responses))
		}
	}
	for ref := range strings.SplitSeq(string(text), `"$ref": "#/components/`) {
		name, _, _ := strings.Cut(ref, `"`)
		if group, name, ok := strings.Cut(name, "/"); ok && doc.Components[group][name] == nil {
			t.Errorf("the reference to %s/%s leads nowhere", group, name)
		}
	}
	return ops
}

// success provokes what a route answers if all is well.
type success struct{ route, method, path, body, head, value string }

// The document names every route with all that it can answer, and nothing else.
func TestOpenAPI(t *testing.T) {
	m := newMemory()
	b, _ := m.Put(t.Context(), strings.NewReader("content"))
	var refuse moot.ErrorKind // given by the guard if set
	h := newHandler(m, nil, Options{Runner: echo{}})
	h.guard = guard{allow: func(moot.Key, string, string) error {
		if refuse == "" {
			return nil
		}
		return refuse
	}}
	routes := h.routes()
	handler := Handler(m, h.guard, Options{Runner: echo{}})
	seen := map[string][]string{}
	one := "/v1/blobs/" + b.ID.String()
	for _, s := range []success{
		{"POST " + pathBlobs, "POST", pathBlobs, "x", "", ""},
		{"GET " + pathBlob, "GET", one, "", "", ""},
		{"GET " + pathBlob, "GET", one + "?raw=1", "", "Range", "bytes=1-2"},
		{"GET " + pathBlob, "GET", one + "?raw=1", "", "Range", "bytes=100-"},
		{"GET " + pathBlob, "GET", one + "?raw=1", "", "If-None-Match", `"` + b.ID.String() + `"`},
		{"GET " + pathHolding, "GET", one + "/holding", "", "", ""},
		{"POST " + pathExchange, "POST", one + "/exchange", "k", "", ""},
		{"POST " + pathEntries, "POST", pathEntries, "", "", ""},
		{"POST " + pathQuery, "POST", pathQuery, "{}", "", ""},
		{"POST " + pathWatch, "POST", pathWatch, "{}", "", ""},
		{"GET " + pathVector, "GET", pathVector, "", "", ""},
		{"POST " + pathTasks, "POST", pathTasks, "{}", "", ""},
		{"GET " + pathOpenAPI, "GET", pathOpenAPI, "", "", ""},
	} {
		refuse = ""
		seen[s.route] = append(seen[s.route], status(t, handler, s))
		for _, kind := range kinds {
			refuse = kind
			if s.route == "POST "+pathEntries {
				s.body = string(encoded(t))
			}
			seen[s.route] = append(seen[s.route], status(t, handler, s))
		}
	}
	for route, statuses := range seen {
		slices.Sort(statuses)
		seen[route] = slices.Compact(statuses)
	}
	if got := documented(t, openAPIDocument); !maps.EqualFunc(got, seen, slices.Equal) {
		t.Errorf("documented: %v\nserved:     %v", got, seen)
	}
	for _, route := range routes {
		if seen[route.pattern] == nil {
			t.Errorf("%s is not in this test", route.pattern)
		}
	}
	if len(routes) != len(seen) {
		t.Errorf("%d routes, %d in this test", len(routes), len(seen))
	}
}

// status returns that of a request's answer, without waiting for all of it.
func status(t *testing.T, h http.Handler, s success) string {
	srv := serve(t, h, false)
	defer srv.Close()
	req, _ := http.NewRequestWithContext(t.Context(), s.method, srv.URL+s.path, strings.NewReader(s.body))
	if s.head != "" {
		req.Header.Set(s.head, s.value)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return strconv.Itoa(resp.StatusCode)
}

func TestOpenAPIIsServed(t *testing.T) {
	s := serve(t, Handler(newMemory(), guard{}, Options{}), true)
	resp, err := s.Client().Get(s.URL + pathOpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); !bytes.Equal(text, openAPIDocument) || resp.Header.Get("Content-Type") != typeJSON {
		t.Fatal(resp.Header)
	}
}
