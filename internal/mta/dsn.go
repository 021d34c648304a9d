package mta

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// Actions of a notification (RFC 3464, 2.3.3).
const (
	undelivered = "failed"
	delayed     = "delayed"
)

// notify sends a delivery status notification to the sender of a message.
func (cl *client) notify(ctx context.Context, m *queued, action string) error {
	dsn, err := cl.dsn(m, action, time.Now())
	if err == nil {
		err = cl.Bounce(ctx, m.from, bytes.NewReader(dsn))
	}
	if err != nil {
		cl.log.Warn("delivery status notification failed", "message", m.id, "sender", m.from, "action", action, "err", err)
	}
	return err
}

// dsn composes a delivery status notification: a text for people, status fields for
// programs (RFC 3464; RFC 6533 for addresses in UTF-8), and the message's header.
func (cl *client) dsn(m *queued, action string, now time.Time) ([]byte, error) {
	original := cl.header(m)
	subject := "Undelivered mail: "
	if action == delayed {
		subject = "Delayed mail: "
	}
	var h message.Header
	h.SetContentType("multipart/report", map[string]string{"report-type": "delivery-status"})
	h.Set("MIME-Version", "1.0")
	h.Set("Auto-Submitted", "auto-replied")
	if id := original.Get("Message-Id"); id != "" && len(id) < 500 {
		h.Set("In-Reply-To", id)
		h.Set("References", id)
	}
	h.SetText("Subject", subject+cmp.Or(cut(decoded(original, "Subject"), 200), "(no subject)"))
	h.Set("To", angle(m.from))
	h.Set("From", "Mail Delivery System <mailer-daemon@"+cl.Hostname+">")
	h.Set("Date", now.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	h.Set("Message-ID", "<"+rand.Text()+"@"+cl.Hostname+">")

	var b bytes.Buffer
	out, err := message.CreateWriter(&b, h)
	if err != nil {
		return nil, err
	}
	var head bytes.Buffer
	if err := textproto.WriteHeader(&head, original); err != nil {
		return nil, err
	}
	global, headers := "message/delivery-status", "text/rfc822-headers"
	if m.utf8 {
		global, headers = "message/global-delivery-status", "message/global-headers"
	}
	for _, part := range []struct{ kind, text string }{
		{"text/plain", cl.humanText(m, action)}, {global, cl.statusFields(m, action)}, {headers, head.String()},
	} {
		if err := writePart(out, part.kind, part.text); err != nil {
			return nil, err
		}
	}
	err = out.Close()
	return b.Bytes(), err
}

func writePart(out *message.Writer, kind, text string) error {
	var h message.Header
	params := map[string]string{}
	if kind == "text/plain" {
		params["charset"] = "utf-8"
	}
	h.SetContentType(kind, params)
	if !isASCII(text) {
		h.Set("Content-Transfer-Encoding", "8bit")
	}
	p, err := out.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(p, text); err != nil {
		return err
	}
	return p.Close()
}

// humanText is the notification's text for people.
func (cl *client) humanText(m *queued, action string) string {
	var b strings.Builder
	if action == delayed {
		fmt.Fprintf(&b, "Your message could not be delivered yet. It will be tried until %s.\r\nYou need not do anything.\r\n",
			m.added.Add(cl.Retry.GiveUp).UTC().Format(time.RFC1123))
	} else {
		b.WriteString("Your message could not be delivered.\r\n")
	}
	for _, r := range m.to {
		from := ""
		if r.host != "" {
			from = r.host + " said: "
		}
		fmt.Fprintf(&b, "\r\n%s\r\n    %s%s\r\n", r.address, from, r.text)
	}
	return b.String()
}

// statusFields returns the fields of RFC 3464, 2.2 and 2.3.
func (cl *client) statusFields(m *queued, action string) string {
	var b strings.Builder
	date := func(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700") }
	fmt.Fprintf(&b, "Reporting-MTA: dns; %s\r\nArrival-Date: %s\r\n", cl.Hostname, date(m.added))
	for _, r := range m.to {
		kind := "rfc822"
		if !isASCII(r.address) {
			kind = "utf-8"
		}
		fmt.Fprintf(&b, "\r\nFinal-Recipient: %s; %s\r\nAction: %s\r\nStatus: %s\r\n", kind, r.address, action, r.final(action))
		if r.host != "" {
			fmt.Fprintf(&b, "Remote-MTA: dns; %s\r\nDiagnostic-Code: smtp; %s\r\n", r.host, ascii(r.text))
		}
		if action == delayed {
			fmt.Fprintf(&b, "Will-Retry-Until: %s\r\n", date(m.added.Add(cl.Retry.GiveUp)))
		}
	}
	return b.String()
}

// final returns the status; an expired message has its own (RFC 3463, X.4.7).
func (r *recipient) final(action string) string {
	if action == undelivered && !r.permanent() {
		return "5.4.7"
	}
	return r.status
}

// header returns the header of the message, empty if it cannot be read.
func (cl *client) header(m *queued) textproto.Header {
	text, err := cl.Queue.openText(m)
	if err != nil {
		return textproto.Header{}
	}
	defer text.Close()
	start := make([]byte, chunk)
	n, _ := io.ReadFull(bufio.NewReader(text), start)
	h, _, err := parseHeader(start[:n])
	if err != nil {
		return textproto.Header{}
	}
	return h
}

func decoded(h textproto.Header, field string) string {
	mh := message.Header{Header: h}
	s, _ := mh.Text(field) // an unknown charset stays undecoded
	return oneLine(s)
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 126 {
			return '?'
		}
		return r
	}, s)
}
