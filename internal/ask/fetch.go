package ask

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// tellEvery is how often Fetch tells how far it is.
const tellEvery = 100 * time.Millisecond

// Fetch brings a whole blob to this machine, durably, without handing it out. It
// reports whether it was missing. came is told of bytes as they come. Kinds as Get.
func (n *Node) Fetch(ctx context.Context, id moot.BlobID, came func(bytes int64)) (fresh bool, err error) {
	if h, err := n.cfg.Local.Have(ctx, id); err == nil && h.Complete() {
		came(h.Size)
		return false, nil
	}
	d := n.join(ctx, id)
	defer n.leave(d)
	select {
	case <-d.ready:
	case <-ctx.Done():
		return false, moot.Wrap("blob "+id.String(), ctx.Err())
	}
	if d.part == nil { // held here after all, or hopeless
		<-d.ended
		return false, d.err
	}
	rd := &reader{d: d, end: blob.Groups(d.blob.Size), whole: true}
	d.enter(rd)
	defer d.quit(rd)
	return true, d.watch(ctx, came)
}

// watch waits for the end of a download.
func (d *download) watch(ctx context.Context, came func(bytes int64)) error {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	var told int64
	tell := func() {
		d.mu.Lock()
		held := min(d.held.Count()*blob.GroupSize, d.blob.Size)
		d.mu.Unlock()
		came(held - told)
		told = held
	}
	for {
		select {
		case <-d.ended:
			if d.err == nil {
				tell()
			}
			return d.err
		case <-tick.C:
			tell()
		case <-ctx.Done():
			return moot.Wrap("blob "+d.id.String(), ctx.Err())
		}
	}
}
