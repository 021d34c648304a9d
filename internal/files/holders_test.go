package files_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
)

// unreached is a node whose bytes cannot be had.
type unreached struct{ moot.Node }

var errUnreached = moot.WithHint(moot.Errorf(moot.Unavailable, "nobody who has it can be reached"), moot.HintListPeers)

func (unreached) Get(context.Context, moot.BlobID, moot.Range) (io.ReadCloser, error) {
	return nil, errUnreached
}

func (unreached) GetMany(context.Context, []moot.BlobID) iter.Seq2[moot.Small, error] {
	return func(func(moot.Small, error) bool) {}
}

// TestWithWhomItShouldBe: what cannot be had is named by its path, with who should have it.
func TestWithWhomItShouldBe(t *testing.T) {
	s := newStore(t)
	p := newSigner(s, 1)
	upload(t, files.New(s, p, files.Options{}), "d/f", "text")
	self := p.author.Next(moot.KindFile, "probe", nil, nil).Author
	f := files.New(unreached{s}, p, files.Options{Holders: func(id moot.BlobID, author moot.Key) []string {
		if author != self || id == (moot.BlobID{}) {
			t.Errorf("asked who holds %s of %s", id, author)
		}
		return []string{"ann", "bob", "cid", "dan", "eve", "fay"}
	}})
	_, open := errorOf(f.Open(t.Context(), "d/f", moot.Whole))
	_, one := f.Get(t.Context(), "d/f", filepath.Join(t.TempDir(), "out"), nil)
	_, folder := f.Get(t.Context(), "d", filepath.Join(t.TempDir(), "out"), nil)
	for what, err := range map[string]error{"open": open, "file": one, "folder": folder} {
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !errors.Is(err, moot.Unavailable) || moot.HintOf(err) != moot.HintListPeers ||
			!strings.HasSuffix(text, "nobody who has it can be reached; it should be with ann, bob, cid, dan, eve and others") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !strings.HasPrefix(one.Error(), "get d/f: ") || !strings.HasPrefix(folder.Error(), "get d: f: ") {
		t.Errorf("%v; %v", one, folder)
	}
}

func errorOf(rc io.ReadCloser, _ moot.Blob, err error) (io.ReadCloser, error) { return rc, err }
