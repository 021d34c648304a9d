package gossip

import (
	"context"
	"slices"

	"github.com/mootspace/moot"
)

const (
	batchSize  = 256  // entries appended at once: enough for one disk write
	maxFetched = 1024 // entries fetched by their IDs in one transfer
	maxDepth   = 16   // steps from an entry to what it names, and so on
)

// transfer copies entries from one node to another.
type transfer struct {
	from, to moot.Feeds
	names    func(*moot.Entry) []moot.EntryID
	known    *seen                 // for entries that are pulled; nil for those pushed
	refused  map[moot.EntryID]bool // entries that were rejected, or follow such
	final    map[moot.Key]bool     // authors with an entry that no other entry would make acceptable
	batch    []moot.Entry
	fetched  int // by ID
	moved    int
}

func (c *comparison) transfer(from, to moot.Feeds, known *seen) *transfer {
	return &transfer{from: from, to: to, names: c.names, known: known, refused: map[moot.EntryID]bool{}, final: map[moot.Key]bool{}}
}

// namesOf returns the entries that one entry names: the one before it, those that it
// cites, and what more finds in its body.
func namesOf(more func(*moot.Entry) []moot.EntryID) func(*moot.Entry) []moot.EntryID {
	return func(e *moot.Entry) []moot.EntryID {
		ids := slices.Clone(e.Cites)
		if e.Seq > 1 {
			ids = append(ids, e.Prev)
		}
		if more != nil {
			ids = append(ids, more(e)...)
		}
		return ids
	}
}

// copy appends to one node the entries of the other beyond since.
func (t *transfer) copy(ctx context.Context, since moot.Vector) error {
	for e, err := range t.from.Query(ctx, moot.Query{History: true, Replica: true, Since: since}) {
		if err != nil {
			return err
		}
		if t.known != nil {
			t.known.add(e.ID)
		}
		t.batch = append(t.batch, e)
		if len(t.batch) == batchSize {
			if err := t.flush(ctx); err != nil {
				return err
			}
		}
	}
	return t.flush(ctx)
}

// flush appends the batch at once, and if it is rejected one by one.
func (t *transfer) flush(ctx context.Context) error {
	entries := slices.DeleteFunc(t.batch, t.follows)
	t.batch = nil
	if len(entries) == 0 {
		return nil
	}
	err := t.to.Append(ctx, moot.Merge, entries...)
	if err == nil {
		t.moved += len(entries)
		return nil
	}
	if !refusal(err) {
		return err
	}
	for _, e := range entries {
		if t.follows(e) {
			continue
		}
		if err := t.one(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// follows reports whether an entry comes after one that was rejected.
func (t *transfer) follows(e moot.Entry) bool {
	if !t.refused[e.Prev] {
		return false
	}
	t.refused[e.ID] = true
	return true
}

// one appends one entry and, if need be, what it names first.
func (t *transfer) one(ctx context.Context, e moot.Entry) error {
	err := t.to.Append(ctx, moot.Merge, e)
	if moot.KindOf(err) == moot.Gap {
		if err := t.fetchNamed(ctx, e); err != nil {
			return err
		}
		err = t.to.Append(ctx, moot.Merge, e)
	}
	switch kind := moot.KindOf(err); {
	case err == nil:
		t.moved++
	case refusal(err):
		t.refused[e.ID] = true
		if kind == moot.Fork || kind == moot.Invalid || kind == moot.Corrupt || kind == moot.TooLarge {
			t.final[e.Author] = true
		}
	default:
		return err
	}
	return nil
}

// fetchNamed copies what an entry names, directly or through others, and the receiver
// lacks. The error is not of an entry but of a node.
func (t *transfer) fetchNamed(ctx context.Context, e moot.Entry) error {
	found := map[moot.EntryID]moot.Entry{}
	wanted := t.names(&e)
	for range maxDepth {
		missing, err := t.missing(ctx, wanted, found)
		if err != nil {
			return err
		}
		missing = missing[:min(len(missing), moot.MaxIDs, maxFetched-t.fetched)]
		if len(missing) == 0 {
			break
		}
		wanted = nil
		q := moot.Query{History: true, Replica: true, IDs: missing}
		err = each(ctx, t.from, q, func(e moot.Entry) {
			if found[e.ID] = e; t.known != nil {
				t.known.add(e.ID)
			}
			wanted = append(wanted, t.names(&e)...)
			t.fetched++
		})
		if err != nil {
			return err
		}
	}
	return t.appendFound(ctx, found)
}

// missing returns those of the entries that the receiver does not hold, each once.
func (t *transfer) missing(ctx context.Context, wanted []moot.EntryID, found map[moot.EntryID]moot.Entry) (missing []moot.EntryID, err error) {
	lacks := map[moot.EntryID]bool{}
	for _, id := range wanted {
		if _, ok := found[id]; !ok && !lacks[id] && len(missing) < maxFetched {
			lacks[id] = true
			missing = append(missing, id)
		}
	}
	for some := range slices.Chunk(missing, moot.MaxIDs) {
		q := moot.Query{History: true, Replica: true, IDs: some}
		if err := each(ctx, t.to, q, func(e moot.Entry) { lacks[e.ID] = false }); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(missing, func(id moot.EntryID) bool { return !lacks[id] }), nil
}

// appendFound appends entries, each after those that it names.
func (t *transfer) appendFound(ctx context.Context, found map[moot.EntryID]moot.Entry) error {
	var ordered []moot.Entry
	var visit func(moot.EntryID)
	visit = func(id moot.EntryID) {
		e, ok := found[id]
		if !ok {
			return
		}
		delete(found, id)
		for _, named := range t.names(&e) {
			visit(named)
		}
		ordered = append(ordered, e)
	}
	for id := range found {
		visit(id)
	}
	for _, e := range ordered {
		switch err := t.to.Append(ctx, moot.Merge, e); {
		case err == nil:
			t.moved++
		case !refusal(err):
			return err
		}
	}
	return nil
}

// refusal reports whether an entry was rejected; other errors are of a node or a disk.
func refusal(err error) bool {
	switch moot.KindOf(err) {
	case moot.Unavailable, moot.Internal, moot.Full:
		return false
	}
	return true
}
