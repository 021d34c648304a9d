package mail

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/sqlite"
)

// Change implements Mailbox.
func (acc *Account) Change(ctx context.Context, changes ...Change) ([]Item, error) {
	items, err := acc.change(ctx, changes)
	return items, moot.Wrap("change messages", err)
}

func (acc *Account) change(ctx context.Context, changes []Change) (items []Item, err error) {
	acc.index.changing.Lock()
	defer acc.index.changing.Unlock()
	p := plan{account: acc, messages: map[moot.BlobID]*planned{}}
	for _, c := range changes {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	if err := p.commit(ctx); err != nil {
		return nil, err
	}
	folders := map[string]map[moot.BlobID]Item{} // each is read once
	for _, r := range p.results {
		it := Item{ID: r.id, Folder: r.folder}
		if r.folder != "" && folders[r.folder] == nil {
			list, err := acc.index.list(ctx, Query{Folder: r.folder, Brief: true})
			if err != nil {
				return nil, err
			}
			folders[r.folder] = make(map[moot.BlobID]Item, len(list))
			for _, one := range list {
				folders[r.folder][one.ID] = one
			}
		}
		if now, there := folders[r.folder][r.id]; there {
			it = now
		}
		items = append(items, it)
	}
	return items, nil
}

// plan collects the changes of each message.
type plan struct {
	account  *Account
	dir      Directory
	own      []seal.Recipient // the keys that filings are sealed to
	messages map[moot.BlobID]*planned
	order    []moot.BlobID
	results  []result
}

// planned is the new state of a message.
type planned struct {
	stored
	locations []location
	at        int64 // as in filing
	read      bool  // newly marked as read
}

// result is the new folder of a changed item, empty if it was removed.
type result struct {
	id     moot.BlobID
	folder string
}

func (p *plan) add(c Change) error {
	id, ok, err := p.account.index.item(p.account.index.read, c.Folder, c.UID)
	if err != nil || !ok {
		return err
	}
	m, err := p.message(id)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(m.locations, func(pl location) bool { return pl.Folder == c.Folder })
	if at < 0 { // removed by an earlier change
		return nil
	}
	folder, err := m.change(at, c)
	if err == nil {
		p.results = append(p.results, result{id, folder})
	}
	return err
}

func (p *plan) message(id moot.BlobID) (*planned, error) {
	if m := p.messages[id]; m != nil {
		return m, nil
	}
	acct := p.account.index
	s, err := acct.find(acct.read, id)
	if err != nil {
		return nil, err
	}
	m := &planned{stored: s}
	if m.locations, err = acct.locations(acct.read, s.row); err != nil {
		return nil, err
	}
	p.messages[id] = m
	p.order = append(p.order, id)
	return m, nil
}

// change applies one change to the location at, and returns the item's new folder.
func (m *planned) change(at int, c Change) (string, error) {
	pl := &m.locations[at]
	for _, f := range slices.Concat(c.Set, c.Clear) {
		if !validFlag(f) {
			return "", moot.Errorf(moot.Invalid, "%.40q cannot be a flag", f)
		}
	}
	if c.Exact {
		pl.Flags = nil
	}
	m.read = m.read || slices.Contains(c.Set, Seen) && !slices.Contains(pl.Flags, Seen)
	pl.Flags = slices.DeleteFunc(pl.Flags, func(f Flag) bool { return slices.Contains(c.Clear, f) })
	for _, f := range c.Set {
		if !slices.Contains(pl.Flags, f) {
			pl.Flags = append(pl.Flags, f)
		}
	}
	to := c.Copy + c.Move
	if to == "" || to == c.Folder {
		if c.Remove {
			m.locations = slices.Delete(m.locations, at, at+1)
			return "", nil
		}
		return c.Folder, nil
	}
	if err := checkFolder(to); err != nil {
		return "", err
	}
	flags := slices.Clone(pl.Flags)
	if c.Move != "" {
		m.locations = slices.Delete(m.locations, at, at+1)
	}
	m.locations = slices.DeleteFunc(m.locations, func(pl location) bool { return pl.Folder == to })
	m.locations = append(m.locations, location{to, flags})
	return to, nil
}

// commit writes the statements, then updates the index.
func (p *plan) commit(ctx context.Context) (err error) {
	if len(p.order) == 0 {
		return nil
	}
	if p.dir, err = p.account.cfg.Directory(ctx); err != nil {
		return err
	}
	if p.own, err = p.account.ownRecipients(ctx, p.dir); err != nil {
		return err
	}
	var statements []sign.Statement
	for _, id := range p.order {
		some, err := p.statements(ctx, id)
		if err != nil {
			return err
		}
		statements = append(statements, some...)
	}
	entries, err := p.account.cfg.Write.Append(ctx, moot.Merge, statements...)
	if err != nil {
		return err
	}
	if err := p.updateIndex(ctx, entries); err != nil {
		return err
	}
	for _, id := range p.order {
		if len(p.messages[id].locations) == 0 && p.account.cfg.Reclaim != nil {
			p.account.cfg.Reclaim(ctx, id)
		}
	}
	return nil
}

// statements returns what to write about one message.
func (p *plan) statements(ctx context.Context, id moot.BlobID) ([]sign.Statement, error) {
	b, m := p.account, p.messages[id]
	last, former, err := b.index.heads(b.index.read, id)
	if err != nil {
		return nil, err
	}
	m.at = former.At
	s, err := b.filingStatement(p.own, id, filing{m.locations, m.at})
	if err != nil {
		return nil, err
	}
	s.Replaces = last[:min(len(last), moot.MaxReplaces)]
	list := []sign.Statement{s}
	switch {
	case len(m.locations) == 0 && m.private && m.author == b.self:
		list = append(list, sign.Statement{Kind: moot.KindMessage, Key: id.String(), Replaces: []moot.EntryID{m.entry}})
	case m.read && m.author != b.self && (b.cfg.SendReceipts == nil || b.cfg.SendReceipts()):
		receipts, err := b.readReceipts(ctx, p.dir, id, m)
		if err != nil {
			return nil, err
		}
		list = append(list, receipts...)
	}
	return list, nil
}

// filingStatement returns the statement that files a message, sealed to the member, or,
// without a location, removes it.
func (acc *Account) filingStatement(to []seal.Recipient, id moot.BlobID, n filing) (s sign.Statement, err error) {
	s = sign.Statement{Kind: moot.KindReceipt, Key: filingKey(acc.self, id)}
	if len(n.Locations) > 0 {
		s.Body, err = encodeSealed(n, to...)
	}
	return s, err
}

func (p *plan) updateIndex(ctx context.Context, entries []moot.Entry) error {
	b := p.account
	return b.update(ctx, func(tx *sqlite.Tx) (changed []string, err error) {
		b.index.changes.Add(1)
		for _, e := range entries {
			if id, _, ok := parseReceiptKey(e.Key); ok {
				if err := b.index.acknowledged(tx, []moot.BlobID{id}); err != nil {
					return nil, err
				}
			}
			_, id, ok := parseFilingKey(e.Key)
			if !ok {
				continue
			}
			m := p.messages[id]
			folders, err := b.index.setFiling(tx, filed{filing{m.locations, m.at}, id, []moot.EntryID{e.ID}, e.Time})
			if err != nil {
				return nil, err
			}
			changed = append(changed, folders...)
		}
		return changed, nil
	})
}

// SetFolder implements Mailbox.
func (acc *Account) SetFolder(ctx context.Context, from, to string) error {
	return moot.Wrap("change folders", acc.setFolder(ctx, from, to))
}

func (acc *Account) setFolder(ctx context.Context, from, to string) error {
	if from != "" && special(from) >= 0 {
		return moot.Errorf(moot.Denied, "the folder %s cannot be renamed or removed", from)
	}
	if to != "" {
		if err := checkFolder(to); err != nil {
			return err
		}
		err := acc.update(ctx, func(tx *sqlite.Tx) ([]string, error) {
			_, err := acc.index.folder(tx, to)
			return []string{to}, err
		})
		if err != nil {
			return err
		}
	}
	if from == "" {
		return nil
	}
	items, err := acc.index.list(ctx, Query{Folder: from, Brief: true})
	if err != nil {
		return err
	}
	changes := make([]Change, len(items))
	for i, it := range items {
		changes[i] = Change{Folder: from, UID: it.UID, Move: to, Remove: to == ""}
	}
	if _, err := acc.change(ctx, changes); err != nil {
		return err
	}
	return acc.update(ctx, func(tx *sqlite.Tx) ([]string, error) { return []string{from}, acc.index.dropFolder(tx, from) })
}

// checkFolder validates a folder's name. Kind Invalid.
func checkFolder(name string) error {
	bad := name == "" || len(name) > 255 || !utf8.ValidString(name) || strings.Contains(name, "//") ||
		strings.HasPrefix(name, "/") || strings.HasSuffix(name, "/")
	for _, r := range name {
		bad = bad || !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r)
	}
	if bad {
		return moot.Errorf(moot.Invalid, "%.40q cannot be a folder's name", name)
	}
	return nil
}

// validFlag reports whether a flag is an atom, with a backslash or without (RFC 9051,
// 2.3.2).
func validFlag(f Flag) bool {
	s := strings.TrimPrefix(string(f), `\`)
	return s != "" && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r)
	})
}
