package wire

import (
	"context"
	"net/http"

	"github.com/mootspace/moot"
)

// have serves GET /v2/blobs/{id}/holding: what this node can serve of a blob.
func (h *handler) have(w *writer, r *http.Request) error {
	id, err := moot.ParseBlobID(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := h.allow(r, "read", id.String()); err != nil {
		return err
	}
	held, err := h.node.Have(r.Context(), id)
	if err != nil {
		return err
	}
	if held.Ranges == nil {
		held.Ranges = []moot.Range{}
	}
	return writeJSON(w, http.StatusOK, held)
}

// Have implements moot.Blobs. A holding that cannot be is of kind Corrupt.
func (c *Client) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	var held moot.Holding
	err := c.fetch(ctx, call{method: http.MethodGet, path: blobPath(pathHolding, id), idle: c.idleTimeout}, &held)
	if err != nil {
		return moot.Holding{}, err
	}
	if !sound(held) {
		return moot.Holding{}, moot.Errorf(moot.Corrupt, "the node claims an impossible holding")
	}
	return held, nil
}

// sound reports whether the ranges lie within the size, sorted and apart. Only the
// empty blob is held as an empty range.
func sound(held moot.Holding) bool {
	free := int64(0) // first offset that the next range may have
	for _, r := range held.Ranges {
		if r.Offset < free || r.Offset > held.Size || r.Length < 0 || r.Length == 0 && held.Size > 0 || r.Length > held.Size-r.Offset {
			return false
		}
		free = r.End() + 1
	}
	return held.Size >= 0
}
