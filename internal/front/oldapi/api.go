// Package oldapi is questions and answers as JSON over HTTP, for the front ends that put an
// interface of ours on a connection (mailapi, jobapi). It must not know what is asked.
package oldapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/wire"
)

// Mux routes questions about a T.
type Mux[T any] struct {
	http.ServeMux
	open func(*http.Request) (T, error)
}

// NewMux returns a Mux; open finds the T that a request is about.
func NewMux[T any](open func(*http.Request) (T, error)) *Mux[T] { return &Mux[T]{open: open} }

// Handle has a question answered. An error becomes a problem document (RFC 9457).
func (m *Mux[T]) Handle(pattern string, answer func(T, http.ResponseWriter, *http.Request) error) {
	m.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		about, err := m.open(r)
		if err == nil {
			err = answer(about, w, r)
		}
		if err != nil {
			wire.WriteProblem(w, err)
		}
	})
}

// Reply answers with v, unless there is an error, which it returns.
func Reply(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // who asked and has gone is not there to be told
	return nil
}

// Read reads a question of at most limit bytes into v. Kind Invalid.
func Read(w http.ResponseWriter, r *http.Request, limit int64, v any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, limit)).Decode(v); err != nil {
		return moot.Errorf(moot.Invalid, "bad request: %w", err)
	}
	return nil
}

// Client asks a Mux at the other end of a connection, below the URL Base.
type Client struct {
	HTTP *http.Client
	Base string
}

// Do sends a request. The answer is a success, and its body must be closed.
func (c *Client) Do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	return Send(ctx, c.HTTP.Do, method, c.Base+path, body)
}

// Ask sends in as JSON, unless it is nil, and reads the answer into out.
func (c *Client) Ask(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return moot.Errorf(moot.Invalid, "%w", err)
		}
		body = bytes.NewReader(b)
	}
	resp, err := c.Do(ctx, method, path, body)
	if err != nil {
		return err
	}
	return Answer(resp, out)
}

// Answer reads an answer into out.
func Answer(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return moot.Errorf(moot.Unavailable, "the node went away: %w", err)
	}
	return nil
}

// Send sends a request by do. What goes wrong on the way is of kind Unavailable; what the
// other side refuses has the kind that it gave.
func Send(ctx context.Context, do func(*http.Request) (*http.Response, error), method, url string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "%w", err)
	}
	resp, err := do(req)
	if err != nil {
		return nil, &moot.Error{Kind: moot.Unavailable, Err: err}
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, wire.ReadProblem(resp)
	}
	return resp, nil
}
