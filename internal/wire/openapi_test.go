package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
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

// success is a request to a route that succeeds.
type success struct{ route, method, path, body, head, value string }

// The document names every route with every status that it can have, and nothing else.
func TestOpenAPI(t *testing.T) {
	m := newMemory()
	b, _ := m.Put(t.Context(), strings.NewReader("content"))
	var refuse moot.ErrorKind // given by the guard if set
	options := Options{Runner: echo{}, Jobs: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "null\n") })}
	options.Accounts = options.Jobs
	h := newHandler(m, nil, options)
	h.guard = guard{allow: func(moot.Key, string, string) error {
		if refuse == "" {
			return nil
		}
		return refuse
	}}
	routes := h.routes()
	handler := Handler(m, h.guard, options)
	seen := map[string][]string{}
	one := "/v2/blobs/" + b.ID.String()
	for _, s := range []success{
		{"POST " + pathBlobs, "POST", pathBlobs, "x", "", ""},
		{"POST " + pathGetMany, "POST", pathGetMany, string(b.ID[:]), "", ""},
		{"POST " + pathPutMany, "POST", pathPutMany, "\x01x", "", ""},
		{"POST " + pathHaveMany, "POST", pathHaveMany, string(b.ID[:]), "", ""},
		{"GET " + pathBlob, "GET", one, "", "", ""},
		{"GET " + pathBlob, "GET", one + "?raw=1", "", "Range", "bytes=1-2"},
		{"GET " + pathBlob, "GET", one + "?raw=1", "", "Range", "bytes=100-"},
		{"GET " + pathBlob, "GET", one + "?raw=1", "", "If-None-Match", `"` + b.ID.String() + `"`},
		{"GET " + pathHolding, "GET", one + "/holding", "", "", ""},
		{"POST " + pathExchange, "POST", one + "/exchange", "k", "", ""},
		{"POST " + pathEntries, "POST", pathEntries, "", "", ""},
		{"POST " + pathQuery, "POST", pathQuery, "{}", "", ""},
		{"POST " + pathWatch, "POST", pathWatch, "{}", "", ""},
		{"GET " + PathVector, "GET", PathVector, "", "", ""},
		{"POST " + pathTasks, "POST", pathTasks, `{"for":"` + ann.String() + `"}`, "", ""},
		{"GET " + pathJob, "GET", strings.Replace(pathJob, "{id}", "1", 1), "", "", ""},
		{"POST " + PathAccounts, "POST", PathAccounts, "{}", "", ""},
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

// status returns the status of a response, without waiting for its body.
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

// The schemas have the fields of the Go types.
func TestOpenAPISchemas(t *testing.T) {
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Enum []moot.ErrorKind `json:"enum"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(openAPIDocument, &doc); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"Blob": moot.Blob{}, "Holding": moot.Holding{}, "Query": moot.Query{}, "Watch": watchFrom{}, "Problem": problem{},
		"Task": moot.Task{}, "Input": moot.Input{}, "Limits": moot.Limits{},
		"TaskEvent": taskEvent{}, "Outcome": moot.Outcome{}, "Content": moot.Content{},
	} {
		got, want := slices.Sorted(maps.Keys(doc.Components.Schemas[name].Properties)), slices.Sorted(slices.Values(fields(reflect.TypeOf(v))))
		if !slices.Equal(got, want) {
			t.Errorf("%s is documented with %v, and has %v", name, got, want)
		}
	}
	if got := doc.Components.Schemas["Problem"].Properties["kind"].Enum; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(kinds))) {
		t.Errorf("documented kinds: %v", got)
	}
}

// fields returns the names of a struct's fields in JSON.
func fields(typ reflect.Type) (names []string) {
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			names = append(names, fields(f.Type)...)
		case name != "-":
			names = append(names, name)
		}
	}
	return names
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
