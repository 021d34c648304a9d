package gossip_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/gossip"
)

// failing is a node without entries, or with an error.
type failing struct {
	moot.Node
	err atomic.Pointer[error]
}

func (f *failing) Vector(context.Context) (moot.Vector, error) {
	if err := f.err.Load(); err != nil {
		return moot.Vector{}, *err
	}
	return moot.Vector{}, nil
}

// TestWarnsOnce: what only a person can mend is logged once until it is mended, and a
// node that is merely away is not.
func TestWarnsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		remote := &failing{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			done <- gossip.Run(ctx, gossip.Config{
				Space: space, Local: &failing{}, Neighbours: func() []moot.Peer { return nil },
				Servers: func(context.Context) []moot.Peer { return []moot.Peer{{ID: moot.Key{7}}} },
				Dial:    func(moot.Peer) (moot.Node, error) { return remote, nil },
				Log:     slog.New(slog.NewTextHandler(&log, nil)),
			})
		}()
		older := moot.WithHint(moot.Errorf(moot.Unavailable, "it is older"), moot.HintUpdateNode)
		away := moot.Errorf(moot.Unavailable, "it is away")
		for i, err := range []error{away, older, nil, older} {
			remote.err.Store(nil)
			if err != nil {
				remote.err.Store(&err)
			}
			time.Sleep(10 * gossip.DefaultInterval)
			synctest.Wait()
			if got, want := strings.Count(log.String(), "it is older"), (i+1)/2; got != want {
				t.Errorf("%d warnings after %v, want %d", got, err, want)
			}
		}
		if strings.Contains(log.String(), "away") {
			t.Error(log.String())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
