package wire

import (
	"context"
	"net/http"

	"github.com/mootspace/moot"
)

// Limits of a vector from another node: more feeds, or more ends of one feed, than any
// store keeps.
const (
	maxAuthors = 1 << 15
	maxHeads   = 128
)

// checkVector refuses a vector beyond the limits; kind TooLarge.
func checkVector(v moot.Vector) error {
	if len(v.Heads) > maxAuthors {
		return moot.Errorf(moot.TooLarge, "a vector of %d feeds is beyond the limit of %d", len(v.Heads), maxAuthors)
	}
	for author, heads := range v.Heads {
		if len(heads) > maxHeads {
			return moot.Errorf(moot.TooLarge, "%d heads of the feed of %s are beyond the limit of %d", len(heads), author.Short(), maxHeads)
		}
	}
	return nil
}

// vector serves GET /v2/vector: how much of every feed this node holds.
func (h *handler) vector(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	v, err := h.node.Vector(r.Context())
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, v.Clone()) // {} rather than null
}

// Vector implements moot.Feeds.
func (c *Client) Vector(ctx context.Context) (moot.Vector, error) {
	var v moot.Vector
	err := c.fetch(ctx, call{method: http.MethodGet, path: PathVector, idle: c.idleTimeout}, &v)
	if err == nil {
		err = checkVector(v)
	}
	if err != nil {
		return moot.Vector{}, err
	}
	return v, nil
}
