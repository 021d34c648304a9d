package mail

import (
	"context"
	"slices"
	"sync"

	"github.com/mootspace/moot"
)

// maxHanded bounds the entries that wait for an account; beyond that it reads the feeds.
const maxHanded = 4096

// handover brings an account the entries that concern it, so that it need not look for
// them in the feeds.
type handover struct {
	mu      sync.Mutex
	relay   *Relay // nil: nobody hands entries over
	whole   bool   // all entries before those were read
	lost    bool   // an entry was, since they were taken
	recheck bool   // who is a member, or a device, may have changed
	entries []announced
	saved   uint64 // Relay.handled when the cursor was stored
}

// join begins to hand entries over.
func (h *handover) join(r *Relay) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.relay, h.whole, h.entries = r, false, nil
}

// leave ends it.
func (h *handover) leave() { h.join(nil) }

// hand hands an entry over.
func (h *handover) hand(e announced) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.relay == nil:
	case len(h.entries) == maxHanded:
		h.whole, h.lost, h.entries = false, true, nil
	default:
		h.entries = append(h.entries, e)
	}
}

// changed has the account look at its keys and devices.
func (h *handover) changed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recheck = true
}

// incomplete has the account read the feeds: something that was handed over is lost.
func (h *handover) incomplete() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.whole, h.lost = false, true
}

// taken is what an account has been handed.
type taken struct {
	relay   *Relay
	whole   bool
	recheck bool
	entries []announced
	seen    moot.Vector // the cursor, with all that was handed over; if whole
	handled uint64
}

// take takes what was handed over. seen is what the account has read.
func (h *handover) take(seen moot.Vector) taken {
	h.mu.Lock()
	relay := h.relay
	h.mu.Unlock()
	t := taken{relay: relay, seen: seen}
	if relay != nil { // before the entries are taken: all that it names must be among them
		t.seen, t.handled = relay.joined(seen)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t.whole = h.whole && h.relay == relay && relay != nil
	if !t.whole {
		t.seen = seen
	}
	t.recheck, t.entries = h.recheck, h.entries
	h.recheck, h.lost, h.entries = false, false, nil
	return t
}

// caughtUp takes note that all that was stored before the entries were taken has been
// read.
func (h *handover) caughtUp(t taken) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.whole = h.relay == t.relay && t.relay != nil && !h.lost
}

// due reports whether so much was handed over that the cursor is to be stored.
func (h *handover) due(t taken, every uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !t.whole || t.handled-h.saved < every {
		return false
	}
	h.saved = t.handled
	return true
}

// follow handles new entries, and hands them to the accounts that they concern. Kind
// Unavailable if more came than could be handled.
func (r *Relay) follow(ctx context.Context, since moot.Vector) error {
	r.goLive()
	defer r.goAway()
	for e, err := range r.cfg.Feeds.Watch(ctx, since) {
		if err != nil {
			return err
		}
		if author, known := r.handleEntry(ctx, e); known {
			r.handOver(e, author)
			r.passed(e)
		}
	}
	return nil
}

// handOver hands an entry to the accounts that it concerns.
func (r *Relay) handOver(e moot.Entry, author moot.MemberID) {
	a := announced{e, author}
	switch {
	case isMembership(e.Kind):
		r.membershipChanged()
	case e.Kind == moot.KindMessage && e.Deletes():
		r.hand(a, func(moot.MemberID) bool { return true })
	case e.Kind == moot.KindMessage:
		if env, err := parseEnvelope(e, author); err == nil {
			r.hand(a, env.readableBy)
		}
	case e.Kind == moot.KindReceipt:
		if member, _, ok := parseFilingKey(e.Key); ok && member == author {
			r.hand(a, func(id moot.MemberID) bool { return id == member })
		}
	}
}

// stretch is consecutive entries of one feed that were handed over.
type stretch struct{ before, last moot.Head }

// hand hands an entry to the accounts that it concerns, and wakes them.
func (r *Relay) hand(e announced, concerns func(moot.MemberID) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.accounts {
		if concerns(a.Member()) {
			a.handed.hand(e)
			a.Wake()
		}
	}
}

// passed takes note that an entry was handed to all whom it concerns.
func (r *Relay) passed(e moot.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handled++
	head := moot.Head{Seq: e.Seq, ID: e.ID}
	if s, ok := r.stretches[e.Author]; ok && s.last.ID == e.Prev {
		r.stretches[e.Author] = stretch{s.before, head}
		return
	}
	r.stretches[e.Author] = stretch{moot.Head{Seq: e.Seq - 1, ID: e.Prev}, head}
}

// joined returns what was read once what was handed over is, too.
func (r *Relay) joined(seen moot.Vector) (moot.Vector, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := seen.Clone()
	if next.Heads == nil {
		next.Heads = map[moot.Key][]moot.Head{}
	}
	for author, s := range r.stretches {
		read := seen.Heads[author]
		if len(read) <= 1 && seen.Seq(author) >= s.before.Seq && seen.Seq(author) < s.last.Seq {
			next.Heads[author] = []moot.Head{s.last}
		}
	}
	return next, r.handled
}

// goLive begins to hand entries over to the accounts whose node is this machine's store.
func (r *Relay) goLive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live, r.stretches = true, map[moot.Key]stretch{}
	for _, a := range r.accounts {
		r.admit(a)
	}
}

// goAway ends that: accounts read the feeds again.
func (r *Relay) goAway() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live = false
	for _, a := range r.accounts {
		a.handed.leave()
	}
}

func (r *Relay) admit(a *Account) {
	if r.live && a.cfg.Local {
		a.handed.join(r)
		a.Wake()
	}
}

// isMembership reports whether an entry may change who is a member, and with which devices.
func isMembership(kind moot.Kind) bool {
	return slices.Contains([]moot.Kind{moot.KindAct, moot.KindSpace, moot.KindMember, moot.KindInvite}, kind)
}

// membershipChanged has accounts look at their keys and devices.
func (r *Relay) membershipChanged() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.accounts {
		a.handed.changed()
	}
}
