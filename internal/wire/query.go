package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"unicode/utf8"

	"github.com/mootspace/moot"
)

// query serves POST /v2/query: a moot.Query as JSON, answered by entries.
func (h *handler) query(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	q, err := readQuery(r.Body)
	if err != nil {
		return err
	}
	out := newOutput(w, r)
	for e, err := range h.node.Query(r.Context(), q) {
		if err != nil {
			return out.fail(err)
		}
		if out.entry(e) != nil {
			return nil // the caller has left
		}
	}
	_ = out.buf.Flush() // an error means that the client has left
	return nil
}

func readQuery(r io.Reader) (moot.Query, error) {
	var q moot.Query
	if err := readJSON(r, &q); err != nil {
		return q, err
	}
	if q.Limit < 0 {
		return q, moot.Errorf(moot.Invalid, "limit %d: want 0 or more", q.Limit)
	}
	if len(q.IDs) > moot.MaxIDs {
		return q, moot.Errorf(moot.TooLarge, "%d IDs are beyond the limit of %d", len(q.IDs), moot.MaxIDs)
	}
	return q, checkVector(q.Since)
}

// Query implements moot.Feeds.
func (c *Client) Query(ctx context.Context, q moot.Query) iter.Seq2[moot.Entry, error] {
	return func(yield func(moot.Entry, error) bool) {
		for _, text := range []string{string(q.Kind), q.Key, q.Prefix, q.Words} {
			if !utf8.ValidString(text) { // JSON would change it
				yield(moot.Entry{}, moot.Errorf(moot.Invalid, "%.100q is not UTF-8", text))
				return
			}
		}
		in, err := c.entries(ctx, pathQuery, q)
		if err != nil {
			yield(moot.Entry{}, err)
			return
		}
		defer in.Close()
		for {
			e, heartbeat, err := in.nextEntry()
			if err == io.EOF || !heartbeat && !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// entrySource is a response that consists of entries.
type entrySource struct {
	*items
	io.Closer
}

// entries posts body as JSON and returns the response.
func (c *Client) entries(ctx context.Context, path string, body any) (*entrySource, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "the query cannot be encoded: %w", err)
	}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: path, body: bytes.NewReader(text),
		header: http.Header{"Content-Type": {typeJSON}}, want: typeSeq, idle: c.idleTimeout})
	if err != nil {
		return nil, err
	}
	return &entrySource{newItems(resp.Body), resp.Body}, nil
}
