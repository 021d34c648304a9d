package ask

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// reportEvery is the interval at which Fetch reports progress.
const reportEvery = 100 * time.Millisecond

// Fetch downloads a whole blob to this machine, durably, without returning it. It
// reports whether it was missing. progress is called with the number of bytes that have
// arrived since the last call. Kinds as Get.
func (n *Node) Fetch(ctx context.Context, id moot.BlobID, progress func(bytes int64)) (fresh bool, err error) {
	if h, err := n.cfg.Local.Have(ctx, id); err == nil && h.Complete() {
		progress(h.Size)
		return false, nil
	}
	d := n.join(ctx, id)
	defer n.leave(d)
	select {
	case <-d.ready:
	case <-ctx.Done():
		return false, moot.Wrap("blob "+id.String(), ctx.Err())
	}
	if d.part == nil { // held here after all, or failed
		<-d.ended
		return false, d.err
	}
	rd := &reader{d: d, end: blob.Groups(d.blob.Size), whole: true}
	d.addReader(rd)
	defer d.removeReader(rd)
	return true, d.watch(ctx, progress)
}

// watch waits for the end of a download.
func (d *download) watch(ctx context.Context, progress func(bytes int64)) error {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	var reported int64
	report := func() {
		d.mu.Lock()
		held := min(d.held.Count()*blob.GroupSize, d.blob.Size)
		d.mu.Unlock()
		progress(held - reported)
		reported = held
	}
	for {
		select {
		case <-d.ended:
			if d.err == nil {
				report()
			}
			return d.err
		case <-tick.C:
			report()
		case <-ctx.Done():
			return moot.Wrap("blob "+d.id.String(), ctx.Err())
		}
	}
}
