package wire

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// put serves POST /v2/blobs: the body is the blob; 201 means that it is safe.
func (h *handler) put(w *writer, r *http.Request) error {
	if err := h.allow(r, "upload", ""); err != nil {
		return err
	}
	b, err := h.node.Put(r.Context(), r.Body)
	if err != nil {
		return err
	}
	w.Header().Set("Location", strings.Replace(pathBlob, "{id}", b.ID.String(), 1))
	return writeJSON(w, http.StatusCreated, b)
}

// Put implements moot.Blobs. The bytes are hashed as they are sent, and a response with
// another ID or size is of kind Corrupt.
func (c *Client) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	up := &upload{src: r, sum: blob.NewHasher(nil)}
	defer func() { _ = up.stop() }() // its error is reported below
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathBlobs, body: up, want: typeJSON, idle: c.workTimeout,
		header: http.Header{"Content-Type": {typeBytes}}})
	if err != nil {
		if failed := up.stop(); failed != nil {
			return moot.Blob{}, failed
		}
		return moot.Blob{}, err
	}
	defer resp.Body.Close()
	text, err := readAll(resp.Body, maxProblem)
	if err != nil {
		return moot.Blob{}, err
	}
	var got moot.Blob
	if err := json.Unmarshal(text, &got); err != nil {
		return moot.Blob{}, moot.Errorf(moot.Corrupt, "the response is not the expected JSON")
	}
	return up.check(got)
}

// upload is the body of a Put or PutMany. Reading and stopping exclude each other, because a
// transport may go on reading after the response, and the reader belongs to the caller
// of Put again once Put has returned.
type upload struct {
	idle *idleTimer // set before the first Read

	mu      sync.Mutex
	src     io.Reader
	sum     *blob.Hasher // nil: what is sent was hashed before
	ended   bool         // all of src has been read
	failed  error        // of src
	stopped bool
}

func (u *upload) Read(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.stopped {
		return 0, io.ErrClosedPipe
	}
	u.idle.pause() // the source's own time does not count
	n, err := u.src.Read(p)
	u.idle.start()
	if u.sum != nil {
		u.sum.Write(p[:n])
	}
	if err == io.EOF {
		u.ended = true
	} else if err != nil {
		u.failed = err
	}
	return n, err
}

// stop ends the use of the source, and returns its error if it had one.
func (u *upload) stop() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.stopped = true
	return u.failed
}

// check returns got if it names all the bytes that were sent.
func (u *upload) check(got moot.Blob) (moot.Blob, error) {
	if err := u.stop(); err != nil {
		return moot.Blob{}, err
	}
	if !u.ended {
		return moot.Blob{}, moot.Errorf(moot.Corrupt, "the node claims to have stored bytes that were not sent yet")
	}
	sent, err := u.sum.Sum()
	if err != nil {
		return moot.Blob{}, err
	}
	if got != sent {
		return moot.Blob{}, moot.Errorf(moot.Corrupt, "the node stored %v (%d bytes) instead of %v (%d bytes)", got.ID, got.Size, sent.ID, sent.Size)
	}
	return sent, nil
}
