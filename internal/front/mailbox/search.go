package mailbox

import (
	"errors"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

const maxTerms = 500 // of one SEARCH

// Search implements imapserver.Session. The index is evaluated first; a message is
// opened only if that is undecided, and read whole only if its header is, too.
func (s *imapSession) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (*imap.SearchData, error) {
	v := s.selected.Load()
	v.mu.Lock()
	defer v.mu.Unlock()
	q := query{v: v, now: time.Now()}
	err := q.prepare(criteria)
	if options.ReturnSave {
		v.found = nil // also if the search fails (RFC 9051, 6.4.4.1)
	}
	if err != nil {
		return nil, err
	}
	var index map[imap.UID]summary
	if q.needsSummary {
		if index, err = v.summaries(); err != nil {
			return nil, s.failure(err)
		}
	}
	var r results
	begin := beginnings{v: v}
	for i := range v.messages {
		c := candidate{q: &q, number: uint32(i + 1), message: &v.messages[i], begin: func() []byte { return begin.of(i) }}
		if sum, ok := index[c.uid]; ok {
			c.summary = &sum
		}
		yes, err := s.matches(criteria, &c)
		if err != nil {
			return nil, s.failure(err)
		}
		if yes {
			r.add(kind, c.number, c.uid)
		}
	}
	if options.ReturnSave {
		v.found = r.uids
	}
	return r.data(kind), s.failure(s.extension.found(v, kind, &r))
}

// matches evaluates one message. An unavailable one matches only criteria that do not
// need it.
func (s *imapSession) matches(criteria *imap.SearchCriteria, c *candidate) (bool, error) {
	for {
		if v := c.all(criteria); v != undecided {
			return v == matched, nil
		}
		if c.content == nil {
			c.content = s.open(c.message, c.begin())
		}
		more, err := c.load()
		switch {
		case errors.Is(err, moot.NotFound), errors.Is(err, moot.Unavailable), errors.Is(err, moot.Corrupt):
			if s.ctx.Err() != nil {
				return false, err
			}
			s.server.cfg.Log.Debug("message unavailable to search", "id", c.id, "err", err)
			return false, nil
		case err != nil || !more:
			return false, err
		}
	}
}

// results collects the messages found.
type results struct {
	numbers  imap.SeqSet
	uids     imap.UIDSet
	min, max uint32
	count    uint32
}

func (r *results) add(kind imapserver.NumKind, number uint32, uid imap.UID) {
	n := number
	if kind == imapserver.NumKindUID {
		n = uint32(uid)
	} else {
		r.numbers.AddNum(number)
	}
	r.uids.AddNum(uid)
	if r.count == 0 {
		r.min = n
	}
	r.max = n
	r.count++
}

func (r *results) data(kind imapserver.NumKind) *imap.SearchData {
	d := &imap.SearchData{All: r.numbers, Min: r.min, Max: r.max, Count: r.count}
	if kind == imapserver.NumKindUID {
		d.All = r.uids
	}
	return d
}

// query is a SEARCH, over all its terms.
type query struct {
	v            *selection
	now          time.Time
	terms        int
	needsSummary bool
	words        []string // in any BODY or TEXT, folded
}

// prepare counts the terms, and resolves * and $.
func (q *query) prepare(c *imap.SearchCriteria) error {
	q.terms += 1 + len(c.Header) + len(c.Body) + len(c.Text) + len(c.Flag) + len(c.NotFlag) + len(c.UID) + len(c.SeqNum)
	if q.terms > maxTerms {
		return no(imap.ResponseCodeLimit, "Too many search terms at once: search for less")
	}
	if len(c.Header) > 0 || !c.SentSince.IsZero() || !c.SentBefore.IsZero() {
		q.needsSummary = true
	}
	for i, set := range c.SeqNum {
		c.SeqNum[i], _ = q.v.static(set).(imap.SeqSet)
	}
	for i, set := range c.UID {
		c.UID[i], _ = q.v.static(set).(imap.UIDSet)
	}
	for _, words := range [][]string{c.Body, c.Text} {
		for _, w := range words {
			if w = fold(w); !slices.Contains(q.words, w) {
				q.words = append(q.words, w)
			}
		}
	}
	for i := range c.Not {
		if err := q.prepare(&c.Not[i]); err != nil {
			return err
		}
	}
	for i := range c.Or {
		if err := errors.Join(q.prepare(&c.Or[i][0]), q.prepare(&c.Or[i][1])); err != nil {
			return err
		}
	}
	return nil
}

// summary is a message's indexed header.
type summary struct {
	mail.Summary
	phishing bool
}

func (v *selection) summaries() (map[imap.UID]summary, error) {
	items, err := v.mb.List(v.ctx, mail.Query{Folder: v.folder})
	if err != nil {
		return nil, err
	}
	m := make(map[imap.UID]summary, len(items))
	for _, it := range items {
		m[imap.UID(it.UID)] = summary{it.Summary, hasFlag(it.Flags, mail.Phishing)}
	}
	return m, nil
}
