package wire

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// raw responds with verified content, or with one range of it (RFC 9110, 14.2).
// A browser may cache it for ever, and must never treat it as a page of this node.
func (h *handler) raw(w *writer, r *http.Request, id moot.BlobID) error {
	size, err := h.provenSize(r.Context(), id)
	if err != nil {
		return err
	}
	if strings.Contains(r.Header.Get("Range"), ",") {
		r.Header.Del("Range") // several: respond with the whole, as the RFC allows
	}
	head := w.Header()
	head.Set("Content-Type", typeBytes)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	head.Set("Content-Disposition", `attachment; filename="`+id.String()+`"`)
	head.Set("Cache-Control", "private, max-age=31536000, immutable")
	head.Set("ETag", `"`+id.String()+`"`)

	late := &lateWriter{writer: w}
	content := &content{ctx: r.Context(), node: h.node, id: id, size: size, head: head}
	defer content.close()
	http.ServeContent(late, r, "", time.Time{}, content)
	if content.err == nil {
		late.end()
		return nil
	}
	if w.status == 0 {
		for _, name := range []string{"Content-Length", "Content-Range", "Content-Disposition", "Cache-Control", "ETag", "Accept-Ranges"} {
			head.Del(name)
		}
	}
	return content.err
}

// provenSize gets the last group, because only that proves a blob's size.
func (h *handler) provenSize(ctx context.Context, id moot.BlobID) (int64, error) {
	held, err := h.node.Have(ctx, id)
	if err != nil {
		return 0, err
	}
	last := blob.LastRange(held.Size)
	slice, err := h.node.Get(ctx, id, last)
	if err != nil {
		return 0, err
	}
	defer slice.Close()
	d := blob.NewDecoder(slice, id, last)
	if _, err := io.Copy(io.Discard, d); err != nil {
		return 0, err
	}
	size, err := d.Size()
	if err == nil && size != held.Size {
		err = moot.Errorf(moot.Corrupt, "the size of %v differs from the one announced", id)
	}
	return size, err
}

// content is a blob as http.ServeContent wants it: it seeks first, announces how
// many bytes it will send in head, and then reads so many.
type content struct {
	ctx    context.Context //nolint:containedctx // methods of io take no context
	node   moot.Node
	id     moot.BlobID
	size   int64
	offset int64
	head   http.Header
	slice  io.ReadCloser // nil until the first Read
	from   io.Reader
	err    error // other than io.EOF
}

func (c *content) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekEnd {
		offset += c.size
	}
	c.offset = offset
	return offset, nil
}

func (c *content) Read(p []byte) (n int, err error) {
	if c.slice == nil {
		err = c.open()
	}
	if err == nil {
		n, err = c.from.Read(p)
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// open gets exactly the bytes announced.
func (c *content) open() (err error) {
	rng := moot.Range{Offset: c.offset, Length: -1}
	if n, err := strconv.ParseInt(c.head.Get("Content-Length"), 10, 64); err == nil {
		rng.Length = n
	}
	if c.slice, err = c.node.Get(c.ctx, c.id, rng); err == nil {
		c.from = blob.NewDecoder(c.slice, c.id, rng)
	}
	return err
}

func (c *content) close() {
	if c.slice != nil {
		c.slice.Close()
	}
}

// lateWriter delays the status until the first byte follows, so that a problem can
// replace it; and it replaces the text of a 416.
type lateWriter struct {
	*writer
	code int
}

func (w *lateWriter) WriteHeader(status int) { w.code = status }

func (w *lateWriter) Write(p []byte) (int, error) {
	if w.code == http.StatusRequestedRangeNotSatisfiable {
		return len(p), nil
	}
	if w.status == 0 {
		w.writer.WriteHeader(w.code)
	}
	return w.writer.Write(p)
}

func (w *lateWriter) end() {
	switch {
	case w.code == http.StatusRequestedRangeNotSatisfiable:
		for _, name := range []string{"Content-Disposition", "Content-Security-Policy"} {
			w.Header().Del(name)
		}
		problem{Title: http.StatusText(w.code), Status: w.code, Kind: moot.Invalid}.write(w.writer)
	case w.status == 0:
		w.writer.WriteHeader(w.code)
	}
}
