package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/wire"
)

// op describes an operation for both sides. In is a struct whose fields have a tag path,
// query or header; a field Body is sent as JSON. Out is answered as JSON, and none by
// 204.
type op[In, Out any] struct {
	at   string // method and path, as http.ServeMux wants them
	does string // summary for the document
	may  rights
	// Media types of bodies that are not JSON.
	takes, gives string
	ranged       bool  // ranges and conditions are answered by 206 and 304
	instead      any   // a value of the type that can be sent as JSON instead of takes; nil: none
	maxBody      int64 // bytes of the largest JSON body; 0: maxBody
}

// none is the input or output of an operation that has none.
type none struct{}

// maxBody is the size in bytes of the largest JSON body, unless the operation says more.
const maxBody = 1 << 20

// raw registers an operation that writes its response itself. An error that f returns
// before it has written anything becomes a problem document.
func (o op[In, Out]) raw(s *server, f func(m *app.Session, in In, w http.ResponseWriter, r *http.Request) error) {
	s.doc.add(o.operation(), reflect.TypeFor[In](), reflect.TypeFor[Out]())
	s.mux.HandleFunc(o.at, func(w http.ResponseWriter, r *http.Request) {
		access, err := s.authenticate(r, o.may)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		ctx, cancel := access.whileAllowed(r.Context())
		defer cancel()
		r = r.WithContext(ctx)
		m, err := s.open(r, access)
		if m != nil && m.Close != nil {
			defer m.Close()
		}
		if err == nil {
			var in In
			if err = decodeInput(w, r, &in, cmp.Or(o.maxBody, maxBody)); err == nil {
				err = f(m, in, w, r)
			}
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// serve registers an operation that answers with JSON.
func (o op[In, Out]) serve(s *server, f func(ctx context.Context, m *app.Session, in In) (Out, error)) {
	o.raw(s, func(m *app.Session, in In, w http.ResponseWriter, r *http.Request) error {
		out, err := f(r.Context(), m, in)
		if _, empty := any(out).(none); empty && err == nil {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}
		return reply(w, out, err)
	})
}

// reply answers with JSON, unless there is an error, which it returns.
func reply(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(list(v)) // fails only if the caller is gone
	return nil
}

// read reads a JSON response into v.
func read(resp *http.Response, v any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		return moot.Errorf(moot.Unavailable, "the node's answer broke off: %w", err)
	}
	return nil
}

// list returns v, or an empty slice for a nil one: programs expect [] and not null.
func list(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.Slice && r.IsNil() {
		return reflect.MakeSlice(r.Type(), 0, 0).Interface()
	}
	return v
}

// call performs the operation at the other end of c.
func (o op[In, Out]) call(ctx context.Context, c *client, in In) (out Out, err error) {
	resp, err := o.open(ctx, c, in, nil)
	if err != nil {
		return out, err
	}
	if _, empty := any(out).(none); empty {
		return out, resp.Body.Close()
	}
	return out, read(resp, &out)
}

// run is call for an operation that returns only an error.
func (o op[In, Out]) run(ctx context.Context, c *client, in In) error {
	_, err := o.call(ctx, c, in)
	return err
}

// open performs the operation with a body that is not JSON, or nil. The response is a
// success, and its body must be closed.
func (o op[In, Out]) open(ctx context.Context, c *client, in In, body io.Reader) (*http.Response, error) {
	resp, err := o.send(ctx, c, in, body)
	if err != nil {
		return nil, err
	}
	return success(resp)
}

// send is open for every response.
func (o op[In, Out]) send(ctx context.Context, c *client, in In, body io.Reader) (*http.Response, error) {
	method, pattern, _ := strings.Cut(o.at, " ")
	enc, err := encodeInput(pattern, in)
	if err != nil {
		return nil, err
	}
	if c.account != "" {
		enc.query.Set("account", c.account)
	}
	if via := c.via.String(); via != "" {
		enc.query.Set("via", via)
	}
	mediaType := o.takes
	if enc.body != nil {
		body, mediaType = bytes.NewReader(enc.body), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+enc.path+"?"+enc.query.Encode(), body)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "%w", err)
	}
	for name, values := range enc.header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", mediaType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if u := (*url.Error)(nil); errors.As(err, &u) { // its URL says nothing to a person
			err = u.Err
		}
		return nil, &moot.Error{Kind: kindOf(err), Err: err}
	}
	return resp, nil
}

// kindOf returns the kind of a failure on the way: that of the body that was sent, or
// Unavailable.
func kindOf(err error) moot.ErrorKind {
	if kind := moot.KindOf(err); kind != moot.Internal {
		return kind
	}
	return moot.Unavailable
}

// success returns a response that is no error.
func success(resp *http.Response) (*http.Response, error) {
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, wire.ReadProblem(resp)
}
