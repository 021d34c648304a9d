package mailbox

import (
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mime"
)

// matchResult is the result of a criterion with the parts of a message read so far.
type matchResult int

const (
	undecided matchResult = iota
	matched
	unmatched
)

func matchIf(b bool) matchResult {
	if b {
		return matched
	}
	return unmatched
}

func (v matchResult) and(w matchResult) matchResult {
	switch {
	case v == unmatched || w == unmatched:
		return unmatched
	case v == matched && w == matched:
		return matched
	}
	return undecided
}

func (v matchResult) not() matchResult {
	switch v {
	case matched:
		return unmatched
	case unmatched:
		return matched
	}
	return undecided
}

// candidate is a message under search, read as far as needed.
type candidate struct {
	*message
	q       *query
	number  uint32
	summary *summary      // nil: not indexed
	begin   func() []byte // the message's first bytes
	content *content
	header  mime.Header // nil: not read
	hits    *hits
}

// load reads more: the header, then the text. False if all was read.
func (c *candidate) load() (more bool, err error) {
	switch {
	case c.header == nil:
		h, _, err := c.content.header()
		c.header = h
		return true, err
	case c.hits == nil:
		c.hits, err = c.content.find(c.q.words, c.header)
		return true, err
	}
	return false, nil
}

// all evaluates criteria, all of which a message must match (RFC 9051, 6.4.4).
func (c *candidate) all(s *imap.SearchCriteria) matchResult {
	v := matchIf(c.meets(s))
	for _, f := range s.Header {
		if v == unmatched {
			return v
		}
		v = v.and(c.field(f.Key, f.Value))
	}
	if !s.SentSince.IsZero() || !s.SentBefore.IsZero() {
		v = v.and(c.sent(s.SentSince, s.SentBefore))
	}
	for i := range s.Not {
		if v == unmatched {
			return v
		}
		v = v.and(c.all(&s.Not[i]).not())
	}
	for i := range s.Or {
		if v == unmatched {
			return v
		}
		v = v.and(c.all(&s.Or[i][0]).not().and(c.all(&s.Or[i][1]).not()).not())
	}
	for _, w := range s.Body {
		v = v.and(c.contains(w, false))
	}
	for _, w := range s.Text {
		v = v.and(c.contains(w, true))
	}
	return v
}

// meets evaluates the criteria that need only metadata.
func (c *candidate) meets(s *imap.SearchCriteria) bool {
	for _, set := range s.SeqNum {
		if !set.Contains(c.number) {
			return false
		}
	}
	for _, set := range s.UID {
		if !set.Contains(c.uid) {
			return false
		}
	}
	for _, f := range s.Flag {
		if !c.has(mail.Flag(f)) {
			return false
		}
	}
	for _, f := range s.NotFlag {
		if c.has(mail.Flag(f)) {
			return false
		}
	}
	return within(day(c.arrived), s.Since, s.Before) &&
		(s.Larger == 0 || c.size > s.Larger) && (s.Smaller == 0 || c.size < s.Smaller)
}

// day truncates to the date; the protocol ignores time and zone.
func day(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func within(day, since, before time.Time) bool {
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

// sent evaluates the Date field as written. The index has the instant, which decides if
// it is further from both limits than any zone offset.
func (c *candidate) sent(since, before time.Time) matchResult {
	const furthest = 24 * time.Hour
	if c.summary != nil && c.header == nil && !c.summary.Date.IsZero() {
		early, late := day(c.summary.Date.UTC().Add(-furthest)), day(c.summary.Date.UTC().Add(furthest))
		switch {
		case within(early, since, before) && within(late, since, before):
			return matched
		case !within(late, since, time.Time{}), !within(early, time.Time{}, before):
			return unmatched
		}
	}
	if c.header == nil {
		return undecided
	}
	t, ok := mime.ParseDate(c.header.Get("Date"))
	return matchIf(ok && within(day(t), since, before))
}

// field evaluates a header field.
func (c *candidate) field(key, value string) matchResult {
	if v, ok := c.extended(key, value); ok {
		return v
	}
	want := fold(value)
	if c.header == nil {
		return c.indexed(strings.ToLower(key), want)
	}
	for _, text := range c.header.Values(key) {
		if want == "" || strings.Contains(fold(mime.Decode(text)), want) || strings.Contains(fold(text), want) {
			return matched
		}
	}
	return unmatched
}

// exactLength is the length below which a text of the index is not truncated, in bytes.
const exactLength = 500

// indexed evaluates a header field by the index where that is exact: the index reformats
// addresses and subjects, and truncates long ones.
func (c *candidate) indexed(key, want string) matchResult {
	if c.summary == nil || want == "" {
		return undecided
	}
	plain := !strings.ContainsAny(want, "<>()\",:;\\=?\t")
	switch key {
	case "subject":
		return containsExactly(c.summary.Subject, want, plain)
	case "from":
		if c.summary.phishing {
			return undecided
		}
		return containsExactly(c.summary.From, want, plain)
	case "to", "cc":
		people := strings.Join(c.summary.To, "\n")
		if v := containsExactly(people, want, plain); v == unmatched {
			return unmatched
		}
	case "message-id":
		id := strings.Trim(want, "<>")
		return containsExactly(c.summary.MessageID, id, plain || !strings.ContainsAny(id, "<> "))
	}
	return undecided
}

// containsExactly reports whether text contains want. Absence is certain only for an
// untruncated text without encoded words.
func containsExactly(text, want string, plain bool) matchResult {
	switch {
	case plain && strings.Contains(fold(text), want):
		return matched
	case plain && text != "" && len(text) < exactLength && !strings.Contains(text, "=?"):
		return unmatched
	}
	return undecided
}

// contains evaluates BODY and, with header, TEXT.
func (c *candidate) contains(word string, header bool) matchResult {
	if word == "" {
		return matched
	}
	if c.hits == nil {
		return undecided
	}
	w := fold(word)
	return matchIf(c.hits.body[w] || header && c.hits.header[w])
}
