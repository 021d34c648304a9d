package wire

import (
	"bufio"
	"context"
	"io"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// storeBatch is how many bytes of small blobs a request holds in memory before it stores
// them: few flushes, and a slow link is not silent for long while they pass a throttle.
const storeBatch = 1 << 20

// putMany serves POST /v2/blobs/store: the body is frames of blobs; the response, a list of
// their names in the same order, means that all are safe.
func (h *handler) putMany(w *writer, r *http.Request) error {
	if err := h.allow(r, "upload", ""); err != nil {
		return err
	}
	in := bufio.NewReaderSize(r.Body, peekBytes)
	var ids []moot.BlobID
	for {
		contents, end := readBatch(in, moot.MaxMany-len(ids))
		if end != nil && end != io.EOF {
			return asRequestError(end)
		}
		if len(contents) > 0 {
			stored, err := h.node.PutMany(r.Context(), contents)
			if err != nil {
				return err
			}
			for _, b := range stored {
				ids = append(ids, b.ID)
			}
		}
		if end == io.EOF {
			break
		}
	}
	w.Header().Set("Content-Type", typeBytes)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(listOf(ids)) // an error means that the client has left
	return nil
}

// readBatch reads blobs until they have storeBatch bytes, with nil, or end, with io.EOF.
// Kinds: TooLarge beyond limit blobs, Invalid.
func readBatch(in *bufio.Reader, limit int) (contents [][]byte, err error) {
	for size := 0; size < storeBatch; {
		data, err := readSmall(in)
		if err != nil {
			return contents, err
		}
		if len(contents) == limit {
			return nil, moot.Errorf(moot.TooLarge, "more than %d blobs", moot.MaxMany)
		}
		contents, size = append(contents, data), size+len(data)
	}
	return contents, nil
}

// PutMany implements moot.Blobs. A response with other names is of kind Corrupt.
func (c *Client) PutMany(ctx context.Context, contents [][]byte) ([]moot.Blob, error) {
	return c.PutManyThrough(ctx, contents, func(r io.Reader) io.Reader { return r })
}

// PutManyThrough is PutMany, and the request is read through what meter returns.
func (c *Client) PutManyThrough(ctx context.Context, contents [][]byte, meter func(io.Reader) io.Reader) ([]moot.Blob, error) {
	if len(contents) == 0 {
		return nil, nil
	}
	want := make([]moot.Blob, len(contents))
	for i, data := range contents {
		if len(data) > moot.MaxSmall {
			return nil, moot.Errorf(moot.TooLarge, "a blob of %d bytes among small ones: at most %d", len(data), moot.MaxSmall)
		}
		want[i] = moot.Blob{ID: blob.IDOf(data), Size: int64(len(data))}
	}
	up := &upload{src: meter(&smallReader{contents: contents})}
	defer func() { _ = up.stop() }() // its error is reported below
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathPutMany, body: up, want: typeBytes, idle: c.workTimeout,
		header: http.Header{"Content-Type": {typeSmall}}})
	if err != nil {
		if failed := up.stop(); failed != nil {
			return nil, failed
		}
		return nil, err
	}
	defer resp.Body.Close()
	if err := checkNames(resp.Body, want); err != nil {
		return nil, err
	}
	return want, nil
}

// checkNames compares the names in a response with those of what was sent.
func checkNames(r io.Reader, want []moot.Blob) error {
	got, err := readIDs(r)
	if err != nil && moot.KindOf(err) != moot.Invalid && moot.KindOf(err) != moot.TooLarge {
		return err
	}
	same := err == nil && len(got) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = got[i] == want[i].ID
	}
	if !same {
		return moot.Errorf(moot.Corrupt, "the node stored other blobs than were sent")
	}
	return nil
}
