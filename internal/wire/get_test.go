package wire

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// An early error becomes a problem document; a later one breaks the response.
func TestGetFailures(t *testing.T) {
	data := pattern(1 << 20)
	var tree bytes.Buffer
	hash := blob.NewHasher(&tree)
	hash.Write(data)
	b, _ := hash.Sum()
	var slice bytes.Buffer
	if err := blob.Encode(&slice, b, bytes.NewReader(data), bytes.NewReader(tree.Bytes()), moot.Whole); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sent  int // bytes before the error
		early bool
		kind  moot.ErrorKind
	}{
		"at once":        {0, true, moot.Corrupt},
		"after a header": {8, true, moot.Corrupt},
		"halfway":        {slice.Len() / 2, false, moot.Unavailable},
		"at the end":     {slice.Len(), false, moot.Unavailable},
	} {
		n := broken{get: func(moot.BlobID, moot.Range) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(slice.Bytes()[:c.sent]), failing{})), nil
		}}
		t.Run(name, func(t *testing.T) {
			overBoth(t, Handler(n, guard{}, Options{}), func(t *testing.T, client *Client) {
				got, err := client.Get(t.Context(), b.ID, moot.Whole)
				if early := err != nil; early != c.early {
					t.Fatal(err)
				}
				if err == nil {
					_, err = io.Copy(io.Discard, got)
					got.Close()
				}
				if moot.KindOf(err) != c.kind {
					t.Fatal(err)
				}
			})
		})
	}
}

// failing ends with an error of kind Corrupt.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, moot.Errorf(moot.Corrupt, "bytes have changed") }

func TestGetBadInput(t *testing.T) {
	s := serve(t, Handler(newMemory(), guard{}, Options{}), true)
	id := moot.BlobID{1}.String()
	for path, want := range map[string]int{
		"/v2/blobs/" + id:                     404,
		"/v2/blobs/" + id + "?raw=1":          404,
		"/v2/blobs/" + id[1:]:                 400,
		"/v2/blobs/" + id + "/holding":        404,
		"/v2/blobs/x/holding":                 400,
		"/v2/blobs/" + id + "?offset=-1":      400,
		"/v2/blobs/" + id + "?length=1e3":     400,
		"/v2/blobs/" + id + "?offset=" + id:   400,
		"/v2/blobs/" + id + "/../" + "nosuch": 404,
	} {
		status, text := fetchText(t, s.Client(), s.URL, "GET", path, "")
		if status != want || !strings.Contains(text, typeProblem) {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// A caller that disconnects ends the node's work.
func TestGetHangUp(t *testing.T) {
	closed := make(chan struct{})
	n := broken{get: func(moot.BlobID, moot.Range) (io.ReadCloser, error) {
		return struct {
			io.Reader
			io.Closer
		}{endless{}, closer(func() { close(closed) })}, nil
	}}
	c := dial(t, Handler(n, guard{}, Options{}))
	slice, err := c.Get(t.Context(), moot.BlobID{}, moot.Whole)
	if err != nil {
		t.Fatal(err)
	}
	io.CopyN(io.Discard, slice, 1<<20)
	slice.Close()
	<-closed
}

type closer func()

func (c closer) Close() error { c(); return nil }

func TestRaw(t *testing.T) {
	m := newMemory()
	data := pattern(100_000)
	b, _ := m.Put(t.Context(), bytes.NewReader(data))
	s := serve(t, Handler(m, guard{}, Options{}), true)
	for _, c := range []struct {
		method, head, value string
		status              int
		want                []byte
		contentRange        string
	}{
		{"GET", "", "", 200, data, ""},
		{"HEAD", "", "", 200, nil, ""},
		{"GET", "Range", "bytes=5-9", 206, data[5:10], "bytes 5-9/100000"},
		{"GET", "Range", "bytes=99990-", 206, data[99990:], "bytes 99990-99999/100000"},
		{"GET", "Range", "bytes=-7", 206, data[99993:], "bytes 99993-99999/100000"},
		{"GET", "Range", "bytes=0-1,5-6", 200, data, ""},
		{"GET", "Range", "bytes=100000-", 416, nil, "bytes */100000"},
		{"GET", "If-None-Match", `"` + b.ID.String() + `"`, 304, nil, ""},
	} {
		req, _ := http.NewRequest(c.method, s.URL+"/v2/blobs/"+b.ID.String(), nil)
		req.Header.Set("Accept", "text/plain;q=0.5, application/octet-stream")
		if c.head != "" {
			req.Header.Set(c.head, c.value)
		}
		resp, err := s.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || resp.Header.Get("Content-Range") != c.contentRange {
			t.Errorf("%s %s: %s %v %v", c.method, c.value, resp.Status, resp.Header, err)
		}
		if c.status == 416 {
			if resp.Header.Get("Content-Type") != typeProblem {
				t.Error(resp.Header)
			}
		} else if !bytes.Equal(got, c.want) {
			t.Errorf("%s %s: %d bytes, want %d", c.method, c.value, len(got), len(c.want))
		}
	}
}

// Raw content is verified: a false size or wrong bytes are never sent as a success.
func TestRawIsVerified(t *testing.T) {
	m := newMemory()
	data := pattern(1 << 20)
	b, _ := m.Put(t.Context(), bytes.NewReader(data))
	corrupted := func(at int) func(moot.BlobID, moot.Range) (io.ReadCloser, error) {
		return func(id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
			slice, _ := m.Get(t.Context(), id, r)
			text, _ := io.ReadAll(slice)
			if r == (moot.Range{Offset: 0, Length: b.Size}) {
				text[at] ^= 1
			}
			return io.NopCloser(bytes.NewReader(text)), nil
		}
	}
	falseSize := func() (moot.Holding, error) { return moot.Holding{Size: 1 << 19}, nil }
	for name, c := range map[string]struct {
		node   broken
		status int // 0: the answer breaks off
	}{
		"size":        {broken{Node: m, have: falseSize}, 422},
		"first group": {broken{Node: m, get: corrupted(1000)}, 422},
		"later group": {broken{Node: m, get: corrupted(900_000)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			for _, http2 := range []bool{true, false} {
				s := serve(t, Handler(c.node, guard{}, Options{}), http2)
				resp, err := s.Client().Get(s.URL + "/v2/blobs/" + b.ID.String() + "?raw=1")
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if c.status != 0 && (resp.StatusCode != c.status || resp.Header.Get("Etag") != "") {
					t.Error(resp.Status, resp.Header)
				}
				if c.status == 0 && (err == nil || !bytes.HasPrefix(data, got)) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
		})
	}
}
