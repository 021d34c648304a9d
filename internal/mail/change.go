package mail

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
)

// Change implements Mailbox.
func (b *Box) Change(ctx context.Context, changes ...Change) ([]Item, error) {
	items, err := b.change(ctx, changes)
	return items, moot.Wrap("change messages", err)
}

func (b *Box) change(ctx context.Context, changes []Change) (items []Item, err error) {
	b.acct.changing.Lock()
	defer b.acct.changing.Unlock()
	p := plan{box: b, messages: map[moot.BlobID]*planned{}}
	for _, c := range changes {
		if err := p.add(c); err != nil {
			return nil, err
		}
	}
	if err := p.carryOut(ctx); err != nil {
		return nil, err
	}
	for _, r := range p.results {
		it := Item{ID: r.id, Folder: r.folder}
		if r.folder != "" {
			list, err := b.acct.list(ctx, Query{Folder: r.folder, ID: r.id, Light: true})
			if err != nil {
				return nil, err
			}
			if len(list) > 0 {
				it = list[0]
			}
		}
		items = append(items, it)
	}
	return items, nil
}

// plan is what changes come to, by message.
type plan struct {
	box      *Box
	messages map[moot.BlobID]*planned
	order    []moot.BlobID
	results  []result
}

// planned is where a message will be.
type planned struct {
	stored
	places []place
	at     int64 // as in note
	read   bool  // it was not read before
}

// result is where the item of a change will be; folder is empty if it was removed.
type result struct {
	id     moot.BlobID
	folder string
}

func (p *plan) add(c Change) error {
	id, ok, err := p.box.acct.item(p.box.acct.read, c.Folder, c.UID)
	if err != nil || !ok {
		return err
	}
	m, err := p.message(id)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(m.places, func(pl place) bool { return pl.Folder == c.Folder })
	if at < 0 { // an earlier change has taken it away
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
	acct := p.box.acct
	s, err := acct.find(acct.read, id)
	if err != nil {
		return nil, err
	}
	m := &planned{stored: s}
	if m.places, err = acct.places(acct.read, s.row); err != nil {
		return nil, err
	}
	p.messages[id] = m
	p.order = append(p.order, id)
	return m, nil
}

// change carries out one change on the place at, and returns the folder that the item
// is in then.
func (m *planned) change(at int, c Change) (string, error) {
	pl := &m.places[at]
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
			m.places = slices.Delete(m.places, at, at+1)
			return "", nil
		}
		return c.Folder, nil
	}
	if err := checkFolder(to); err != nil {
		return "", err
	}
	flags := slices.Clone(pl.Flags)
	if c.Move != "" {
		m.places = slices.Delete(m.places, at, at+1)
	}
	m.places = slices.DeleteFunc(m.places, func(pl place) bool { return pl.Folder == to })
	m.places = append(m.places, place{to, flags})
	return to, nil
}

// carryOut says what has changed, and then has the index follow.
func (p *plan) carryOut(ctx context.Context) error {
	var statements []sign.Statement
	for _, id := range p.order {
		some, err := p.statements(ctx, id)
		if err != nil {
			return err
		}
		statements = append(statements, some...)
	}
	if len(statements) == 0 {
		return nil
	}
	entries, err := p.box.cfg.Write.Append(ctx, moot.Merge, statements...)
	if err != nil {
		return err
	}
	if err := p.follow(ctx, entries); err != nil {
		return err
	}
	for _, id := range p.order {
		if len(p.messages[id].places) == 0 && p.box.cfg.Release != nil {
			p.box.cfg.Release(ctx, id)
		}
	}
	return nil
}

