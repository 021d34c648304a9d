package ask

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// TestARefusalIsFinal: an authority that can be reached decides, even if it is only
// preferred: nothing is stored here that it refuses.
func TestARefusalIsFinal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, false)
		if err := server.Append(t.Context(), moot.Swap, entry(moot.Key{2}, 1, "k")); err != nil {
			t.Fatal(err)
		}
		err := w.node.Append(t.Context(), moot.Swap, entry(moot.Key{1}, 1, "k"))
		if !errors.Is(err, moot.Conflict) || seqs(t, &w.local.feeds) != 0 {
			t.Errorf("refused by the server: %v; %d entries are stored here", err, seqs(t, &w.local.feeds))
		}
	})
}

// TestCancelledIsNotAway: a caller that cancels has not decided to go on
// without it.
func TestCancelledIsNotAway(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, false)
		server.silent = true
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.node.Append(ctx, moot.Merge, entry(moot.Key{1}, 1, "k")); err == nil || seqs(t, &w.local.feeds) != 0 {
			t.Errorf("cancelled: %v; %d entries are stored here", err, seqs(t, &w.local.feeds))
		}
	})
}

// TestTheAuthorityKnewMore: what it has accepted is stored here together with what
// comes before, which this machine lacked, unless that is forged.
func TestTheAuthorityKnewMore(t *testing.T) {
	for _, forged := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w, server := withServer(t, true)
			me := moot.Key{1}
			if err := server.Append(t.Context(), moot.Merge, entry(me, 1, "a"), entry(me, 2, "b")); err != nil {
				t.Fatal(err)
			}
			want := 3
			if forged {
				w.node.cfg.Verify = func(moot.Entry) error { return moot.Errorf(moot.Corrupt, "forged") }
				want = 0
			}
			if err := w.node.Append(t.Context(), moot.Merge, entry(me, 3, "c")); err != nil {
				t.Fatal(err)
			}
			if n := seqs(t, &w.local.feeds); n != want {
				t.Errorf("forged %v: %d entries are stored here", forged, n)
			}
			if logged := strings.Contains(w.log.String(), "not stored here"); logged != forged {
				t.Errorf("forged %v: the log:\n%s", forged, w.log.String())
			}
		})
	}
}

// TestTheAuthorityLacksWhatIsCited: it is sent along, of all authors.
func TestTheAuthorityLacksWhatIsCited(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, true)
		others := entry(moot.Key{2}, 1, "theirs")
		act := entry(moot.Key{1}, 1, "mine")
		act.Kind, act.Cites = moot.KindAct, []moot.EntryID{others.ID}
		if err := w.local.feeds.Append(t.Context(), moot.Merge, others); err != nil {
			t.Fatal(err)
		}
		if err := w.node.Append(t.Context(), moot.Merge, act); err != nil {
			t.Fatal(err)
		}
		if n := seqs(t, &server.feeds); n != 2 {
			t.Errorf("the server holds %d of 2 entries", n)
		}
	})
}

func TestWatchAndVectorOfTheRequiredAuthority(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, true)
		if err := server.Append(t.Context(), moot.Merge, entry(moot.Key{3}, 1, "theirs")); err != nil {
			t.Fatal(err)
		}
		if n := seqs(t, w.node); n != 1 {
			t.Errorf("the server's vector has %d entries", n)
		}
		watched := 0
		for _, err := range w.node.Watch(t.Context(), moot.Vector{}) {
			if err != nil {
				t.Fatal(err)
			}
			watched++
		}
		if watched != 1 {
			t.Errorf("watched %d entries of the server", watched)
		}
		w.authority.ID = moot.Key{77} // unknown to the dialer
		for what, err := range map[string]error{"watch": first(w.node.Watch(t.Context(), moot.Vector{})), "query": first(w.node.Query(t.Context(), moot.Query{}))} {
			if !errors.Is(err, moot.Unavailable) || !strings.Contains(err.Error(), "server") {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// first returns the error of the first answer.
func first(answers func(func(moot.Entry, error) bool)) (err error) {
	answers(func(_ moot.Entry, e error) bool { err = e; return false })
	return err
}

func TestPutHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, false)
		var stored []moot.BlobID
		w.node.cfg.Stored = func(id ...moot.BlobID) { stored = append(stored, id...) }
		server.leave(true)
		b, err := w.node.Put(t.Context(), strings.NewReader("bytes"))
		w.left()
		if err != nil || w.local.find(b.ID) == nil || len(stored) != 1 || stored[0] != b.ID || len(w.announced) != 1 {
			t.Errorf("put %v, %v; stored %v, announced %v", b, err, stored, w.announced)
		}
	})
}

// verifying is a client that finds the answer to Put wrong, as wire.Client does.
type verifying struct {
	*peer
	got io.Reader
}

func (v *verifying) Put(_ context.Context, r io.Reader) (moot.Blob, error) {
	v.got = r
	return moot.Blob{}, moot.Errorf(moot.Corrupt, "stored something else")
}

// TestPutIsHashedByTheClient: the authority's client verifies the name, and no other pass
// over the bytes is made.
func TestPutIsHashedByTheClient(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, true)
		client := &verifying{peer: server}
		w.node.cfg.Dial = func(moot.Peer) (moot.Node, error) { return client, nil }
		src := strings.NewReader("bytes")
		if _, err := w.node.Put(t.Context(), src); !errors.Is(err, moot.Corrupt) || !strings.Contains(err.Error(), "server") {
			t.Errorf("stored something else: %v", err)
		}
		if client.got != io.Reader(src) {
			t.Errorf("the client reads through a %T", client.got)
		}
	})
}
