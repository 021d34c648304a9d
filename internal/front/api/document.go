package api

import (
	"encoding/json"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// document is the OpenAPI document under construction.
type document struct {
	open  *huma.OpenAPI
	types huma.Registry
}

// operation is what the document needs to know of an op.
type operation struct {
	at, does     string
	may          rights
	takes, gives string
	ranged       bool
	instead      any
}

func (o op[In, Out]) operation() operation {
	return operation{o.at, o.does, o.may, o.takes, o.gives, o.ranged, o.instead}
}

func newDocument(version string) *document {
	types := huma.NewMapRegistry("#/components/schemas/", schemaName)
	d := &document{types: types, open: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Moot", Version: version,
			Description: "Files, messages, jobs and members of a space, for people's programs.",
			License:     &huma.License{Name: "see the source"},
		},
		Servers:  []*huma.Server{{URL: "/"}},
		Security: []map[string][]string{{"token": {}}},
		Paths:    map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas: types,
			SecuritySchemes: map[string]*huma.SecurityScheme{"token": {
				Type: "http", Scheme: "bearer",
				Description: "A token that the node's owner has made. Programs on the node's machine that use its socket need none.",
			}},
		},
	}}
	d.open.Components.Responses = map[string]*huma.Response{"problem": {
		Description: "What went wrong (RFC 9457).",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: d.schema(reflect.TypeFor[problem]())}},
	}}
	return d
}

// typeArgument matches a type in the name of a generic one.
var typeArgument = regexp.MustCompile(`(?:[\w.-]+/)*(\w+)\.(\w+)`)

// schemaName names a type after its package, because two packages have a type File.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if generic, arguments, ok := strings.Cut(t.Name(), "["); ok {
		name := title(generic)
		for _, part := range typeArgument.FindAllStringSubmatch(arguments, -1) {
			name += qualified(part[1], title(part[2]))
		}
		return name
	}
	name := title(huma.DefaultSchemaNamer(t, hint))
	if t.Name() == "" {
		return name
	}
	return qualified(path.Base(t.PkgPath()), name)
}

func qualified(pkg, name string) string {
	if pkg == "api" {
		return name
	}
	return title(pkg) + name
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (d *document) schema(t reflect.Type) *huma.Schema { return d.types.Schema(t, true, t.Name()) }

// add describes an operation.
func (d *document) add(o operation, in, out reflect.Type) {
	method, at, _ := strings.Cut(o.at, " ")
	at = strings.ReplaceAll(at, "...}", "}")
	segments := strings.Split(strings.TrimPrefix(at, "/api/"), "/")
	h := &huma.Operation{
		Method: method, Path: at, Summary: o.does, Tags: segments[:1],
		OperationID: strings.ToLower(method) + "-" + strings.NewReplacer("/", "-", "{", "", "}", "", ".", "-").Replace(at[len("/api/"):]),
		Responses:   map[string]*huma.Response{"default": {Ref: "#/components/responses/problem"}},
	}
	switch o.may {
	case writes:
		h.Description = "Not for read-only tokens."
	case localReads, localWrites:
		h.Description = "Only over the socket on the node's machine."
	}
	d.addInput(h, o, in)
	d.addOutput(h, o, out)
	d.open.AddOperation(h)
}

// addInput describes an operation's parameters and body.
func (d *document) addInput(h *huma.Operation, o operation, in reflect.Type) {
	h.Parameters = append(h.Parameters, &huma.Param{Name: "via", In: "query",
		Description: "Whom the node asks; its own choice if absent.",
		Schema:      &huma.Schema{Type: "string", Enum: []any{"server", "peers", "both"}}})
	if strings.Contains(o.at, " /api/mail/") {
		h.Parameters = append(h.Parameters, &huma.Param{Name: "account", In: "query",
			Description: "Over the socket: of the member, by name or ID, whose account the node keeps; the node's own if absent.",
			Schema:      &huma.Schema{Type: "string"}})
	}
	for i := range in.NumField() {
		f := in.Field(i)
		p := paramOf(f)
		s := huma.SchemaFromField(d.types, f, in.Name())
		if p.in == "" {
			h.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: s}}}
			continue
		}
		s.Nullable = false
		h.Parameters = append(h.Parameters, &huma.Param{Name: p.name, In: p.in, Description: f.Tag.Get("doc"),
			Required: p.in == "path", Schema: s})
	}
	if o.takes != "" {
		h.RequestBody = &huma.RequestBody{Required: true, Content: media(o.takes)}
	}
	if o.instead != nil {
		h.RequestBody.Content["application/json"] = &huma.MediaType{Schema: d.schema(reflect.TypeOf(o.instead))}
	}
}

// addOutput describes an operation's success.
func (d *document) addOutput(h *huma.Operation, o operation, out reflect.Type) {
	ok := &huma.Response{Description: "Done."}
	switch {
	case o.gives == typeLines:
		s := d.schema(out)
		ok.Description = "Lines of JSON, each as " + s.Ref + "; an empty object is a heartbeat."
		ok.Content = media(o.gives)
	case o.gives != "":
		ok.Content = media(o.gives)
	case out == reflect.TypeFor[none]():
		h.Responses["204"] = ok
		return
	default:
		s := d.schema(out)
		s.Nullable = false
		ok.Content = map[string]*huma.MediaType{"application/json": {Schema: s}}
	}
	h.Responses["200"] = ok
	if o.ranged {
		h.Responses["206"] = &huma.Response{Description: "The range asked for.", Content: media(o.gives)}
		h.Responses["304"] = &huma.Response{Description: "The ETag in If-None-Match is that of the file."}
	}
}

// media describes a body that is not JSON.
func media(mediaType string) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{mediaType: {}}
}

// handler serves the document as it is once all operations are added.
func (d *document) handler() http.Handler {
	text, err := json.Marshal(d.open)
	if err != nil {
		panic(err) // the operations are part of the program
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // fails only if the caller is gone
	})
}
