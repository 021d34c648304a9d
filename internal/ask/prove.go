package ask

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// proof is a verified last group, which proves the size; or why there is none.
type proof struct {
	found
	groups []blob.Group
	err    error
	lie    bool
}

// prove asks a node in reserve for the last group, as the size that it claims is
// worth nothing before. Another is asked if the first takes long.
func (d *download) prove(now time.Time) {
	if d.isReady() || d.proving > 0 && now.Sub(d.proved) < hedge {
		return
	}
	for i, f := range d.spare {
		if holds(f.holding, blob.LastRange(f.holding.Size)) {
			d.spare = slices.Delete(d.spare, i, i+1)
			d.proving++
			d.proved = now
			d.crew.Go(func() { d.demand(f) })
			return
		}
	}
}

// demand fetches and verifies the last group.
func (d *download) demand(f found) {
	ctx, cancel := context.WithTimeout(d.ctx, d.node.cfg.Stall)
	defer cancel()
	p := proof{found: f}
	p.lie, p.err = verified(ctx, f.node, moot.Blob{ID: d.id, Size: f.holding.Size}, blob.LastRange(f.holding.Size), nil,
		func(g blob.Group) error {
			p.groups = append(p.groups, blob.Group{Index: g.Index, Data: slices.Clone(g.Data), Nodes: slices.Clone(g.Nodes)})
			return nil
		})
	select {
	case d.proofs <- p:
	case <-d.ended:
	}
}

// proven takes in a proof: the first that holds begins the download itself.
func (d *download) proven(p proof) error {
	d.proving--
	now := d.node.now()
	if p.err != nil {
		if p.lie {
			d.convict(p.peer, p.err)
		} else {
			d.mu.Lock()
			d.hopeful = true
			d.mu.Unlock()
			d.reject(p.peer, p.err)
		}
		d.prove(now)
		return d.hopeless(now)
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
	d.meet(p.found)
	d.replace(now)
	return nil
}

// verified gets a range from a node and hands out its groups, each verified
// against the blob's ID. It reports whether an error is the node's lie: bytes that
// came through the link whole and match no hash, or a false size. An error of the
// link or one that the node itself reports is none.
func verified(ctx context.Context, n moot.Node, b moot.Blob, r moot.Range, touch func(), take func(blob.Group) error) (lie bool, err error) {
	rc, err := n.Get(ctx, b.ID, r)
	if err != nil {
		return false, err
	}
	defer rc.Close()
	defer context.AfterFunc(ctx, func() { rc.Close() })()
	link := &tap{r: rc, touch: touch}
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
			return true, moot.Errorf(moot.Corrupt, "sent a size of %d bytes instead of %d", size, b.Size)
		}
		last = g.Index
		if err := take(g); err != nil {
			return false, err
		}
	}
}

// checkEnd judges a slice that has ended in good order.
func checkEnd(dec *blob.Decoder, b moot.Blob, r moot.Range, last int64) (lie bool, err error) {
	if size, err := dec.Size(); err != nil || size != b.Size {
		return true, moot.Errorf(moot.Corrupt, "sent a size of %d bytes instead of %d", size, b.Size)
	}
	if want := groups(r, b.Size); last < want.End()-1 {
		return true, moot.Errorf(moot.Corrupt, "sent groups up to %d instead of %d", last, want.End()-1)
	}
	return false, nil
}

// tap tells of every byte that comes, and keeps the error of the link apart from
// those of the decoder.
type tap struct {
	r     io.Reader
	touch func()
	err   error
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if n > 0 && t.touch != nil {
		t.touch()
	}
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err
}
