package mailbox

import (
	"math"
	stdmime "mime"
	"strings"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot/internal/mime"
)

// maxAddresses bounds the addresses of one field in an envelope.
const maxAddresses = 1000

// bodyStructure returns a part's structure for the protocol (RFC 9051, 7.5.2).
func bodyStructure(p *mime.Part) imap.BodyStructure {
	kind, sub, _ := strings.Cut(p.Type, "/")
	location, language := p.Header.Get("Content-Location"), language(p.Header)
	if len(p.Parts) > 0 {
		m := &imap.BodyStructureMultiPart{Subtype: sub, Extended: &imap.BodyStructureMultiPartExt{
			Params: p.Params.ASCII(), Disposition: disposition(p), Language: language, Location: location,
		}}
		for _, one := range p.Parts {
			m.Children = append(m.Children, bodyStructure(one))
		}
		return m
	}
	s := &imap.BodyStructureSinglePart{
		Type: kind, Subtype: sub, Params: p.Params.ASCII(), Encoding: p.Encoding,
		ID: p.Header.Get("Content-Id"), Description: encoded(p.Header.Get("Content-Description")),
		Size:     uint32(min(p.End-p.Body, math.MaxUint32)),
		Extended: &imap.BodyStructureSinglePartExt{Disposition: disposition(p), Language: language, Location: location},
	}
	switch {
	case p.Message != nil:
		s.MessageRFC822 = &imap.BodyStructureMessageRFC822{
			Envelope: envelope(p.Message.Header), BodyStructure: bodyStructure(p.Message), NumLines: p.Lines,
		}
	case kind == "text":
		s.Text = &imap.BodyStructureText{NumLines: p.Lines}
		if _, ok := s.Params["charset"]; !ok { // the default (RFC 2045, 5.2)
			s.Params["charset"] = "us-ascii"
		}
	}
	return s
}

// encoded returns a value as it came, or 8-bit text in UTF-8 as encoded words.
func encoded(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return r > '~' }) {
		return stdmime.QEncoding.Encode("utf-8", mime.Decode(value))
	}
	return value
}

func disposition(p *mime.Part) *imap.BodyStructureDisposition {
	value, params := mime.ParseDisposition(p.Header.Get("Content-Disposition"))
	if value == "" {
		return nil
	}
	return &imap.BodyStructureDisposition{Value: value, Params: params.ASCII()}
}

func language(h mime.Header) (tags []string) {
	for one := range strings.SplitSeq(h.Get("Content-Language"), ",") {
		one, _, _ = strings.Cut(one, ";")
		one, _, _ = strings.Cut(one, "(")
		if words := strings.Fields(strings.Trim(one, " \t\"")); len(words) > 0 {
			tags = append(tags, words[0])
		}
	}
	return tags
}

// envelope returns the envelope of a header (RFC 9051, 7.5.2). The protocol has words
// encoded as they came.
func envelope(h mime.Header) *imap.Envelope {
	e := &imap.Envelope{Subject: encoded(h.Get("Subject")), MessageID: messageID(h.Text("Message-Id"))}
	e.Date, _ = mime.ParseDate(h.Get("Date"))
	if ids := mime.MessageIDs(h.Get("In-Reply-To")); len(ids) > 0 {
		e.InReplyTo = ids
	} else if text := h.Text("In-Reply-To"); text != "" {
		e.InReplyTo = []string{text}
	}
	for field, list := range map[string]*[]imap.Address{
		"From": &e.From, "Sender": &e.Sender, "Reply-To": &e.ReplyTo, "To": &e.To, "Cc": &e.Cc, "Bcc": &e.Bcc,
	} {
		*list = protocolAddresses(h.Addresses(field))
	}
	return e
}

// messageID returns what is between the brackets, which the library adds, or a value
// without them as it came.
func messageID(value string) string {
	if ids := mime.MessageIDs(value); len(ids) > 0 {
		return ids[0]
	}
	return value
}

// Placeholders for the missing half of an address, Dovecot's: NIL there means a group.
const (
	missingMailbox = "MISSING_MAILBOX"
	missingDomain  = "MISSING_DOMAIN"
)

func protocolAddresses(list []mime.Address) (out []imap.Address) {
	for _, a := range list[:min(len(list), maxAddresses)] {
		one := imap.Address{Name: encoded(a.Phrase), Mailbox: a.Local, Host: a.Domain}
		switch a.Group {
		case mime.GroupBegin:
			one = imap.Address{Mailbox: a.Name}
		case mime.GroupEnd:
			one = imap.Address{}
		default:
			if one.Mailbox == "" {
				one.Mailbox = missingMailbox
			}
			if one.Host == "" {
				one.Host = missingDomain
			}
		}
		out = append(out, one)
	}
	return out
}
