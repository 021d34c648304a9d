package gossip

import (
	"context"
	"slices"

	"github.com/mootspace/moot"
)

// Reconcile synchronises two nodes, both ways, and returns how many entries each got.
// Entries that one of them rejects are left out, and so are those that follow them; the
// error is of the link or of the store.
func Reconcile(ctx context.Context, local, remote moot.Feeds) (pulled, pushed int, err error) {
	c := &comparison{local: local, remote: remote, known: &seen{}, refused: &refusals{}, rejected: &refusals{}, names: namesOf(nil)}
	return c.run(ctx)
}

// comparison is one exchange of two nodes.
type comparison struct {
	local, remote moot.Feeds
	known         *seen
	refused       *refusals // heads of the other node that this one cannot take in
	rejected      *refusals // heads of this node that another could not take in
	names         func(*moot.Entry) []moot.EntryID

	ours, theirs moot.Vector
}

func (c *comparison) run(ctx context.Context) (pulled, pushed int, err error) {
	if c.theirs, err = c.remote.Vector(ctx); err != nil {
		return 0, 0, err
	}
	if err := c.lookHere(ctx); err != nil || c.ours.Equal(c.theirs) {
		return 0, 0, err
	}
	if pulled, err = c.pull(ctx); err != nil {
		return pulled, 0, err
	}
	pushed, err = c.push(ctx)
	return pulled, pushed, err
}

// lookHere reads the vector of this node. What is shown is each node's own matter.
func (c *comparison) lookHere(ctx context.Context) (err error) {
	c.ours, err = c.local.Vector(ctx)
	c.ours.Shown, c.theirs.Shown = 0, 0
	return err
}

// maxRounds bounds how often one comparison asks: at first for what follows our heads; then,
// of feeds that prove to have forked, from older entries on; and for what had to wait.
const maxRounds = 4

// pull asks the other node for what this one lacks.
func (c *comparison) pull(ctx context.Context) (moved int, err error) {
	var asked moot.Vector
	for round := range maxRounds {
		missing, err := c.missing(ctx)
		if err != nil || len(missing) == 0 {
			return moved, err
		}
		since, err := c.sinceOurs(ctx, missing, round > 0)
		if err != nil || round > 0 && since.Equal(asked) { // the answer would be the same
			return moved, err
		}
		asked = since
		t := c.transfer(c.remote, c.local, c.known)
		err = t.copy(ctx, since)
		moved += t.moved
		if err == nil {
			err = c.lookHere(ctx)
		}
		if err == nil && len(t.final) > 0 {
			err = c.remember(ctx, t)
		}
		if err != nil {
			return moved, err
		}
	}
	return moved, nil
}

// remember has heads of feeds of which something was refused left out of comparisons for
// a while.
func (c *comparison) remember(ctx context.Context, t *transfer) error {
	missing, err := c.missing(ctx)
	for author, heads := range missing {
		if t.final[author] {
			c.refused.add(heads)
		}
	}
	return err
}

// missing returns the heads of the other node that this one does not hold, or does not
// count as held because a body before them is missing; by author.
func (c *comparison) missing(ctx context.Context) (map[moot.Key][]moot.Head, error) {
	unknown := map[moot.EntryID]bool{}
	var ids []moot.EntryID
	for author, heads := range c.theirs.Heads {
		for _, h := range heads {
			if !c.ours.Has(author, h) && !c.refused.has(h.ID) {
				ids, unknown[h.ID] = append(ids, h.ID), true
			}
		}
	}
	for some := range slices.Chunk(ids, moot.MaxIDs) {
		q := moot.Query{History: true, Replica: true, IDs: some}
		if err := each(ctx, c.local, q, func(e moot.Entry) { unknown[e.ID] = false }); err != nil {
			return nil, err
		}
		q.Since = c.ours
		if err := each(ctx, c.local, q, func(e moot.Entry) { unknown[e.ID] = true }); err != nil {
			return nil, err
		}
	}
	missing := map[moot.Key][]moot.Head{}
	for author, heads := range c.theirs.Heads {
		for _, h := range heads {
			if unknown[h.ID] {
				missing[author] = append(missing[author], h)
			}
		}
	}
	return missing, nil
}

