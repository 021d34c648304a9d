package node

import (
	"context"
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// fork returns the branches of a device's feed; false if it has one only, or has retired.
func (n *Node) fork(ctx context.Context, device moot.Key) (store.Fork, bool, error) {
	forks, err := n.store.Forks(ctx)
	if err != nil {
		return store.Fork{}, false, err
	}
	i := slices.IndexFunc(forks, func(f store.Fork) bool { return f.Author == device })
	if i < 0 || !n.network.isMember(device) {
		return store.Fork{}, false, nil
	}
	return forks[i], true, nil
}

// Forked is closed when this node's feed is known to have forked: its home was copied
// back, and both copies have written.
func (n *Node) Forked() <-chan struct{} { return n.state.forked }

// review looks at the devices kept here whenever membership has changed, until ctx ends.
func (n *Node) review(ctx context.Context) {
	for {
		select {
		case <-n.state.reviews:
			n.accounts.Review()
			n.noticeFork()
			n.late.repeat(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// noticeFork finds out whether the feed of a device kept here has forked.
func (n *Node) noticeFork() {
	if d, ok := n.network.roster.Device(n.Self()); ok && d.Forked {
		n.state.fork.Do(func() { close(n.state.forked) })
	}
	select {
	case <-n.state.forked: // the device that has ended may be this one, whose heir is being made
	default:
		if n.network.roster.Retired(n.Self()) {
			n.state.outlived.Do(func() {
				n.cfg.Log.Warn("another copy of this home goes on as a new device, and this one acts for nobody any more: have the other make a link for one more device, and join with it in a new home")
			})
		}
	}
	for _, a := range n.accounts.Hosted() {
		if d, ok := n.network.roster.Device(a.Device()); ok && d.Forked && n.state.running.Load() {
			n.tasks.start(func(ctx context.Context) { n.succeedAccount(ctx, a.Device()) })
		}
	}
}

// succeedAccount gives an account of which the feed has forked another device.
func (n *Node) succeedAccount(ctx context.Context, device moot.Key) {
	_, err := n.accounts.Replace(ctx, device, func(ctx context.Context, old accounts.Account, heir ed25519.PrivateKey) error {
		if err := n.keys.inherit(old.Key, heir); err != nil {
			return err
		}
		return n.succeed(ctx, old.Signer, old.Device(), heir)
	})
	if err != nil && moot.KindOf(err) != moot.NotFound && ctx.Err() == nil {
		n.cfg.Log.Error("an account's device has forked, and could not be replaced", "error", err)
	}
}

// Acts reports whether a device acts for a member.
func (n *Node) Acts(device moot.Key) bool { return n.network.isMember(device) }

// Alone reports whether no other device acts for a member.
func (n *Node) Alone() bool { return len(n.network.others()) == 0 }

// PassOn hands all that this node holds to whom it reaches.
func (n *Node) PassOn(ctx context.Context) { n.entries.exchangeAll(ctx) }

// Succeed ends this node's device, of which the feed has forked, and makes its heir, whose
// key is given, a device of the same member (docs/trust.md, R20): the last act of the old
// device stands at the end of the branch that others have, and the heir says again what
// only the other branch has. After that the node must be made anew with the heir's key.
func (n *Node) Succeed(ctx context.Context, heir ed25519.PrivateKey) error {
	err := n.keys.inherit(n.cfg.Key, heir)
	if err == nil {
		err = n.succeed(ctx, n.signer, n.Self(), heir)
	}
	return moot.Wrap("go on as a new device", err)
}

func (n *Node) succeed(ctx context.Context, signer *sign.Signer, device moot.Key, heir ed25519.PrivateKey) error {
	n.catchUpFork(ctx)
	fork, forked, err := n.fork(ctx, device)
	if err != nil || !forked {
		return err
	}
	others := slices.MaxFunc(fork.Branches[1:], func(a, b moot.Head) int { return int(a.Seq) - int(b.Seq) })
	d, _ := n.network.roster.Device(device)
	body, err := trust.Encode(trust.Retire{Heir: seal.Public(heir)})
	if err != nil {
		return err
	}
	s := &succession{Feeds: n.store, key: heir, label: d.Name, now: n.cfg.Now}
	_, err = sign.One(ctx, signer.On(s, others), moot.Merge, sign.Statement{
		Kind: moot.KindAct, Key: trust.KindRetire, Cites: n.network.roster.Cites(nil), Body: body,
	})
	if err != nil {
		return err
	}
	return n.repeat(ctx, fork, s.author)
}

// succession stores a retired device's last act together with its heir's first: a node that
// had the former alone would no longer answer the device that has the latter.
type succession struct {
	moot.Feeds
	key    ed25519.PrivateKey // the heir's
	label  string
	now    func() time.Time
	author *feed.Author // the heir
}

// Append implements moot.Feeds.
func (s *succession) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	retire := entries[len(entries)-1]
	body, err := trust.Encode(trust.Join{Retire: retire.ID, Label: s.label})
	if err != nil {
		return err
	}
	s.author = feed.NewAuthor(retire.Space, s.key, feed.NewClock(s.now, retire.Time), nil)
	join := s.author.NextAct(trust.KindJoin, []moot.EntryID{retire.ID}, body)
	if err := s.Feeds.Append(ctx, mode, append(entries, join)...); err != nil {
		return err
	}
	s.author.Commit(join)
	return nil
}

// introduceHeir has a node learn whose heir this one is: it may know the last act of the
// device before and not the first of this one, or neither.
func (n *Node) introduceHeir(ctx context.Context, p moot.Peer) error {
	if len(n.cfg.OldKeys) == 0 {
		return moot.Errorf(moot.Stranger, "this device is nobody's heir")
	}
	remote, err := n.network.dial.Dial(p)
	if err != nil {
		return err
	}
	for first, err := range n.store.Query(ctx, moot.Query{Author: n.Self(), History: true, Replica: true, Limit: 1}) {
		if err != nil || remote.Append(ctx, moot.Merge, first) == nil {
			return err
		}
		for _, key := range n.cfg.OldKeys {
			// It ends early: the node answers that device no more once it has its last act.
			_ = n.exchangeAs(ctx, key, p)
			if remote.Append(ctx, moot.Merge, first) == nil {
				return nil
			}
		}
	}
	return moot.Errorf(moot.Stranger, "it does not know this device")
}

// forkTimeout bounds the exchange that precedes the last act of a forked device.
const forkTimeout = 10 * time.Second

// catchUpFork fetches the rest of the branch that others have: the fork was found with the
// first entry of it, and what came after the last act would not count.
func (n *Node) catchUpFork(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, forkTimeout)
	defer cancel()
	n.entries.exchangeAll(ctx)
}

// repeat has an heir say again what only this home's branch of a forked feed says.
func (n *Node) repeat(ctx context.Context, fork store.Fork, author *feed.Author) error {
	var again []moot.Entry
	own := fork.Branches[0]
	for own.Seq >= fork.Proof.A.Seq {
		e, err := n.entry(ctx, own.ID)
		if err != nil {
			return err
		}
		again = append(again, e)
		own = moot.Head{Seq: e.Seq - 1, ID: e.Prev}
	}
	renamed := map[moot.EntryID]moot.EntryID{} // what was said again, by what it was
	for _, e := range slices.Backward(again) {
		if e.Kind == moot.KindAct { // what was decided from a stale view is decided anew by people
			continue
		}
		replaces := slices.Clone(e.Replaces)
		for i, id := range replaces {
			if now, ok := renamed[id]; ok {
				replaces[i] = now
			}
		}
		said := author.Next(e.Kind, e.Key, replaces, e.Body)
		if err := n.store.Append(ctx, moot.Merge, said); err != nil {
			return err
		}
		author.Commit(said)
		renamed[e.ID] = said.ID
	}
	return nil
}

// entry returns one entry that the node holds.
func (n *Node) entry(ctx context.Context, id moot.EntryID) (moot.Entry, error) {
	for e, err := range n.store.Query(ctx, moot.Query{History: true, Replica: true, IDs: []moot.EntryID{id}}) {
		return e, err
	}
	return moot.Entry{}, moot.Errorf(moot.Internal, "entry %v is missing from the database", id)
}
