package ask

import (
	"context"
	"sync"
	"time"

	"github.com/mootspace/moot"
)

// Append sends entries to the node that decides about them. A required authority
// decides alone. Any other authority decides first, and if it is away this machine
// decides, which others learn of later. Without an authority this machine decides.
// Entries that an authority has accepted are stored here, too.
func (n *Node) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	a, ok := n.cfg.Locator.Authority()
	if !ok {
		return n.cfg.Local.Append(ctx, mode, entries...)
	}
	var err error
	if a.Required {
		err = n.appendAt(ctx, a, mode, entries)
	} else if n.away.now() {
		return n.cfg.Local.Append(ctx, mode, entries...)
	} else {
		err = n.appendSoon(ctx, a, mode, entries)
		if ctx.Err() == nil && (moot.KindOf(err) == moot.Unavailable || moot.KindOf(err) == moot.Internal) {
			n.cfg.Log.Debug("the authority is away, deciding here", "error", err)
			return n.cfg.Local.Append(ctx, mode, entries...)
		}
	}
	if err == nil {
		n.storeLocal(ctx, a, entries)
	}
	return err
}

// appendSoon gives up when the authority takes too long, and remembers it.
func (n *Node) appendSoon(ctx context.Context, a moot.Authority, mode moot.Mode, entries []moot.Entry) error {
	short, cancel := context.WithTimeout(ctx, n.cfg.Authority)
	defer cancel()
	err := n.appendAt(short, a, mode, entries)
	if short.Err() != nil && ctx.Err() == nil && err != nil {
		n.away.mark()
		return moot.Errorf(moot.Unavailable, "no answer within %v: %w", n.cfg.Authority, err)
	}
	return err
}

// appendAt appends at the authority. Entries before them that it lacks, because they
// were made while it was away, are sent first.
func (n *Node) appendAt(ctx context.Context, a moot.Authority, mode moot.Mode, entries []moot.Entry) error {
	server, err := n.cfg.Dial(a.Peer)
	if err != nil {
		return n.at(a.Peer, err)
	}
	err = server.Append(ctx, mode, entries...)
	if moot.KindOf(err) == moot.Gap {
		if pushErr := copyFeeds(ctx, n.cfg.Local, server, missingFeeds(entries), nil); pushErr != nil {
			return n.at(a.Peer, pushErr)
		}
		err = server.Append(ctx, mode, entries...)
	}
	return n.at(a.Peer, err)
}

// storeLocal stores entries that the authority has accepted. They are safe there, so
// that a failure here is only logged; the next Append catches up.
func (n *Node) storeLocal(ctx context.Context, a moot.Authority, entries []moot.Entry) {
	err := n.cfg.Local.Append(ctx, moot.Merge, entries...)
	if err == nil {
		return
	}
	server, dialErr := n.cfg.Dial(a.Peer)
	if dialErr == nil {
		dialErr = copyFeeds(ctx, server, n.cfg.Local, []moot.Key{{}}, n.cfg.Verify)
	}
	if dialErr == nil {
		err = n.cfg.Local.Append(ctx, moot.Merge, entries...)
	}
	if err != nil {
		n.cfg.Log.Warn("accepted by the authority, but not stored here", "error", err, "server", dialErr)
	}
}

const batch = 256 // entries appended at once

// copyFeeds copies to one node the authors' entries that another holds and it lacks.
// The zero Key stands for all authors.
func copyFeeds(ctx context.Context, from, to moot.Feeds, authors []moot.Key, verify func(moot.Entry) error) error {
	since, err := to.Vector(ctx)
	if err != nil {
		return err
	}
	var some []moot.Entry
	for _, author := range authors {
		for e, err := range from.Query(ctx, moot.Query{History: true, Replica: true, Author: author, Since: since}) {
			if err == nil && verify != nil {
				err = verify(e)
			}
			if err != nil {
				return err
			}
			if some = append(some, e); len(some) == batch {
				if err := to.Append(ctx, moot.Merge, some...); err != nil {
					return err
				}
				some = nil
			}
		}
	}
	if len(some) == 0 {
		return nil
	}
	return to.Append(ctx, moot.Merge, some...)
}

// missingFeeds returns the authors of whom a node that has a gap before the entries may lack
// something: theirs, or all if they cite others.
func missingFeeds(entries []moot.Entry) (keys []moot.Key) {
	seen := map[moot.Key]bool{}
	for _, e := range entries {
		if e.Kind == moot.KindAct {
			return []moot.Key{{}}
		}
		if !seen[e.Author] {
			seen[e.Author] = true
			keys = append(keys, e.Author)
		}
	}
	return keys
}

// away remembers for awayTime that a request to an authority timed out, so that not
// every entry of a long series waits for it.
type away struct {
	mu    sync.Mutex
	until time.Time
}

const awayTime = 2 * time.Second

func (a *away) mark() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.until = time.Now().Add(awayTime)
}

func (a *away) now() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Now().Before(a.until)
}
