package mail

import (
	"context"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
)

// filed is what the filings of a message amount to.
type filed struct {
	filing
	id    moot.BlobID
	heads []moot.EntryID // the filings that no other one replaces, the newest first
	time  moot.Time      // of the newest
}

// readFilings returns what filings amount to, message by message. Those by others than the
// member's devices are ignored. complete: there are no earlier ones.
func (acc *Account) readFilings(ctx context.Context, dir Directory, entries []moot.Entry, complete bool) (list []filed, err error) {
	var order []moot.BlobID
	versions := map[moot.BlobID][]moot.Entry{}
	for _, e := range ownFilings(dir.Roster, acc.self, entries) {
		_, id, _ := parseFilingKey(e.Key)
		if versions[id] == nil {
			order = append(order, id)
		}
		versions[id] = append(versions[id], e)
	}
	for _, id := range order {
		all := versions[id]
		if !complete && acc.applied(id, all) {
			continue
		}
		if !complete && !acc.continues(id, all) {
			q := moot.Query{Kind: moot.KindReceipt, Key: filingKey(acc.self, id), History: true}
			if all, err = collect(ctx, acc.cfg.Node, q); err != nil {
				return nil, err
			}
			all = ownFilings(dir.Roster, acc.self, all)
		}
		if f, ok := openFilings(id, heads(all), acc.identities(ctx)); ok {
			list = append(list, f)
		}
	}
	return list, nil
}

// ownFilings returns the filings by a member's devices.
func ownFilings(roster Roster, self moot.MemberID, entries []moot.Entry) []moot.Entry {
	return slices.DeleteFunc(entries, func(e moot.Entry) bool {
		member, _, ok := parseFilingKey(e.Key)
		owner, known := roster.Owner(e.Author)
		return !ok || !known || member != self || owner != self
	})
}

// applied reports whether filings amount to one that is in the index, as after a Change.
func (acc *Account) applied(id moot.BlobID, versions []moot.Entry) bool {
	known, _, err := acc.index.heads(acc.index.read, id)
	list := heads(versions)
	return err == nil && len(known) == 1 && len(list) == 1 && list[0].ID == known[0]
}

// continues reports whether filings replace all that are known of a message and one of
// them the rest, so that no device has filed it meanwhile.
func (acc *Account) continues(id moot.BlobID, versions []moot.Entry) bool {
	known, _, err := acc.index.heads(acc.index.read, id)
	if err != nil || len(heads(versions)) != 1 {
		return false
	}
	return !slices.ContainsFunc(known, func(k moot.EntryID) bool {
		return !slices.ContainsFunc(versions, func(e moot.Entry) bool { return e.ID == k || slices.Contains(e.Replaces, k) })
	})
}

// heads returns the entries that none of the others replaces, the newest first.
func heads(versions []moot.Entry) (list []moot.Entry) {
	replaced := map[moot.EntryID]bool{}
	for _, e := range versions {
		for _, id := range e.Replaces {
			replaced[id] = true
		}
	}
	for _, e := range versions {
		if !replaced[e.ID] && !slices.ContainsFunc(list, func(h moot.Entry) bool { return h.ID == e.ID }) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b moot.Entry) int { return moot.Newer(&a, &b) })
	return list
}

// noTime is the arrival that a mail program's copy without one got before version 0.2.
var noTime = time.Time{}.UnixMilli()

// openFilings joins filings, the newest first; false if none of them can be opened.
func openFilings(id moot.BlobID, list []moot.Entry, ids []seal.Identity) (f filed, ok bool) {
	var opened []filing
	for _, e := range list {
		f.heads = append(f.heads, e.ID)
		f.time = max(f.time, e.Time)
		var n filing
		if e.Deletes() || e.Body != nil && decodeSealed(e.Body, ids, &n) == nil {
			if n.At == noTime {
				n.At = 0
			}
			opened = append(opened, n)
		}
	}
	if len(opened) == 0 {
		return f, false
	}
	f.id, f.filing = id, joinFilings(opened)
	return f, true
}

// joinFilings is what concurrent filings by several devices amount to: the newest decides
// on the folders, and flags that another one set in them are kept, but for \Deleted, after
// which the message would be removed.
func joinFilings(list []filing) filing {
	out := filing{At: list[0].At}
	for _, l := range list[0].Locations {
		out.Locations = append(out.Locations, location{l.Folder, slices.Clone(l.Flags)})
	}
	for _, older := range list[1:] {
		if out.At == 0 {
			out.At = older.At
		}
		for _, l := range older.Locations {
			i := slices.IndexFunc(out.Locations, func(o location) bool { return o.Folder == l.Folder })
			if i < 0 {
				continue
			}
			for _, f := range l.Flags {
				if f != Deleted && !slices.Contains(out.Locations[i].Flags, f) {
					out.Locations[i].Flags = append(out.Locations[i].Flags, f)
				}
			}
		}
	}
	return out
}
