package mailbox

import (
	"math"
	"net/mail"
	"net/url"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// maxAddresses bounds the addresses of one field in an envelope.
const maxAddresses = 1000

// bodyStructure returns a part's structure for the protocol (RFC 9051, 7.5.2).
func (p *part) bodyStructure() imap.BodyStructure {
	kind, sub, _ := strings.Cut(p.kind, "/")
	if len(p.parts) > 0 {
		m := &imap.BodyStructureMultiPart{Subtype: sub, Extended: &imap.BodyStructureMultiPartExt{
			Params: asciiParams(p.params), Disposition: p.disposition, Language: p.language, Location: p.location,
		}}
		for _, one := range p.parts {
			m.Children = append(m.Children, one.bodyStructure())
		}
		return m
	}
	s := &imap.BodyStructureSinglePart{
		Type: kind, Subtype: sub, Params: asciiParams(p.params), ID: p.id, Description: p.description, Encoding: p.encoding,
		Size:     uint32(min(p.end-p.body, math.MaxUint32)),
		Extended: &imap.BodyStructureSinglePartExt{Disposition: p.disposition, Language: p.language, Location: p.location},
	}
	switch {
	case p.message != nil:
		s.MessageRFC822 = &imap.BodyStructureMessageRFC822{
			Envelope: p.message.envelope, BodyStructure: p.message.bodyStructure(), NumLines: p.lines,
		}
	case kind == "text":
		s.Text = &imap.BodyStructureText{NumLines: p.lines}
	}
	return s
}

// asciiParams encodes non-ASCII values (RFC 2231).
func asciiParams(params map[string]string) map[string]string {
	out := make(map[string]string, len(params))
	for k, v := range params {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
			k, v = k+"*", "utf-8''"+url.PathEscape(v)
		}
		out[k] = v
	}
	return out
}

// envelope returns the envelope of a header; of malformed address lists the valid
// addresses.
func envelope(h textproto.Header) *imap.Envelope {
	e := imapserver.ExtractEnvelope(h)
	for field, list := range map[string]*[]imap.Address{
		"From": &e.From, "Sender": &e.Sender, "Reply-To": &e.ReplyTo, "To": &e.To, "Cc": &e.Cc, "Bcc": &e.Bcc,
	} {
		if *list == nil && h.Has(field) {
			*list = salvage(gomessage.Header{Header: h}, field)
		}
		*list = (*list)[:min(len(*list), maxAddresses)]
	}
	return e
}

func salvage(h gomessage.Header, field string) (list []imap.Address) {
	text, _ := h.Text(field)
	for one := range strings.SplitSeq(text, ",") {
		a, err := mail.ParseAddress(strings.TrimSpace(one))
		if err != nil {
			continue
		}
		if box, host, ok := strings.Cut(a.Address, "@"); ok {
			list = append(list, imap.Address{Name: a.Name, Mailbox: box, Host: host})
		}
	}
	return list
}