// statements are what is to be said of one message.
func (p *plan) statements(ctx context.Context, id moot.BlobID) ([]sign.Statement, error) {
	b, m := p.box, p.messages[id]
	last, former, noted, err := b.acct.note(b.acct.read, id)
	if err != nil {
		return nil, err
	}
	m.at = former.At
	body, err := encodeSealed(note{m.places, m.at}, b.self)
	if err != nil {
		return nil, err
	}
	s := sign.Statement{Kind: moot.KindReceipt, Key: noteKey(b.self, id), Body: body}
	if noted {
		s.Replaces = []moot.EntryID{last}
	}
	list := []sign.Statement{s}
	switch {
	case len(m.places) == 0 && m.kept && m.author == b.self:
		list = append(list, sign.Statement{Kind: moot.KindMessage, Key: id.String(), Replaces: []moot.EntryID{m.entry}})
	case m.read && m.author != b.self && (b.cfg.TellRead == nil || b.cfg.TellRead()):
		tell, err := b.tellRead(ctx, id, m)
		if err != nil {
			return nil, err
		}
		list = append(list, tell...)
	}
	return list, nil
}

// tellRead says that a message was delivered and read, the latter to its author alone;
// nothing if it was said before, or is not to be said, as of a channel's messages.
func (b *Box) tellRead(ctx context.Context, id moot.BlobID, m *planned) ([]sign.Statement, error) {
	s := sign.Statement{Kind: moot.KindReceipt, Key: receiptKey(id, b.self)}
	r := receipt{Delivered: b.cfg.Now().UnixMilli()}
	told := false
	for e, err := range b.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindReceipt, Key: s.Key}) {
		if err != nil {
			return nil, err
		}
		var former receipt
		if decode(e.Body, &former) != nil || len(former.Sealed) > 0 {
			return nil, nil
		}
		told, r.Delivered, s.Replaces = true, former.Delivered, append(s.Replaces, e.ID)
	}
	if !told && !m.owed {
		return nil, nil
	}
	var err error
	if r.Sealed, err = encodeSealed(b.cfg.Now().UnixMilli(), m.author); err != nil {
		return nil, err
	}
	s.Body, err = encode(r)
	return []sign.Statement{s}, err
}

func (p *plan) follow(ctx context.Context, entries []moot.Entry) error {
	b := p.box
	return b.update(ctx, func(tx *sql.Tx) (changed []string, err error) {
		for _, e := range entries {
			if id, _, ok := receiptOf(e.Key); ok {
				if err := b.acct.paid(tx, []moot.BlobID{id}); err != nil {
					return nil, err
				}
			}
			_, id, ok := noteOf(e.Key)
			if !ok {
				continue
			}
			m := p.messages[id]
			folders, err := b.acct.setNote(tx, id, e, note{m.places, m.at})
			if err == nil && len(m.places) == 0 {
				err = b.acct.remove(tx, m.row)
			}
			if err != nil {
				return nil, err
			}
			changed = append(changed, folders...)
		}
		return changed, nil
	})
}

// SetFolder implements Mailbox.
func (b *Box) SetFolder(ctx context.Context, from, to string) error {
	return moot.Wrap("change folders", b.setFolder(ctx, from, to))
}

func (b *Box) setFolder(ctx context.Context, from, to string) error {
	if from != "" && special(from) >= 0 {
		return moot.Errorf(moot.Denied, "the folder %s stays where it is", from)
	}
	if to != "" {
		if err := checkFolder(to); err != nil {
			return err
		}
		err := b.update(ctx, func(tx *sql.Tx) ([]string, error) {
			_, err := b.acct.folder(tx, to)
			return []string{to}, err
		})
		if err != nil {
			return err
		}
	}
	if from == "" {
		return nil
	}
	items, err := b.acct.list(ctx, Query{Folder: from, Light: true})
	if err != nil {
		return err
	}
	changes := make([]Change, len(items))
	for i, it := range items {
		changes[i] = Change{Folder: from, UID: it.UID, Move: to, Remove: to == ""}
	}
	if _, err := b.change(ctx, changes); err != nil {
		return err
	}
	return b.update(ctx, func(tx *sql.Tx) ([]string, error) { return []string{from}, b.acct.dropFolder(tx, from) })
}

// checkFolder reports, with kind Invalid, why a folder cannot be called so.
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
