package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// checker fails the test on an exchange that the OpenAPI document does not describe.
type checker struct {
	t    *testing.T
	once sync.Once
	mu   sync.Mutex // the validator is not for concurrent use
	v    validator.Validator
	doc  *v3.Document
}

// recorder keeps a copy of a response.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

func (c *checker) check(next http.Handler) http.Handler {
	c.once.Do(func() { c.load(next) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent bytes.Buffer
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.TeeReader(r.Body, &sent), r.Body}
		rec := &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, r)
		c.exchange(r, sent.Bytes(), rec)
	})
}

// load reads the document that a handler serves.
func (c *checker) load(h http.Handler) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	doc, err := libopenapi.NewDocument(rec.Body.Bytes())
	must(c.t, err)
	model, err := doc.BuildV3Model()
	must(c.t, err)
	c.doc = &model.Model
	v, errs := validator.NewValidator(doc, config.WithoutSecurityValidation())
	if len(errs) > 0 {
		c.t.Fatal(errs)
	}
	c.v = v
}

// exchange checks one request and its response.
func (c *checker) exchange(r *http.Request, body []byte, rec *recorder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method == http.MethodHead || r.Pattern == "/" || r.Pattern == "GET /api/openapi.json" {
		return
	}
	_, at, _ := strings.Cut(r.Pattern, " ")
	url := *r.URL
	if before, _, ok := strings.Cut(at, "{name...}"); ok { // the document's names have no slashes
		url.Path, url.RawPath = before+"x", ""
	}
	url.RawQuery = r.URL.RawQuery
	req := r.Clone(r.Context())
	req.URL, req.Body = &url, io.NopCloser(bytes.NewReader(body))
	if rec.status < 400 {
		if ok, errs := c.v.ValidateHttpRequestSync(req); !ok {
			for _, err := range errs {
				c.t.Errorf("%s %s: %v", r.Method, r.URL, err)
			}
		}
	}
	resp := &http.Response{StatusCode: rec.status, Header: rec.Header(), Body: io.NopCloser(bytes.NewReader(rec.body.Bytes())), Request: req}
	req.Body = io.NopCloser(bytes.NewReader(body))
	if ok, errs := c.v.ValidateHttpResponse(req, resp); !ok {
		for _, err := range errs {
			c.t.Errorf("%s %s answered %d %s: %v %+v", r.Method, r.URL, rec.status, rec.body.Bytes(), err, err.SchemaValidationErrors)
		}
	}
	if strings.HasPrefix(rec.Header().Get("Content-Type"), "application/jsonl") {
		c.lines(r.Method, strings.ReplaceAll(at, "...", ""), rec.body.String())
	}
}

var schemaRef = regexp.MustCompile(`#/components/schemas/(\w+)`)

// lines checks the lines of a stream against the schema that its description names.
func (c *checker) lines(method, at, text string) {
	op := c.doc.Paths.PathItems.GetOrZero(at).GetOperations().GetOrZero(strings.ToLower(method))
	ref := schemaRef.FindStringSubmatch(op.Responses.Codes.GetOrZero("200").Description)
	if ref == nil {
		c.t.Errorf("%s %s: the document names no schema of its lines", method, at)
		return
	}
	schema := c.doc.Components.Schemas.GetOrZero(ref[1]).Schema()
	v := schema_validation.NewSchemaValidator()
	for l := range strings.Lines(text) {
		if ok, errs := v.ValidateSchemaString(schema, l); !ok {
			c.t.Errorf("%s %s: line %s: %v %+v", method, at, l, errs, errs[0].SchemaValidationErrors)
		}
	}
}

// TestDocument fails unless the document is valid OpenAPI 3.1.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	if ok, errs := w.checker.v.ValidateDocument(); !ok {
		for _, err := range errs {
			t.Errorf("%v %+v", err, err.SchemaValidationErrors)
		}
	}
	resp, text := w.ask(w.web, "", "GET", "/api/openapi.json", "")
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	must(t, json.Unmarshal([]byte(text), &doc))
	if resp.StatusCode != 200 || !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Paths["/api/files/{name}"]["put"] == nil {
		t.Errorf("%d %.300s", resp.StatusCode, text)
	}
	ids := map[any]string{}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			id := o.(map[string]any)["operationId"]
			if ids[id] != "" {
				t.Errorf("%s and %s %s have one operationId", ids[id], method, path)
			}
			ids[id] = method + " " + path
		}
	}
}
