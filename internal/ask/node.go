// Package ask makes one Node out of an architecture: a Locator that knows whom to
// ask, a Dialer that reaches them, and the node on this machine. It fetches blobs
// from several sources at once – every group verified before it is kept, resumed
// after an interruption, sources that stall, lie or leave replaced – and sends
// entries to whoever decides about them.
//
// It must not know which architecture it is, how a link or a store works, or what
// any entry means.
package ask

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Local is the node on this machine.
type Local interface {
	moot.Node
	// Fill begins or resumes the download of a blob whose size has been proven.
	// Have and Get also answer for what a download holds so far.
	Fill(ctx context.Context, b moot.Blob) (blob.Partial, error)
}

// Config is what a Node is made of. The four fields of the first block are
// required; zero means the default everywhere else.
type Config struct {
	Local   Local
	Self    moot.Key // the member this node acts for; never asked
	Locator moot.Locator
	Dial    moot.Dialer

	Log    *slog.Logger           // default: none
	Verify func(moot.Entry) error // judges entries that others answer with; nil trusts them
	Stored func(moot.BlobID)      // told of what Put stored here while an authority lacks it; may be nil

	Sources   int           // fetched from at once (64)
	Part      int64         // groups asked for at once (swarm.PartGroups)
	Stall     time.Duration // a source silent for so long is replaced (5 s)
	Discover  time.Duration // search so long for sources before giving up (10 s)
	Refresh   time.Duration // between searches while fetching (3 s)
	Authority time.Duration // an authority that is not required may take so long (3 s)
	Ban       time.Duration // a liar is not asked for so long (10 min)
}

// Node is a whole architecture, seen as one node.
type Node struct {
	cfg  Config
	bans bans
	away away

	mu        sync.Mutex
	downloads map[moot.BlobID]*download
}

var _ moot.Node = (*Node)(nil)

// New returns a node for the architecture that cfg describes.
func New(cfg Config) *Node {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Sources = otherwise(cfg.Sources, 64)
	cfg.Stall = otherwise(cfg.Stall, 5*time.Second)
	cfg.Discover = otherwise(cfg.Discover, 10*time.Second)
	cfg.Refresh = otherwise(cfg.Refresh, 3*time.Second)
	cfg.Authority = otherwise(cfg.Authority, 3*time.Second)
	cfg.Ban = otherwise(cfg.Ban, 10*time.Minute)
	return &Node{cfg: cfg, downloads: map[moot.BlobID]*download{}}
}

func otherwise[T int | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// seed makes each download choose differently among equally rare parts.
func seed() uint64 { return rand.Uint64() }

// announceTime bounds how long a node may take to make itself findable.
const announceTime = 30 * time.Second

// announce makes this node findable as a holder of the blob, in the background:
// the blob is as safe without, and neighbours find it anyway.
func (n *Node) announce(ctx context.Context, id moot.BlobID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTime)
	go func() {
		defer cancel()
		if err := n.cfg.Locator.Announce(ctx, id); err != nil {
			n.cfg.Log.Debug("not announced", "blob", id, "error", err)
		}
	}()
}
