// Package jobapi is a desk for jobs over HTTP: [Handler] answers for a jobs.Desk, and
// [Client] is a jobs.Desk that asks such a handler. A coordinator is followed in the same
// way ([FollowHandler], [Follow]). Both sides of each question are in this package. It
// must not know how jobs are done, nor who may ask: that is decided before a handler is
// reached.
package jobapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/wire"
)

// maxRequest is the size in bytes of the largest question: a job with its inputs.
const maxRequest = 32 << 20

// Handler answers for the desk that open returns for a request.
func Handler(open func(*http.Request) (jobs.Desk, error)) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(jobs.Desk, http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			d, err := open(r)
			if err == nil {
				err = answer(d, w, r)
			}
			if err != nil {
				wire.WriteProblem(w, err)
			}
		})
	}
	handle("POST /submit", submit)
	handle("GET /jobs", list)
	handle("GET /jobs/{id}", func(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
		return answerFollow(w, r, d.Follow)
	})
	handle("POST /jobs/{id}/cancel", func(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
		return reply(w, struct{}{}, d.Cancel(r.Context(), r.PathValue("id")))
	})
	handle("POST /jobs/{id}/retry", func(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
		return reply(w, struct{}{}, d.Retry(r.Context(), r.PathValue("id")))
	})
	handle("GET /offers", offers)
	return mux
}

// Client is a desk at the other end of a connection.
type Client struct {
	http *http.Client
	base string
}

var _ jobs.Desk = (*Client)(nil)

// NewClient returns the desk that a Handler below the URL base answers for.
func NewClient(c *http.Client, base string) *Client { return &Client{c, base} }

func (c *Client) do(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, moot.Errorf(moot.Invalid, "%w", err)
		}
		body = bytes.NewReader(b)
	}
	return send(ctx, c.http.Do, method, c.base+path, body)
}

func send(ctx context.Context, do func(*http.Request) (*http.Response, error), method, url string, body io.Reader) (*http.Response, error) {
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

// ask sends in as JSON, unless it is nil, and reads the answer into out.
func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	resp, err := c.do(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return moot.Errorf(moot.Unavailable, "the node went away: %w", err)
	}
	return nil
}

func reply(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // who asked and has gone is not there to be told
	return nil
}

func submit(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
	var s jobs.Spec
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&s); err != nil {
		return moot.Errorf(moot.Invalid, "bad request: %w", err)
	}
	j, err := d.Submit(r.Context(), s)
	return reply(w, j, err)
}

// Submit implements jobs.Desk.
func (c *Client) Submit(ctx context.Context, s jobs.Spec) (j jobs.Job, err error) {
	return j, c.ask(ctx, http.MethodPost, "/submit", s, &j)
}

func list(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
	all, err := d.Jobs(r.Context())
	return reply(w, all, err)
}

// Jobs implements jobs.Desk.
func (c *Client) Jobs(ctx context.Context) (all []jobs.Job, err error) {
	return all, c.ask(ctx, http.MethodGet, "/jobs", nil, &all)
}

// Cancel implements jobs.Desk.
func (c *Client) Cancel(ctx context.Context, id string) error {
	return c.ask(ctx, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/cancel", nil, &struct{}{})
}

// Retry implements jobs.Desk.
func (c *Client) Retry(ctx context.Context, id string) error {
	return c.ask(ctx, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/retry", nil, &struct{}{})
}

func offers(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
	all, err := d.Offers(r.Context())
	return reply(w, all, err)
}

// Offers implements jobs.Desk.
func (c *Client) Offers(ctx context.Context) (all []jobs.Offer, err error) {
	return all, c.ask(ctx, http.MethodGet, "/offers", nil, &all)
}

// Follow implements jobs.Desk.
func (c *Client) Follow(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return follow(ctx, c.http.Do, c.base+"/jobs/"+url.PathEscape(id), logs)
}
