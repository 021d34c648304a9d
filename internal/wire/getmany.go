package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"iter"
	"net/http"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// getMany serves POST /v2/blobs/fetch: of a list of blobs those that are held, small, and
// allowed to the caller, in any order. Others are left out.
func (h *handler) getMany(w *writer, r *http.Request) error {
	list, err := h.readable(r)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", typeSmall)
	out := bufio.NewWriterSize(w, peekBytes)
	var head []byte
	for small, err := range h.node.GetMany(r.Context(), list.ids) {
		if moot.KindOf(err) == moot.Corrupt { // of the caller's view: no false bytes were sent
			return moot.Errorf(moot.Unavailable, "what is held is damaged: %w", err)
		}
		if err != nil {
			return err
		}
		i, known := list.index[small.ID]
		if !known || len(small.Data) > moot.MaxSmall {
			return moot.Errorf(moot.Internal, "the store answered with %v (%d bytes)", small.ID, len(small.Data))
		}
		delete(list.index, small.ID)
		head = binary.AppendUvarint(head[:0], uint64(i))
		head = binary.AppendUvarint(head, uint64(len(small.Data)))
		out.Write(head)
		if _, failed := out.Write(small.Data); failed != nil {
			return nil // the caller has left
		}
	}
	_ = out.Flush() // an error means that the caller has left
	return nil
}

// asked is a list of blobs in a request.
type asked struct {
	count int                 // with repetitions, and those that the caller may not read
	ids   []moot.BlobID       // without
	index map[moot.BlobID]int // place in the list of each of ids
}

// readable reads a list of blobs and finds those that the caller may read.
func (h *handler) readable(r *http.Request) (asked, error) {
	if err := h.allow(r, "read", ""); err != nil {
		return asked{}, err
	}
	all, err := readIDs(r.Body)
	if err != nil {
		return asked{}, err
	}
	list := asked{count: len(all), index: make(map[moot.BlobID]int, len(all))}
	for i, id := range all {
		if _, again := list.index[id]; again {
			continue
		}
		switch err := h.allow(r, "read", id.String()); {
		case err == nil:
			list.ids, list.index[id] = append(list.ids, id), i
		case moot.KindOf(err) != moot.Denied && moot.KindOf(err) != moot.NotFound:
			return asked{}, err
		}
	}
	return list, nil
}

// GetMany implements moot.Blobs. Bytes that do not match their ID, and blobs that were not
// asked for, are of kind Corrupt.
func (c *Client) GetMany(ctx context.Context, ids []moot.BlobID) iter.Seq2[moot.Small, error] {
	return c.GetManyThrough(ctx, ids, func(r io.Reader) io.Reader { return r })
}

// GetManyThrough is GetMany, and the response is read through what meter returns.
func (c *Client) GetManyThrough(ctx context.Context, ids []moot.BlobID, meter func(io.Reader) io.Reader) iter.Seq2[moot.Small, error] {
	return func(yield func(moot.Small, error) bool) {
		if len(ids) == 0 {
			return
		}
		if err := c.getMany(ctx, ids, meter, func(s moot.Small) bool { return yield(s, nil) }); err != nil {
			yield(moot.Small{}, err)
		}
	}
}

func (c *Client) getMany(ctx context.Context, ids []moot.BlobID, meter func(io.Reader) io.Reader, yield func(moot.Small) bool) error {
	resp, err := c.do(ctx, call{method: http.MethodPost, path: pathGetMany, body: bytes.NewReader(listOf(ids)), want: typeSmall,
		idle: c.workTimeout, header: http.Header{"Content-Type": {typeBytes}}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	in := bufio.NewReaderSize(meter(resp.Body), peekBytes)
	seen := make([]bool, len(ids))
	for {
		small, err := readFetched(in, ids, seen)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !yield(small) {
			return nil
		}
	}
}

// readFetched reads the next blob of a response and verifies it. The error is io.EOF after
// the last.
func readFetched(in *bufio.Reader, ids []moot.BlobID, seen []bool) (moot.Small, error) {
	i, err := readNumber(in)
	if err == io.EOF {
		return moot.Small{}, err
	}
	if err == nil && (i >= uint64(len(ids)) || seen[i]) {
		return moot.Small{}, moot.Errorf(moot.Corrupt, "the node sent a blob that was not asked for")
	}
	var data []byte
	if err == nil {
		data, err = readSmall(in)
	}
	switch kind := moot.KindOf(err); {
	case err == nil:
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return moot.Small{}, moot.Errorf(moot.Unavailable, "the response ended within a blob")
	case kind == moot.TooLarge || kind == moot.Invalid:
		return moot.Small{}, moot.Errorf(moot.Corrupt, "the node sent no blobs: %w", err)
	default:
		return moot.Small{}, err
	}
	if blob.IDOf(data) != ids[i] {
		return moot.Small{}, moot.Errorf(moot.Corrupt, "the node sent other bytes than those of %v", ids[i])
	}
	seen[i] = true
	return moot.Small{ID: ids[i], Data: data}, nil
}
