package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"slices"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// lateEntries says again what a device before this one has said and what counts nowhere:
// it arrived after the device's last act, from a node that was away.
type lateEntries struct {
	node *Node
	old  []ed25519.PrivateKey // of devices before this one

	mu   sync.Mutex
	seen []moot.Head // ends of the branches when they were last looked at
}

// repeat looks at the feeds of the devices before this one if they have grown.
func (l *lateEntries) repeat(ctx context.Context) {
	if len(l.old) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.repeatAll(ctx); err != nil && ctx.Err() == nil {
		l.node.cfg.Log.Warn("say again what the device before this one has said", "error", err)
	}
}

func (l *lateEntries) repeatAll(ctx context.Context) error {
	forks, err := l.node.store.Forks(ctx)
	if err != nil {
		return err
	}
	forks = slices.DeleteFunc(forks, func(f store.Fork) bool { return !l.before(f.Author) })
	var ends []moot.Head
	for _, f := range forks {
		ends = append(ends, f.Branches...)
	}
	if slices.Equal(ends, l.seen) {
		return nil
	}
	for _, f := range forks {
		if err := l.repeatFork(ctx, f); err != nil {
			return err
		}
	}
	l.seen = ends
	return nil
}

// before reports whether this device has taken the place of another one.
func (l *lateEntries) before(device moot.Key) bool {
	return slices.ContainsFunc(l.old, func(key ed25519.PrivateKey) bool { return seal.Public(key) == device })
}

func (l *lateEntries) repeatFork(ctx context.Context, f store.Fork) error {
	seen := map[moot.EntryID]bool{}
	for branch, end := range f.Branches {
		var again []moot.Entry
		for end.Seq >= f.Proof.A.Seq && !seen[end.ID] {
			e, err := l.node.entry(ctx, end.ID)
			if err != nil {
				return err
			}
			seen[e.ID] = true
			if e.Kind != moot.KindAct && !l.node.network.roster.Counts(e.Author, e.Kind, moot.Position{Branch: branch, Seq: e.Seq}) {
				again = append(again, e)
			}
			end = moot.Head{Seq: e.Seq - 1, ID: e.Prev}
		}
		for _, e := range slices.Backward(again) {
			if err := l.sayAgain(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// sayAgain says what an entry says, unless this device has.
func (l *lateEntries) sayAgain(ctx context.Context, e moot.Entry) error {
	q := moot.Query{Author: l.node.Self(), Kind: e.Kind, Key: e.Key, History: true, Replica: true}
	for own, err := range l.node.store.Query(ctx, q) {
		if err != nil || bytes.Equal(own.Body, e.Body) {
			return err
		}
	}
	_, err := sign.One(ctx, l.node.signer.Through(l.node.store), moot.Merge, sign.Statement{Kind: e.Kind, Key: e.Key, Replaces: e.Replaces, Body: e.Body})
	return err
}
