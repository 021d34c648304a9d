package ask

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// probe is a verified last group, which proves the size, or an error.
type probe struct {
	found
	groups    []blob.Group
	err       error
	violation bool
}

// probeSize fetches the last group from a candidate, because the size that it claims is
// not verified before. Another candidate is tried if the first takes long.
func (d *download) probeSize(now time.Time) {
	if d.isReady() || d.probing > 0 && now.Sub(d.lastProbe) < hedge {
		return
	}
	for i, f := range d.candidates {
		if holds(f.holding, blob.LastRange(f.holding.Size)) {
			d.candidates = slices.Delete(d.candidates, i, i+1)
			d.probing++
			d.lastProbe = now
			d.wg.Go(func() { d.runProbe(f) })
			return
		}
	}
}

// runProbe fetches and verifies the last group.
func (d *download) runProbe(f found) {
	ctx, cancel := context.WithTimeout(d.ctx, d.node.cfg.Stall)
	defer cancel()
	p := probe{found: f}
	p.violation, p.err = verified(ctx, f.node, moot.Blob{ID: d.id, Size: f.holding.Size}, blob.LastRange(f.holding.Size),
		func(g blob.Group) error {
			p.groups = append(p.groups, blob.Group{Index: g.Index, Data: slices.Clone(g.Data), Nodes: slices.Clone(g.Nodes)})
			return nil
		})
	select {
	case d.probes <- p:
	case <-d.ended:
	}
}

// finishProbe handles a probe: the first valid one begins the download itself.
func (d *download) finishProbe(p probe) error {
	d.probing--
	now := d.node.now()
	if p.err != nil {
		if p.violation {
			d.ban(p.peer, p.err)
		} else {
			d.mu.Lock()
			d.seen = true
			d.mu.Unlock()
			d.reject(p.peer, p.err)
		}
		d.probeSize(now)
		return d.checkGiveUp(now)
	}
	if !d.isReady() {
		if err := d.begin(p.holding.Size); err != nil {
			return err
		}
		for _, g := range p.groups {
			if err := d.arrived(0, g); err != nil {
				return err
			}
		}
	}
	d.consider(p.found)
	d.replaceSources(now)
	return nil
}

// verified gets a range from a node and passes its groups to take, each verified against
// the blob's ID. It reports whether an error is a violation: bytes that the link carried
// completely and that do not match their hash, or a false size. Errors of the link or
// reported by the node are none.
func verified(ctx context.Context, n moot.Node, b moot.Blob, r moot.Range, take func(blob.Group) error) (violation bool, err error) {
	rc, err := n.Get(ctx, b.ID, r)
	if err != nil {
		return false, err
	}
	defer rc.Close()
	defer context.AfterFunc(ctx, func() { rc.Close() })()
	link := &tap{r: rc}
	dec := blob.NewDecoder(link, b.ID, r)
	last := int64(-1)
	for {
		g, err := dec.Next()
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err == io.EOF:
			return checkEnd(dec, b, r, last)
		case err != nil:
			return link.err == nil && moot.KindOf(err) == moot.Corrupt, err
		}
		if size, err := dec.Size(); err != nil || size != b.Size {
			return true, moot.Errorf(moot.Corrupt, "it sent a size of %d bytes instead of %d", size, b.Size)
		}
		last = g.Index
		if err := take(g); err != nil {
			return false, err
		}
	}
}

// checkEnd checks a slice that ended without an error.
func checkEnd(dec *blob.Decoder, b moot.Blob, r moot.Range, last int64) (violation bool, err error) {
	if size, err := dec.Size(); err != nil || size != b.Size {
		return true, moot.Errorf(moot.Corrupt, "it sent a size of %d bytes instead of %d", size, b.Size)
	}
	if want := groups(r, b.Size); last < want.End()-1 {
		return true, moot.Errorf(moot.Corrupt, "it sent groups up to %d instead of %d", last, want.End()-1)
	}
	return false, nil
}

// tap reports progress, and keeps errors of the link apart from those of the decoder.
type tap struct {
	r          io.Reader
	progressed func()
	err        error
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 && t.progressed != nil {
		t.progressed()
	}
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err
}
