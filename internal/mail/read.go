package mail

import (
	"context"
	"errors"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// cursor is what an account has read.
type cursor struct {
	moot.Vector
	basis
}

// maxRereads bounds how often entries are read anew because of a concurrent Change.
const maxRereads = 8

// errChanged ends a reading that a concurrent Change has overtaken.
var errChanged = moot.Errorf(moot.Unavailable, "the mailbox was changed meanwhile")

// savePosition is after how many entries that were handed over the cursor is stored.
const savePosition = 4096

// readEntries indexes new announcements and the filings by the member's devices.
func (acc *Account) readEntries(ctx context.Context, t taken) error {
	for range maxRereads {
		if err := acc.readOnce(ctx, t); !errors.Is(err, errChanged) {
			return err
		}
	}
	acc.Wake()
	return nil
}

func (acc *Account) readOnce(ctx context.Context, t taken) error {
	changes := acc.index.changes.Load()
	seen, err := acc.index.cursor()
	if err != nil {
		return err
	}
	seen.Vector = joinVectors(seen.Vector, t.seen, nil)
	now, err := acc.cfg.Node.Vector(ctx)
	if err != nil {
		return err
	}
	keys := acc.keysBasis(ctx)
	if covers(seen.Vector, now) && seen.Keys == keys && !t.recheck {
		return acc.savePosition(ctx, t)
	}
	list, err := acc.query(ctx, seen, keys)
	if err != nil {
		return err
	}
	next := cursor{joinVectors(seen.Vector, now, list.unknown), list.basis}
	if err := acc.storeUnread(ctx, changes, list, &next); err != nil {
		return err
	}
	acc.reclaim(ctx, list.filings)
	return nil
}

// savePosition stores the cursor now and then, so that not all is read again when the node
// starts.
func (acc *Account) savePosition(ctx context.Context, t taken) error {
	if !acc.handed.due(t, savePosition) {
		return nil
	}
	next, err := acc.index.cursor()
	if err != nil {
		return err
	}
	next.Vector = joinVectors(next.Vector, t.seen, nil)
	return acc.storeUnread(ctx, acc.index.changes.Load(), unread{}, &next)
}

// receive indexes entries that were handed over, and fetches their messages. The cursor
// stays: after a crash they are read in the feeds.
func (acc *Account) receive(ctx context.Context, entries []announced) error {
	if len(entries) == 0 {
		return nil
	}
	err := acc.receiveOnce(ctx, entries)
	if err != nil {
		acc.handed.incomplete()
	}
	if errors.Is(err, errChanged) {
		acc.Wake()
		return nil
	}
	return err
}

func (acc *Account) receiveOnce(ctx context.Context, entries []announced) error {
	if fresh, ok, err := acc.arrivals(entries); err != nil {
		return err
	} else if ok {
		missing, err := acc.fetchEach(ctx, fresh)
		if err != nil || len(missing) == 0 {
			return err
		}
		return acc.update(ctx, func(tx *sqlite.Tx) ([]string, error) {
			for _, env := range missing {
				if err := acc.index.addPending(tx, env); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
	}
	changes := acc.index.changes.Load()
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return err
	}
	var list unread
	var own []moot.Entry
	for _, e := range entries {
		if e.Kind == moot.KindMessage {
			list.announcements = append(list.announcements, e)
		} else {
			own = append(own, e.Entry)
		}
	}
	if list.filings, err = acc.readFilings(ctx, dir, own, false); err != nil {
		return err
	}
	back, err := acc.back(ctx, dir, list)
	if err != nil {
		return err
	}
	list.announcements = append(list.announcements, back...)
	if err := acc.storeUnread(ctx, changes, list, nil); err != nil {
		return err
	}
	acc.reclaim(ctx, list.filings)
	return acc.fetchAll(ctx)
}

// arrivals returns the messages that entries announce, if that is all that they do,
// without those that are known.
func (acc *Account) arrivals(entries []announced) (list []envelope, ok bool, err error) {
	for _, a := range entries {
		if a.Kind != moot.KindMessage || a.Deletes() {
			return nil, false, nil
		}
	}
	for _, a := range entries {
		env, err := parseEnvelope(a.Entry, a.author)
		if err != nil || !env.readableBy(acc.self) {
			continue
		}
		if known, err := acc.index.knows(env.ID); err != nil {
			return nil, false, err
		} else if known {
			continue
		}
		if n, filed, err := acc.index.filing(acc.index.read, env.ID); err != nil {
			return nil, false, err
		} else if filed && len(n.Locations) == 0 { // removed before
			continue
		}
		env.Elsewhere = env.Author == acc.self && acc.index.otherDevice(env.Device)
		list = append(list, env)
	}
	return list, true, nil
}

// reclaim frees the blobs of messages that the member has removed.
func (acc *Account) reclaim(ctx context.Context, list []filed) {
	for _, f := range list {
		if len(f.Locations) == 0 && acc.cfg.Reclaim != nil {
			acc.cfg.Reclaim(ctx, f.id)
		}
	}
}

// storeUnread indexes what was read, unless a Change came in between, and with next moves
// the cursor.
func (acc *Account) storeUnread(ctx context.Context, changes int64, list unread, next *cursor) error {
	err := acc.update(ctx, func(tx *sqlite.Tx) (changed []string, err error) {
		if acc.index.changes.Load() != changes {
			return nil, errChanged
		}
		for _, f := range list.filings {
			folders, err := acc.index.setFiling(tx, f)
			if err != nil {
				return nil, err
			}
			changed = append(changed, folders...)
		}
		for _, a := range list.announcements {
			folders, err := acc.handleAnnouncement(tx, a)
			if err != nil {
				return nil, err
			}
			changed = append(changed, folders...)
		}
		if next == nil {
			return changed, nil
		}
		return changed, acc.index.setCursor(tx, *next)
	})
	if err == nil && next != nil {
		acc.index.last = next
	}
	return err
}

// unread is what a node has that an account has not read.
type unread struct {
	basis
	announcements []announced
	filings       []filed
	unknown       map[moot.Key]bool // authors that the directory does not have yet
}

// announced is an entry of kind message with its author's member.
type announced struct {
	moot.Entry
	author moot.MemberID
}

func (acc *Account) query(ctx context.Context, seen cursor, keys string) (n unread, err error) {
	n.unknown = map[moot.Key]bool{}
	var list, own []moot.Entry
	if list, err = collect(ctx, acc.cfg.Node, moot.Query{Kind: moot.KindMessage, History: true, Since: seen.Vector}); err != nil {
		return n, err
	}
	dir, err := acc.cfg.Directory(ctx) // after the entries, so that it has their authors
	if err != nil {
		return n, err
	}
	for _, e := range list {
		if author, ok := dir.Roster.Owner(e.Author); ok {
			n.announcements = append(n.announcements, announced{e, author})
		} else {
			n.unknown[e.Author] = true
		}
	}
	n.basis = basis{keys, acc.devicesBasis(dir)}
	since := seen.Vector
	if n.basis != seen.basis {
		since = moot.Vector{}
	}
	if own, err = collect(ctx, acc.cfg.Node, moot.Query{Kind: moot.KindReceipt, History: true, Since: since, Prefix: filingPrefixOf(acc.self)}); err == nil {
		for _, e := range own {
			if _, ok := dir.Roster.Owner(e.Author); !ok {
				n.unknown[e.Author] = true
			}
		}
		n.filings, err = acc.readFilings(ctx, dir, own, n.basis != seen.basis)
	}
	if err != nil {
		return n, err
	}
	back, err := acc.back(ctx, dir, n)
	n.announcements = append(n.announcements, back...)
	return n, err
}

// back returns the announcements of messages that one device removed and another filed
// all the same.
func (acc *Account) back(ctx context.Context, dir Directory, n unread) (list []announced, err error) {
	fresh := map[string]bool{}
	for _, a := range n.announcements {
		fresh[a.Key] = true
	}
	for _, f := range n.filings {
		if len(f.Locations) == 0 || fresh[f.id.String()] {
			continue
		}
		known, err := acc.index.knows(f.id)
		if err != nil {
			return nil, err
		}
		if known {
			continue
		}
		entries, err := collect(ctx, acc.cfg.Node, moot.Query{Kind: moot.KindMessage, Key: f.id.String()})
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if author, ok := dir.Roster.Owner(e.Author); ok {
				list = append(list, announced{e, author})
			}
		}
	}
	return list, nil
}

func collect(ctx context.Context, node moot.Feeds, q moot.Query) (list []moot.Entry, err error) {
	for e, err := range node.Query(ctx, q) {
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// handleAnnouncement indexes an entry of kind message; a malformed one is ignored, since
// entries are untrusted. Errors are the index's.
func (acc *Account) handleAnnouncement(tx *sqlite.Tx, a announced) ([]string, error) {
	if a.Deletes() {
		return acc.retract(tx, a.Entry, a.author)
	}
	env, err := parseEnvelope(a.Entry, a.author)
	if err != nil || !env.readableBy(acc.self) {
		return nil, nil
	}
	n, ok, err := acc.index.filing(tx, env.ID)
	if err != nil || ok && len(n.Locations) == 0 { // removed before
		return nil, err
	}
	env.Elsewhere = env.Author == acc.self && acc.index.otherDevice(env.Device)
	return nil, acc.index.addPending(tx, env)
}

// covers reports whether all that now says is held was read. A node that is behind another
// one has nothing new.
func covers(seen, now moot.Vector) bool {
	if seen.Shown != now.Shown {
		return false
	}
	for author, heads := range now.Heads {
		read := seen.Heads[author]
		if len(heads) == 1 && len(read) == 1 && read[0].Seq > heads[0].Seq {
			continue
		}
		if slices.ContainsFunc(heads, func(h moot.Head) bool { return !slices.Contains(read, h) }) {
			return false
		}
	}
	return true
}

// joinVectors returns what was read once a node's entries are, too, but for authors whose
// entries were left out.
func joinVectors(seen, now moot.Vector, without map[moot.Key]bool) moot.Vector {
	next := seen.Clone()
	next.Shown = now.Shown
	for author, heads := range now.Heads {
		read := seen.Heads[author]
		if without[author] || len(heads) == 1 && len(read) == 1 && read[0].Seq > heads[0].Seq {
			continue
		}
		next.Heads[author] = slices.Clone(heads)
	}
	return next
}
