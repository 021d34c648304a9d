package wire

import (
	"bytes"
	"context"
	"net/http"

	"github.com/mootspace/moot"
)

// haveMany serves POST /v2/blobs/have: a set of bits, the lowest first, that are set for
// those of a list of blobs of which all is held. Others, and those that the caller may not
// read, are not.
func (h *handler) haveMany(w *writer, r *http.Request) error {
	list, err := h.readable(r)
	if err != nil {
		return err
	}
	held, err := h.node.HaveMany(r.Context(), list.ids)
	if err != nil {
		return err
	}
	bits := make([]byte, (list.count+7)/8)
	for i, ok := range held {
		if at := list.index[list.ids[i]]; ok {
			bits[at/8] |= 1 << (at % 8)
		}
	}
	w.Header().Set("Content-Type", typeBytes)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(bits) // an error means that the client has left
	return nil
}

// HaveMany implements moot.Blobs.
func (c *Client) HaveMany(ctx context.Context, ids []moot.BlobID) ([]bool, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathHaveMany, body: bytes.NewReader(listOf(ids)), want: typeBytes,
		idle: c.workTimeout, header: http.Header{"Content-Type": {typeBytes}}})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	bits, err := readAll(resp.Body, int64(len(ids)+7)/8)
	if err != nil && moot.KindOf(err) != moot.TooLarge {
		return nil, err
	}
	if err != nil || len(bits) != (len(ids)+7)/8 {
		return nil, moot.Errorf(moot.Corrupt, "the response is no set of %d bits", len(ids))
	}
	held := make([]bool, len(ids))
	first := make(map[moot.BlobID]int, len(ids)) // only the first of a repeated ID is answered
	for i, id := range ids {
		at, again := first[id]
		if !again {
			first[id], at = i, i
		}
		held[i] = bits[at/8]>>(at%8)&1 == 1
	}
	return held, nil
}
