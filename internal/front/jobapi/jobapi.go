// Package jobapi is jobs over HTTP: [Handler] serves a jobs.Submitter, and [Client] is a
// jobs.Submitter over such a handler. [FollowHandler] and [Follow] do the same for a
// coordinator. Both sides of each request are in this package. It must not know how jobs
// are run, nor who may submit them: access is checked before a handler is reached.
package jobapi

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/jobs"
)

// maxRequest bounds the bytes of a request: a job with its inputs.
const maxRequest = 32 << 20

// Handler serves the submitter that open returns for a request.
func Handler(open func(*http.Request) (jobs.Submitter, error)) http.Handler {
	mux := api.NewMux(open)
	mux.Handle("POST /submit", submit)
	mux.Handle("GET /jobs", list)
	mux.Handle("GET /jobs/{id}", func(s jobs.Submitter, w http.ResponseWriter, r *http.Request) error {
		return answerFollow(w, r, s.Follow)
	})
	mux.Handle("POST /jobs/{id}/cancel", func(s jobs.Submitter, w http.ResponseWriter, r *http.Request) error {
		return api.Reply(w, struct{}{}, s.Cancel(r.Context(), r.PathValue("id")))
	})
	mux.Handle("POST /jobs/{id}/retry", func(s jobs.Submitter, w http.ResponseWriter, r *http.Request) error {
		return api.Reply(w, struct{}{}, s.Retry(r.Context(), r.PathValue("id")))
	})
	mux.Handle("GET /offers", offers)
	return mux
}

// Client is a submitter over HTTP.
type Client struct{ api.Client }

var _ jobs.Submitter = (*Client)(nil)

// NewClient returns the submitter that a Handler serves below the URL base.
func NewClient(c *http.Client, base string) *Client {
	return &Client{api.Client{HTTP: c, Base: base}}
}

func submit(s jobs.Submitter, w http.ResponseWriter, r *http.Request) error {
	var spec jobs.Spec
	if err := api.Read(w, r, maxRequest, &spec); err != nil {
		return err
	}
	j, err := s.Submit(r.Context(), spec)
	return api.Reply(w, j, err)
}

// Submit implements jobs.Submitter.
func (c *Client) Submit(ctx context.Context, s jobs.Spec) (j jobs.Job, err error) {
	return j, c.Ask(ctx, http.MethodPost, "/submit", s, &j)
}

func list(s jobs.Submitter, w http.ResponseWriter, r *http.Request) error {
	all, err := s.Jobs(r.Context())
	return api.Reply(w, all, err)
}

// Jobs implements jobs.Submitter.
func (c *Client) Jobs(ctx context.Context) (all []jobs.Job, err error) {
	return all, c.Ask(ctx, http.MethodGet, "/jobs", nil, &all)
}

// Cancel implements jobs.Submitter.
func (c *Client) Cancel(ctx context.Context, id string) error {
	return c.Ask(ctx, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/cancel", nil, &struct{}{})
}

// Retry implements jobs.Submitter.
func (c *Client) Retry(ctx context.Context, id string) error {
	return c.Ask(ctx, http.MethodPost, "/jobs/"+url.PathEscape(id)+"/retry", nil, &struct{}{})
}

func offers(s jobs.Submitter, w http.ResponseWriter, r *http.Request) error {
	all, err := s.Offers(r.Context())
	return api.Reply(w, all, err)
}

// Offers implements jobs.Submitter.
func (c *Client) Offers(ctx context.Context) (all []jobs.Offer, err error) {
	return all, c.Ask(ctx, http.MethodGet, "/offers", nil, &all)
}

// Follow implements jobs.Submitter.
func (c *Client) Follow(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return follow(ctx, c.HTTP.Do, c.Base+"/jobs/"+url.PathEscape(id), logs)
}
