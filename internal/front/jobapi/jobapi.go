// Package jobapi is a desk for jobs over HTTP: [Handler] answers for a jobs.Desk, and
// [Client] is a jobs.Desk that asks such a handler. A coordinator is followed in the same
// way ([FollowHandler], [Follow]). Both sides of each question are in this package. It
// must not know how jobs are done, nor who may ask: that is decided before a handler is
// reached.
package jobapi

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/mootspace/moot/internal/front/oldapi"
	"github.com/mootspace/moot/internal/jobs"
)

// maxRequest is the size in bytes of the largest question: a job with its inputs.
const maxRequest = 32 << 20

// Handler answers for the desk that open returns for a request.
func Handler(open func(*http.Request) (jobs.Desk, error)) http.Handler {
	mux := oldapi.NewMux(open)
	mux.Handle("POST /submit", submit)
	mux.Handle("GET /jobs", list)
	mux.Handle("GET /jobs/{id}", func(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
		return answerFollow(w, r, d.Follow)
	})
	mux.Handle("POST /jobs/{id}/cancel", func(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
		return oldapi.Reply(w, struct{}{}, d.Cancel(r.Context(), r.PathValue("id")))
	})
	mux.Handle("POST /jobs/{id}/retry", func(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
		return oldapi.Reply(w, struct{}{}, d.Retry(r.Context(), r.PathValue("id")))
	})
	mux.Handle("GET /offers", offers)
	return mux
}

// Client is a desk at the other end of a connection.
type Client struct{ oldapi.Client }

var _ jobs.Desk = (*Client)(nil)

// NewClient returns the desk that a Handler below the URL base answers for.
func NewClient(c *http.Client, base string) *Client {
	return &Client{oldapi.Client{HTTP: c, Base: base}}
}

func submit(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
	var s jobs.Spec
	if err := oldapi.Read(w, r, maxRequest, &s); err != nil {
		return err
	}
	j, err := d.Submit(r.Context(), s)
	return oldapi.Reply(w, j, err)
}

// Submit implements jobs.Desk.
func (c *Client) Submit(ctx context.Context, s jobs.Spec) (j jobs.Job, err error) {
	return j, c.Ask(ctx, http.MethodPost, "/submit", s, &j)
}

func list(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
	all, err := d.Jobs(r.Context())
	return oldapi.Reply(w, all, err)
}

// Jobs implements jobs.Desk.
func (c *Client) Jobs(ctx context.Context) (all []jobs.Job, err error) {
	return all, c.Ask(ctx, http.MethodGet, "/jobs", nil, &all)
}

// Cancel implements jobs.Desk.
func (c *Client) Cancel(ctx context.Context, id string) error {
	return c.Ask(ctx, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/cancel", nil, &struct{}{})
}

// Retry implements jobs.Desk.
func (c *Client) Retry(ctx context.Context, id string) error {
	return c.Ask(ctx, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/retry", nil, &struct{}{})
}

func offers(d jobs.Desk, w http.ResponseWriter, r *http.Request) error {
	all, err := d.Offers(r.Context())
	return oldapi.Reply(w, all, err)
}

// Offers implements jobs.Desk.
func (c *Client) Offers(ctx context.Context) (all []jobs.Offer, err error) {
	return all, c.Ask(ctx, http.MethodGet, "/offers", nil, &all)
}

// Follow implements jobs.Desk.
func (c *Client) Follow(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return follow(ctx, c.HTTP.Do, c.Base+"/jobs/"+url.PathEscape(id), logs)
}
