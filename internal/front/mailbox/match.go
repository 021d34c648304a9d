package mailbox

import (
	netmail "net/mail"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	gomessage "github.com/emersion/go-message"

	"github.com/mootspace/moot/internal/mail"
)

// verdict is what can be told of a criterion with what is known of a message.
type verdict int

const (
	maybe verdict = iota
	yes
	nope
)

func told(b bool) verdict {
	if b {
		return yes
	}
	return nope
}

func (v verdict) and(w verdict) verdict {
	switch {
	case v == nope || w == nope:
		return nope
	case v == yes && w == yes:
		return yes
	}
	return maybe
}

func (v verdict) not() verdict {
	switch v {
	case yes:
		return nope
	case nope:
		return yes
	}
	return maybe
}

// candidate is a message that is searched, as far as it is known yet.
type candidate struct {
	*message
	q       *query
	number  uint32
	summary *summary // nil: unknown
	content *content
	header  *gomessage.Header
	hits    *hits
}

// learn finds out more: the header, then the text. False if all is known.
func (c *candidate) learn() (more bool, err error) {
	switch {
	case c.header == nil:
		h, _, err := c.content.header()
		c.header = &gomessage.Header{Header: h}
		return true, err
	case c.hits == nil:
		c.hits, err = c.content.find(c.q.words, c.header)
		return true, err
	}
	return false, nil
}

// all decides a list of criteria, all of which a message must meet (RFC 9051, 6.4.4).
func (c *candidate) all(s *imap.SearchCriteria) verdict {
	v := told(c.meets(s))
	for _, f := range s.Header {
		if v == nope {
			return v
		}
		v = v.and(c.field(f.Key, f.Value))
	}
	if !s.SentSince.IsZero() || !s.SentBefore.IsZero() {
		v = v.and(c.sent(s.SentSince, s.SentBefore))
	}
	for i := range s.Not {
		if v == nope {
			return v
		}
		v = v.and(c.all(&s.Not[i]).not())
	}
	for i := range s.Or {
		if v == nope {
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

// meets decides what can be told of every message.
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
		if !hasFlag(c.flags, mail.Flag(f)) {
			return false
		}
	}
	for _, f := range s.NotFlag {
		if hasFlag(c.flags, mail.Flag(f)) {
			return false
		}
	}
	return within(day(c.arrived), s.Since, s.Before) &&
		(s.Larger == 0 || c.size > s.Larger) && (s.Smaller == 0 || c.size < s.Smaller)
}

// day leaves out the time and its zone, which the protocol disregards.
func day(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func within(day, since, before time.Time) bool {
	return (since.IsZero() || !day.Before(since)) && (before.IsZero() || day.Before(before))
}

// sent decides about the Date field, as it is written. The index knows the moment:
// that decides if it is further from both limits than a zone can be.
func (c *candidate) sent(since, before time.Time) verdict {
	const furthest = 24 * time.Hour
	if c.summary != nil && c.header == nil && !c.summary.Date.IsZero() {
		early, late := day(c.summary.Date.UTC().Add(-furthest)), day(c.summary.Date.UTC().Add(furthest))
		switch {
		case within(early, since, before) && within(late, since, before):
			return yes
		case !within(late, since, time.Time{}), !within(early, time.Time{}, before):
			return nope
		}
	}
	if c.header == nil {
		return maybe
	}
	t, err := netmail.ParseDate(c.header.Get("Date"))
	return told(err == nil && within(day(t), since, before))
}

// field decides about a header field.
func (c *candidate) field(key, value string) verdict {
	want := fold(value)
	if c.header == nil {
		return c.indexed(strings.ToLower(key), want)
	}
	fields := c.header.FieldsByKey(key)
	for fields.Next() {
		if want == "" || strings.Contains(fold(fieldText(fields)), want) || strings.Contains(fold(fields.Value()), want) {
			return yes
		}
	}
	return nope
}

func fieldText(f gomessage.HeaderFields) string {
	text, _ := f.Text() // in an unknown encoding: as it is
	return text
}

// sureLength is how long a text of the index may be to be surely whole.
const sureLength = 500

// indexed decides about a header field by the index, if that is sure: it says people
// and subjects its own way, and shortens what is long.
func (c *candidate) indexed(key, want string) verdict {
	if c.summary == nil || want == "" {
		return maybe
	}
	plain := !strings.ContainsAny(want, "<>()\",:;\\=?\t")
	switch key {
	case "subject":
		return sure(c.summary.Subject, want, plain)
	case "from":
		if c.summary.phishing {
			return maybe
		}
		return sure(c.summary.From, want, plain)
	case "to", "cc":
		people := strings.Join(c.summary.To, "\n")
		if v := sure(people, want, plain); v == nope {
			return nope
		}
	case "message-id":
		id := strings.Trim(want, "<>")
		return sure(c.summary.MessageID, id, plain || !strings.ContainsAny(id, "<> "))
	}
	return maybe
}

// sure reports whether text contains want. That it does not is believed only of a
// whole text that holds no encoded words.
func sure(text, want string, plain bool) verdict {
	switch {
	case plain && strings.Contains(fold(text), want):
		return yes
	case plain && text != "" && len(text) < sureLength && !strings.Contains(text, "=?"):
		return nope
	}
	return maybe
}

// contains decides about BODY and, with header, TEXT.
func (c *candidate) contains(word string, header bool) verdict {
	if word == "" {
		return yes
	}
	if c.hits == nil {
		return maybe
	}
	w := fold(word)
	return told(c.hits.body[w] || header && c.hits.header[w])
}