func each(ctx context.Context, node moot.Feeds, q moot.Query, do func(moot.Entry)) error {
	for e, err := range node.Query(ctx, q) {
		if err != nil {
			return err
		}
		do(e)
	}
	return nil
}

// sinceOurs returns what the other node is asked to begin from. Of a feed that seems to
// have forked – all feeds with something missing, if deep – older entries of ours are named,
// too: the other node may know none of our heads.
func (c *comparison) sinceOurs(ctx context.Context, missing map[moot.Key][]moot.Head, deep bool) (moot.Vector, error) {
	since := moot.Vector{Heads: map[moot.Key][]moot.Head{}}
	for author, theirs := range c.theirs.Heads {
		ours := c.ours.Heads[author]
		if len(missing[author]) == 0 {
			since.Heads[author] = theirs
			continue
		}
		if len(ours) == 0 {
			continue
		}
		if simple := len(ours) == 1 && len(theirs) == 1 && theirs[0].Seq > ours[0].Seq; deep || !simple {
			older, err := moot.Ancestors(ctx, c.local, author, c.ours.Seq(author))
			if err != nil {
				return since, err
			}
			ours = union(ours, older)
		}
		since.Heads[author] = ours
	}
	return since, nil
}

// maxHeads bounds the heads of one feed that are named to another node.
const maxHeads = 120

func union(a, b []moot.Head) []moot.Head {
	all := slices.Clone(a)
	for _, h := range b {
		if !slices.Contains(all, h) {
			all = append(all, h)
		}
	}
	return all[:min(len(all), maxHeads)]
}

// push hands the other node what it lacks.
func (c *comparison) push(ctx context.Context) (moved int, err error) {
	since, lacks := c.theirs.Clone(), false
	budget := moot.MaxIDs
	for author, ours := range c.ours.Heads {
		theirs := c.theirs.Heads[author]
		if len(c.lacking(ours, theirs)) == 0 {
			since.Heads[author] = ours
			continue
		}
		lacks = true
		if len(theirs) == 0 {
			continue
		}
		common, err := c.common(ctx, author, &budget)
		if err != nil {
			return 0, err
		}
		since.Heads[author] = union(common, theirs)
	}
	if !lacks {
		return 0, nil
	}
	t := c.transfer(c.local, c.remote, nil)
	err = t.copy(ctx, since)
	for author := range t.final {
		c.rejected.add(c.lacking(c.ours.Heads[author], c.theirs.Heads[author]))
	}
	return t.moved, err
}

// lacking returns those of our heads that theirs are to be followed by.
func (c *comparison) lacking(ours, theirs []moot.Head) (heads []moot.Head) {
	for _, h := range ours {
		if !slices.Contains(theirs, h) && !c.rejected.has(h.ID) {
			heads = append(heads, h)
		}
	}
	return heads
}

// common returns entries of a feed that both hold, if the other node has heads that this
// one has not: they say where it stands.
func (c *comparison) common(ctx context.Context, author moot.Key, budget *int) (common []moot.Head, err error) {
	var ids []moot.EntryID
	for _, h := range c.theirs.Heads[author] {
		ids = append(ids, h.ID)
	}
	known := 0
	if err := each(ctx, c.local, moot.Query{History: true, Replica: true, IDs: ids}, func(moot.Entry) { known++ }); err != nil || known == len(ids) {
		return nil, err
	}
	older, err := moot.Ancestors(ctx, c.local, author, c.ours.Seq(author))
	if err != nil || len(older) > *budget {
		return c.ours.Heads[author], err // next time
	}
	*budget -= len(older)
	ids = ids[:0]
	for _, h := range older {
		ids = append(ids, h.ID)
	}
	err = each(ctx, c.remote, moot.Query{History: true, Replica: true, IDs: ids}, func(e moot.Entry) {
		common = append(common, moot.Head{Seq: e.Seq, ID: e.ID})
	})
	return common, err
}
