package wire

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/mootspace/moot"
)

const (
	copyBuffer = 128 << 10
	peekBytes  = 32 << 10 // more than a slice's header, parents and first group
)

// get serves GET /v2/blobs/{id}?offset=&length=: a Bao slice of that range; or,
// with Accept: application/octet-stream or ?raw=1, the content itself.
func (h *handler) get(w *writer, r *http.Request) error {
	id, err := moot.ParseBlobID(r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := h.allow(r, "read", id.String()); err != nil {
		return err
	}
	w.Header().Set("Vary", "Accept")
	if wantsRaw(r) {
		return h.raw(w, r, id)
	}
	rng, err := parseRange(r.URL.Query())
	if err != nil {
		return err
	}
	slice, err := h.node.Get(r.Context(), id, rng)
	if err != nil {
		return err
	}
	defer slice.Close()
	w.Header().Set("Content-Type", typeBao)
	return h.stream(w, r, slice)
}

// stream responds with all of src. It begins with the first bytes, so that an error
// before them becomes a problem document.
func (h *handler) stream(w *writer, r *http.Request, src io.Reader) error {
	lent := h.buffers.Get().(*[]byte)
	defer h.buffers.Put(lent)
	buf := *lent
	n, err := fill(src, buf, peekBytes)
	if err == io.EOF {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	for {
		if err != nil && err != io.EOF {
			return err
		}
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusOK)
			return nil
		}
		if _, failed := w.Write(buf[:n]); failed != nil || err == io.EOF {
			return nil // done, or the caller has left
		}
		n, err = src.Read(buf)
	}
}

// fill reads until buf holds at least enough bytes or src ends with an error.
// Unlike io.ReadAtLeast it keeps an end apart from a failure.
func fill(src io.Reader, buf []byte, enough int) (n int, err error) {
	for n < enough && err == nil {
		var more int
		more, err = src.Read(buf[n:])
		n += more
	}
	return n, err
}

// wantsRaw reports whether content is requested instead of a Bao slice.
func wantsRaw(r *http.Request) bool {
	raw, _ := strconv.ParseBool(r.URL.Query().Get("raw"))
	return raw || accepts(r, typeBytes)
}

// accepts reports whether the header Accept names the media type itself.
func accepts(r *http.Request, want string) bool {
	for _, value := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(value, ",") {
			if got, _, err := mime.ParseMediaType(part); err == nil && got == want {
				return true
			}
		}
	}
	return false
}

// parseRange reads the parameters offset and length; without them, moot.Whole.
func parseRange(params url.Values) (moot.Range, error) {
	rng := moot.Whole
	for name, dst := range map[string]*int64{"offset": &rng.Offset, "length": &rng.Length} {
		text := params.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return rng, moot.Errorf(moot.Invalid, "%s=%.40q: want a number of bytes", name, text)
		}
		*dst = n
	}
	return rng, nil
}

// Get implements moot.Blobs. Nothing is verified here: blob.NewDecoder does.
func (c *Client) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	params := url.Values{}
	if r.Offset > 0 {
		params.Set("offset", strconv.FormatInt(r.Offset, 10))
	}
	if r.Length >= 0 {
		params.Set("length", strconv.FormatInt(r.Length, 10))
	}
	resp, err := c.do(ctx, call{method: http.MethodGet, path: blobPath(pathBlob, id), params: params, want: typeBao, idle: c.workTimeout})
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

func blobPath(pattern string, id moot.BlobID) string {
	return strings.Replace(pattern, "{id}", id.String(), 1)
}
