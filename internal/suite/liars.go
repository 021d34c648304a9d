package suite

import (
	"context"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// lie makes a node send wrong bytes.
func lie(n moot.Node) moot.Node { return lying{n} }

type lying struct{ moot.Node }

func (l lying) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := l.Node.Get(ctx, id, r)
	return struct {
		io.Reader
		io.Closer
	}{&flipper{r: rc}, rc}, err
}

func (l lying) Exchange(ctx context.Context, id moot.BlobID) (moot.Exchange, error) {
	return blob.NewExchange(ctx, l, id), nil
}

// flipper changes a byte in every few thousand.
type flipper struct {
	r io.Reader
	n int
}

func (f *flipper) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	for i := range p[:n] {
		if f.n++; f.n%5000 == 0 {
			p[i] ^= 1
		}
	}
	return n, err
}

// stranger is somebody with a key of its own, who knows where everybody is.
func (w *World) stranger() *Member {
	m := &Member{world: w, key: seal.NewKey()}
	m.home.Store(&home{roster: policy.NewRoster(w.space, m.now)})
	m.link = Links[w.Link](m)
	if _, err := m.link.Listen(m, nil); err != nil {
		w.t.Fatalf("%v", err)
	}
	w.t.Cleanup(m.link.Close)
	return m
}
