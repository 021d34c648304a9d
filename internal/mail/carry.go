package mail

import (
	"bytes"
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"lukechampine.com/blake3"

	"github.com/mootspace/moot"
)

// carryLoop carries what it should, whenever there may be something.
func (p *Post) carryLoop(ctx context.Context) {
	again := time.NewTicker(carryAgain)
	defer again.Stop()
	soon := time.NewTimer(0)
	defer soon.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.kick:
			soon.Reset(carryAfter)
		case <-soon.C:
			p.carry(ctx)
		case <-again.C:
			p.carry(ctx)
		}
	}
}

// carry fetches what this node should hold for others and does not, and lets go of what
// has become too old.
func (p *Post) carry(ctx context.Context) {
	limits := p.cfg.Limits().withDefaults()
	online := p.cfg.Online()
	var crew errgroup.Group
	crew.SetLimit(carriers)
	for _, l := range p.due(limits, online) {
		crew.Go(func() error { p.carryOne(ctx, l); return nil })
	}
	crew.Wait()
	for _, id := range p.old(limits) {
		p.done(ctx, id)
	}
}

func (p *Post) carryOne(ctx context.Context, l *parcel) {
	wanted, err := p.wanted(ctx, l.ID)
	if err != nil || wanted {
		return
	}
	if !p.cfg.Have(ctx, l.ID) {
		if err := p.cfg.Fetch(ctx, l.ID); err != nil {
			p.cfg.Log.Debug("cannot carry a message now", "message", l.ID, "error", err)
			return
		}
	}
	p.hold(ctx, l)
}

// hold notes that a parcel is carried; if it was delivered meanwhile, it is dropped.
func (p *Post) hold(ctx context.Context, l *parcel) {
	p.mu.Lock()
	still := p.waiting[l.ID] == l
	if still && !l.carried {
		l.carried = true
		p.carried += l.Size
	}
	p.mu.Unlock()
	if !still {
		p.Release(ctx, l.ID)
	}
}

// due returns what this node should carry, the oldest first.
func (p *Post) due(limits Limits, online []moot.Key) (list []*parcel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	room := limits.Bytes - p.carried
	young := p.cfg.Now().Add(-carryAfter)
	for _, l := range p.waiting {
		if !l.carried && !l.since.After(young) && p.cfg.Now().Sub(l.Time) < limits.Age && (limits.All || l.falls(p.cfg.Self, online, limits.Copies)) {
			list = append(list, l)
		}
	}
	slices.SortFunc(list, func(a, b *parcel) int { return a.Time.Compare(b.Time) })
	if limits.All {
		return list
	}
	for i, l := range list {
		if room -= l.Size; room < 0 {
			p.cfg.Log.Warn("no room to carry more messages for others", "limit", limits.Bytes)
			return list[:i]
		}
	}
	return list
}

// old returns parcels past their time.
func (p *Post) old(limits Limits) (ids []moot.BlobID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, l := range p.waiting {
		if l.carried && p.cfg.Now().Sub(l.Time) >= limits.Age {
			ids = append(ids, id)
		}
	}
	return ids
}

// falls reports whether carrying the parcel falls to self: of all who are there, but for
// its author, those carry whose keys come first after hashing with it (rendezvous
// hashing, Thaler and Ravishankar 1998). Nobody need agree on anything.
func (l *parcel) falls(self moot.Key, online []moot.Key, copies int) bool {
	own, before := l.weight(self), 0
	for _, k := range online {
		if k != l.Author && k != self && !slices.Contains(l.lacking, k) && bytes.Compare(l.weight(k), own) < 0 {
			before++
		}
	}
	return before < copies
}

func (l *parcel) weight(k moot.Key) []byte {
	sum := blake3.Sum256(append(l.ID[:], k[:]...))
	return sum[:]
}
