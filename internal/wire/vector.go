package wire

import (
	"context"
	"net/http"

	"github.com/mootspace/moot"
)

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
	err := c.fetch(ctx, call{method: http.MethodGet, path: pathVector, idle: c.idleTimeout}, &v)
	return v, err
}
