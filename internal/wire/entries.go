package wire

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
)

// Append's mode in a request.
const (
	headerMode = "Moot-Mode"
	modeSwap   = "swap"
	modeMerge  = "merge"
)

// append serves POST /v2/entries: a CBOR sequence of entries, stored in order.
func (h *handler) append(w *writer, r *http.Request) error {
	mode, err := readMode(r.Header)
	if err != nil {
		return h.strangerOr(r, err)
	}
	entries, err := h.readEntries(r)
	if err != nil {
		return err
	}
	if err := h.node.Append(r.Context(), mode, entries...); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readEntries reads the body. The guard sees each entry as soon as it is read, so that
// a stranger's body is not read beyond the first one.
func (h *handler) readEntries(r *http.Request) ([]moot.Entry, error) {
	ctx, caller := r.Context(), moot.Caller(r.Context())
	limited := &io.LimitedReader{R: r.Body, N: maxBatch + 1}
	in := newItems(limited)
	var entries []moot.Entry
	for {
		item, err := in.next()
		switch {
		case limited.N == 0:
			return nil, h.strangerOr(r, moot.Errorf(moot.TooLarge, "more than %d bytes of entries at once", maxBatch))
		case err == io.EOF && len(entries) > 0:
			return entries, nil
		case err == io.EOF:
			return nil, h.strangerOr(r, nil)
		case err != nil:
			return nil, h.strangerOr(r, asRequestError(err))
		case len(entries) == maxEntries:
			return nil, h.strangerOr(r, moot.Errorf(moot.TooLarge, "more than %d entries at once", maxEntries))
		}
		e, err := feed.Decode(item)
		if err != nil {
			return nil, h.strangerOr(r, err)
		}
		if err := h.allow(r, "write", e.Key); err != nil {
			return nil, err
		}
		if err := h.guard.Accept(ctx, caller, e); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
}

// strangerOr returns err; for a caller who is a stranger, always the same error.
func (h *handler) strangerOr(r *http.Request, err error) error {
	if h.fromStranger(r) {
		return moot.Stranger
	}
	return err
}

// readMode reads Moot-Mode, or the plain HTTP header If-Match: with * the versions that
// an entry replaces must be those in force.
func readMode(head http.Header) (moot.Mode, error) {
	switch text := head.Get(headerMode); {
	case text == modeSwap, text == "" && head.Get("If-Match") == "*":
		return moot.Swap, nil
	case text == modeMerge, text == "" && head.Get("If-Match") == "":
		return moot.Merge, nil
	}
	return 0, moot.Errorf(moot.Invalid, "%s must be %s or %s, and If-Match can only be *", headerMode, modeMerge, modeSwap)
}

// postBytes is the size of one POST: small enough for the idle timeout on a slow link,
// and enough entries for one disk write.
const postBytes = 1 << 20

// Append implements moot.Feeds. Many entries travel as several requests, in order.
func (c *Client) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	var batch bytes.Buffer
	held := 0
	for _, e := range entries {
		if item := feed.Encode(e); held == maxEntries || held > 0 && batch.Len()+len(item) > postBytes {
			if err := c.post(ctx, mode, batch.Bytes()); err != nil {
				return err
			}
			batch.Reset()
			held = 0
			batch.Write(item)
		} else {
			batch.Write(item)
		}
		held++
	}
	if held == 0 {
		return nil
	}
	return c.post(ctx, mode, batch.Bytes())
}

func (c *Client) post(ctx context.Context, mode moot.Mode, batch []byte) error {
	header := http.Header{"Content-Type": {typeSeq}, headerMode: {modeMerge}}
	if mode == moot.Swap {
		header.Set(headerMode, modeSwap)
	}
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathEntries, header: header,
		body: bytes.NewReader(bytes.Clone(batch)), idle: c.workTimeout})
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
