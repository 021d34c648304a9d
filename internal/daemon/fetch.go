package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/front/cli"
)

// A large file that is fetched is written once: the node downloads it, and hands its
// bytes over to where they are wanted by renaming them. It goes on serving them from
// there, as one shared in place. Both sides of this question are in this file.

// leastMoved is the size in bytes from which that is worth a record in the database.
const leastMoved = 1 << 20

// Fetch implements files.Fetcher.
func (l linker) Fetch(ctx context.Context, f files.File, count func(int)) (done bool, err error) {
	return l.fetch(ctx, wanted{Blob: f.Blob.ID, Path: f.Path, Mode: f.Mode, ModTime: f.ModTime}, count)
}

// wanted is a blob and where it is to be.
type wanted struct {
	Blob    moot.BlobID `json:"blob"`
	Path    string      `json:"path"` // absolute
	Mode    os.FileMode `json:"mode"`
	ModTime time.Time   `json:"modified"`
	Via     cli.Via     `json:"via"`
	// Proof is a file beside Path, and Token what is in it: the asking process and
	// this one may see different files under one path. Empty: they are one process.
	Proof string `json:"proof,omitempty"`
	Token []byte `json:"token,omitempty"`
}

func (l linker) fetch(ctx context.Context, w wanted, count func(int)) (moved bool, err error) {
	through, err := l.n.via(ctx, l.via)
	if err != nil {
		return false, err
	}
	size := int64(0)
	fresh, err := through.Fetch(ctx, w.Blob, func(n int64) { size += n; count(int(n)) })
	if err != nil || !fresh || l.n.serves || size < leastMoved { // a server keeps bytes of its own
		return false, err
	}
	if w.Proof != "" {
		if found, err := os.ReadFile(w.Proof); err != nil || !bytes.Equal(found, w.Token) {
			return false, nil
		}
	}
	return l.n.store.Move(ctx, w.Blob, w.Path, w.Mode, w.ModTime)
}

// fetchNews is a line of the answer; the last one has End.
type fetchNews struct {
	Came  int64          `json:"came,omitempty"` // bytes
	End   bool           `json:"end,omitempty"`
	Moved bool           `json:"moved,omitempty"`
	Kind  moot.ErrorKind `json:"kind,omitempty"` // of what went wrong
	Why   string         `json:"why,omitempty"`
}

func (n *node) serveFetch(w http.ResponseWriter, r *http.Request) {
	var in wanted
	if !readRequest(w, r, &in) {
		return
	}
	if !filepath.IsAbs(in.Path) {
		reply(w, nil, moot.Errorf(moot.Invalid, "%q is not an absolute path", in.Path))
		return
	}
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	tell := func(news fetchNews) {
		out.Encode(news) // if the owner's command went away r's context ends
		flush.Flush()
	}
	moved, err := linker{n, in.Via}.fetch(r.Context(), in, func(came int) { tell(fetchNews{Came: int64(came)}) })
	last := fetchNews{End: true, Moved: moved}
	if err != nil {
		last.Kind, last.Why = moot.KindOf(err), err.Error()
	}
	tell(last)
}

// Fetch has the running node bring a file to its place.
func (r *remote) Fetch(ctx context.Context, f files.File, count func(int)) (done bool, err error) {
	path, err := filepath.Abs(f.Path)
	if err != nil {
		return false, moot.Errorf(moot.Internal, "%w", err)
	}
	in := wanted{Blob: f.Blob.ID, Path: path, Mode: f.Mode, ModTime: f.ModTime, Via: r.via, Token: []byte(rand.Text())}
	proof, err := os.CreateTemp(filepath.Dir(path), ".moot-")
	if err != nil {
		return false, nil // the caller finds out why
	}
	defer os.Remove(proof.Name())
	in.Proof = proof.Name()
	if _, err := proof.Write(in.Token); errors.Join(err, proof.Close()) != nil {
		return false, nil
	}
	resp, err := r.send(ctx, http.MethodPost, "/fetch", in)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	return readNews(resp.Body, count)
}

func readNews(from io.Reader, count func(int)) (moved bool, err error) {
	lines := json.NewDecoder(from)
	for {
		var news fetchNews
		if err := lines.Decode(&news); err != nil {
			return false, moot.Errorf(moot.Unavailable, "the running node went away: %w", err)
		}
		if news.Kind != "" {
			return false, moot.Errorf(news.Kind, "%s", news.Why)
		}
		if news.End {
			return news.Moved, nil
		}
		count(int(news.Came))
	}
}
