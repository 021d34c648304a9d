package mailapi

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/mail"
)

func message(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	id, err := moot.ParseBlobID(r.PathValue("id"))
	if err != nil {
		return err
	}
	rc, err := m.Open(r.Context(), id)
	if err != nil {
		return err
	}
	defer rc.Close()
	w.Header().Set("Content-Type", "message/rfc822")
	if _, err := io.Copy(w, rc); err != nil {
		panic(http.ErrAbortHandler) // the client must notice a truncated message
	}
	return nil
}

// Open implements mail.Mailbox.
func (c *Client) Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	resp, err := c.Do(ctx, http.MethodGet, "/message/"+id.String(), nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func receipts(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	id, err := moot.ParseBlobID(r.PathValue("id"))
	if err != nil {
		return err
	}
	got, err := m.Receipts(r.Context(), id)
	return api.Reply(w, got, err)
}

// Receipts implements mail.Mailbox.
func (c *Client) Receipts(ctx context.Context, id moot.BlobID) (got []mail.Receipt, err error) {
	return got, c.Ask(ctx, http.MethodGet, "/receipts/"+id.String(), nil, &got)
}

// watch streams a line of JSON per change: the changed folders. The first is empty and
// confirms the subscription.
func watch(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	changes := m.Watch(r.Context())
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/x-ndjson")
	if out.Encode([]string{}) != nil || flush.Flush() != nil {
		return nil
	}
	for folders := range changes {
		if out.Encode(folders) != nil || flush.Flush() != nil {
			return nil
		}
	}
	return nil
}

// Watch implements mail.Mailbox. It also ends if the node goes offline.
func (c *Client) Watch(ctx context.Context) iter.Seq[[]string] {
	resp, err := c.Do(ctx, http.MethodGet, "/watch", nil)
	if err != nil {
		return func(func([]string) bool) {}
	}
	in := json.NewDecoder(resp.Body)
	var begun []string
	if in.Decode(&begun) != nil {
		resp.Body.Close()
		return func(func([]string) bool) {}
	}
	return func(yield func([]string) bool) {
		defer resp.Body.Close()
		for {
			var folders []string
			if in.Decode(&folders) != nil || !yield(folders) {
				return
			}
		}
	}
}
