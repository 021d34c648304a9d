package ask

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// withServer makes a world whose word on names is a server's.
func withServer(t *testing.T, required bool) (*world, *peer) {
	server := newPeer(9)
	server.Server = true
	w := newWorld(t, server)
	w.authority = &moot.Authority{Peer: server.Peer, Required: required}
	return w, server
}

func seqs(t *testing.T, f moot.Feeds) int {
	t.Helper()
	v, err := f.Vector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for author := range v.Heads {
		n += int(v.Seq(author))
	}
	return n
}

func TestRequiredAuthority(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, true)
		me := moot.Key{1}
		if err := w.node.Append(t.Context(), moot.Swap, entry(me, 1, "k")); err != nil {
			t.Fatal(err)
		}
		if seqs(t, &server.feeds) != 1 || seqs(t, &w.local.feeds) != 1 {
			t.Error("the entry must be stored at the server and here")
		}
		err := w.node.Append(t.Context(), moot.Swap, entry(moot.Key{2}, 1, "k"))
		if !errors.Is(err, moot.Conflict) || seqs(t, &w.local.feeds) != 1 {
			t.Errorf("a change over a change: %v", err)
		}
		b, err := w.node.Put(t.Context(), strings.NewReader("bytes"))
		if err != nil || server.find(b.ID) == nil || w.local.find(b.ID) != nil {
			t.Errorf("what is put goes to the server: %v", err)
		}
		server.leave(true)
		began := time.Now()
		_, putErr := w.node.Put(t.Context(), strings.NewReader("more"))
		_, getErr := w.read(t.Context(), b, moot.Whole)
		for what, err := range map[string]error{
			"append": w.node.Append(t.Context(), moot.Swap, entry(me, 2, "k2")), "put": putErr, "get": getErr,
		} {
			if !errors.Is(err, moot.Unavailable) || !strings.Contains(err.Error(), "server") {
				t.Errorf("%s with the server away: %v", what, err)
			}
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v until the server counted as away", took)
		}
	})
}

func TestPreferredAuthority(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, false)
		me := moot.Key{1}
		server.leave(true)
		for seq := uint64(1); seq <= 3; seq++ {
			if err := w.node.Append(t.Context(), moot.Merge, entry(me, seq, "k")); err != nil {
				t.Fatal(err)
			}
		}
		if seqs(t, &w.local.feeds) != 3 || seqs(t, &server.feeds) != 0 {
			t.Error("with the server away this machine decides")
		}
		server.leave(false)
		if err := w.node.Append(t.Context(), moot.Merge, entry(me, 4, "k")); err != nil {
			t.Fatal(err)
		}
		if n := seqs(t, &server.feeds); n != 4 {
			t.Errorf("back again, the server holds %d of 4 entries", n)
		}
		server.silent = true
		began := time.Now()
		if err := w.node.Append(t.Context(), moot.Merge, entry(me, 5, "k")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("a server without a response is waited for: %v", took)
		}
		if seqs(t, &w.local.feeds) != 5 {
			t.Error("the entry is lost")
		}
	})
}

func TestQueriesGoToTheRequiredAuthority(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w, server := withServer(t, true)
		if err := server.Append(t.Context(), moot.Merge, entry(moot.Key{3}, 1, "theirs")); err != nil {
			t.Fatal(err)
		}
		found := func() (n int) {
			for _, err := range w.node.Query(t.Context(), moot.Query{}) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}
		if found() != 1 {
			t.Error("the server got no request")
		}
		w.authority.Required = false
		if found() != 0 {
			t.Error("a server that is not required got a request")
		}
		w.authority.Required = true
		w.node.cfg.Verify = func(moot.Entry) error { return moot.Errorf(moot.Corrupt, "forged") }
		for _, err := range w.node.Query(t.Context(), moot.Query{}) {
			if !errors.Is(err, moot.Corrupt) {
				t.Errorf("a forged answer: %v", err)
			}
		}
	})
}
