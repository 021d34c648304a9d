package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// A response that names another blob, or comes too early, is an error.
func TestPutRefusesFalseAnswers(t *testing.T) {
	other, _ := blob.Hash(strings.NewReader("other"))
	data := pattern(4 << 20)
	truth, _ := blob.Hash(bytes.NewReader(data))
	answers := map[string]func(io.Reader) (moot.Blob, error){
		"another blob": func(r io.Reader) (moot.Blob, error) { io.Copy(io.Discard, r); return other, nil },
		"another size": func(r io.Reader) (moot.Blob, error) {
			io.Copy(io.Discard, r)
			return moot.Blob{ID: truth.ID, Size: 1}, nil
		},
		"too early": func(io.Reader) (moot.Blob, error) { return truth, nil },
	}
	for name, put := range answers {
		t.Run(name, func(t *testing.T) {
			overBoth(t, Handler(broken{put: put}, guard{}, Options{}), func(t *testing.T, c *Client) {
				var src io.Reader = bytes.NewReader(data)
				if name == "too early" {
					src = io.MultiReader(src, io.LimitReader(endless{}, 1<<30)) // more than fits into buffers
				}
				if got, err := c.Put(t.Context(), src); moot.KindOf(err) != moot.Corrupt {
					t.Fatal(got, err)
				}
			})
		})
	}
}

// The source's own error comes back as it is, and the node keeps nothing.
func TestPutFailingSource(t *testing.T) {
	failure := errors.New("the disk was pulled out")
	m := newMemory()
	overBoth(t, Handler(m, guard{}, Options{}), func(t *testing.T, c *Client) {
		_, err := c.Put(t.Context(), io.MultiReader(bytes.NewReader(pattern(100_000)), iotest.ErrReader(failure)))
		if !errors.Is(err, failure) {
			t.Fatal(err)
		}
	})
	if len(m.blobs) != 0 {
		t.Fatal("a broken upload was kept")
	}
}

// A refusal arrives although the body was not read, and the source is let go.
func TestPutRefusedEarly(t *testing.T) {
	full := func(io.Reader) (moot.Blob, error) { return moot.Blob{}, moot.Errorf(moot.Full, "no space left") }
	overBoth(t, Handler(broken{put: full}, guard{}, Options{}), func(t *testing.T, c *Client) {
		src := &watched{r: io.LimitReader(endless{}, 1<<30)}
		_, err := c.Put(t.Context(), src)
		if moot.KindOf(err) != moot.Full {
			t.Fatal(err)
		}
		src.returned = true // the race detector sees a Read after this
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type watched struct {
	r        io.Reader
	returned bool
}

func (w *watched) Read(p []byte) (int, error) {
	if w.returned {
		panic("read after Put has returned")
	}
	return w.r.Read(p)
}

// Nothing buffers a blob: the first bytes are there before the last are sent.
func TestPutStreams(t *testing.T) {
	arrived := make(chan struct{})
	n := broken{put: func(r io.Reader) (moot.Blob, error) {
		io.ReadFull(r, make([]byte, 1))
		close(arrived)
		io.Copy(io.Discard, r)
		return moot.Blob{}, moot.Errorf(moot.Full, "enough")
	}}
	c := dial(t, Handler(n, guard{}, Options{}))
	pr, pw := io.Pipe()
	go func() {
		pw.Write(pattern(100_000))
		<-arrived
		pw.Close()
	}()
	within(t, 10*time.Second, func() {
		if _, err := c.Put(t.Context(), pr); moot.KindOf(err) != moot.Full {
			t.Error(err)
		}
	})
}

func TestPutWithCurl(t *testing.T) {
	s := serve(t, Handler(newMemory(), guard{}, Options{Version: "1.2"}), false)
	resp, err := s.Client().Post(s.URL+pathBlobs, "", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want, _ := blob.Hash(strings.NewReader("hello"))
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusCreated || string(body) != `{"id":"`+want.ID.String()+`","size":5}` {
		t.Fatal(resp.Status, string(body))
	}
	if at := resp.Header.Get("Location"); at != "/v2/blobs/"+want.ID.String() || resp.Header.Get("Server") != "moot/1.2" {
		t.Fatal(resp.Header)
	}
}
