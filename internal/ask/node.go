// Package ask makes one Node out of an architecture: a Locator that names nodes, a Dialer
// that reaches them, and the node on this machine. It downloads blobs from several
// sources at once – every group is verified before it is stored, interrupted downloads
// are resumed, sources that stall, are dishonest or leave are replaced – and sends
// entries to the node that decides about them.
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
	// Fill begins or resumes the download of a blob whose size has been verified.
	// Have and Get include what a download holds so far.
	Fill(ctx context.Context, b moot.Blob) (blob.Partial, error)
}

// Config is what a Node is made of. The four fields of the first block are
// required; zero means the default everywhere else.
type Config struct {
	Local   Local
	Self    moot.Key // the member this node acts for; never a source
	Locator moot.Locator
	Dial    moot.Dialer

	Log    *slog.Logger           // default: none
	Verify func(moot.Entry) error // checks entries of other nodes; nil trusts them
	Stored func(...moot.BlobID)   // called with what was put here and the authority lacks; may be nil
	Name   func(moot.Key) string  // the name for people of a device's member, "" if unknown; may be nil

	Sources   int           // largest number in a download (64)
	Part      int64         // groups in a request (swarm.PartGroups)
	Stall     time.Duration // stall timeout of a source (5 s)
	Discover  time.Duration // time to search for sources before giving up (10 s)
	Refresh   time.Duration // interval between searches during a download (3 s)
	Authority time.Duration // timeout of an authority that is not required (3 s)
	BanFor    time.Duration // how long a dishonest source is banned (10 min)
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
	cfg.BanFor = otherwise(cfg.BanFor, 10*time.Minute)
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

// announce makes this node findable as a holder of the blob, in the background: the blob
// is durable without, and neighbours find it anyway.
func (n *Node) announce(ctx context.Context, id moot.BlobID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTime)
	go func() {
		defer cancel()
		if err := n.cfg.Locator.Announce(ctx, id); err != nil {
			n.cfg.Log.Debug("not announced", "blob", id, "error", err)
		}
	}()
}
