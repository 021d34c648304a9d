package mta

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-smtp"

	"github.com/mootspace/moot"
)

// receive reads a message, authenticates it, and delivers it to the mailboxes.
func (s *session) receive(r io.Reader, from string, to []string) (size int64, err error) {
	m := &messageBuffer{budget: s.budget}
	defer m.free()
	if _, err := io.Copy(m, r); err != nil {
		return m.size, err
	}
	header, at, err := parseHeader(m.head())
	if err != nil {
		return m.size, err
	}
	if len(header.Values("Received")) >= s.limits.Hops {
		return m.size, refusal(554, smtp.EnhancedCode{5, 4, 6}, "mail loop: too many Received fields")
	}
	ctx, cancel := context.WithTimeout(s.ctx, authTimeout)
	auth := s.authenticate(ctx, from, header, m.after(at))
	cancel()
	if auth.reject && s.Reject {
		return m.size, refusal(550, smtp.EnhancedCode{5, 7, 1}, "the policy of the domain in From asks to refuse this message (DMARC)")
	}
	text, err := s.traceHeader(header, from, to, auth)
	if err != nil {
		return m.size, err
	}
	return m.size, s.Mailboxes.Deliver(s.ctx, Received{
		From: from, To: to, Junk: auth.junk, MIME: io.MultiReader(text, m.after(at)),
	})
}

// traceHeader returns the header with the trace fields of this server, and the empty
// line that ends it.
func (s *session) traceHeader(header textproto.Header, from string, to []string, auth authResults) (io.Reader, error) {
	stripTrusted(&header, s.Hostname)
	if auth.junk {
		header.Add("X-Spam-Flag", "YES")
	}
	header.Add("Received", s.trace(to, time.Now()))
	header.Add("Authentication-Results", auth.text(s.Hostname))
	header.Add("Return-Path", angle(from))
	var b bytes.Buffer
	if err := textproto.WriteHeader(&b, header); err != nil {
		return nil, moot.Errorf(moot.Invalid, "header: %w", err)
	}
	return &b, nil
}

// reader bounds the time of an inbound message, and checks its line ends.
func (s *session) reader(r io.Reader) io.Reader {
	return &strictLines{r: &deadlineReader{r: r, conn: s.conn, idle: s.limits.Idle, deadline: time.Now().Add(s.limits.Data)}}
}

// deadlineReader has an idle timeout for each read and a deadline for all.
type deadlineReader struct {
	r        io.Reader
	conn     interface{ SetReadDeadline(time.Time) error }
	idle     time.Duration
	deadline time.Time
}

func (d *deadlineReader) Read(b []byte) (int, error) {
	now := time.Now()
	if !now.Before(d.deadline) {
		return 0, refusal(451, smtp.EnhancedCode{4, 4, 2}, "timeout")
	}
	deadline := now.Add(d.idle)
	if deadline.After(d.deadline) {
		deadline = d.deadline
	}
	_ = d.conn.SetReadDeadline(deadline) // fails only on a closed connection, as the read then does
	return d.r.Read(b)
}

// strictLines refuses a message with a lone CR or LF, in which servers may disagree
// about the end of the message ("SMTP smuggling"). Only CRLF ends a line (RFC 5321,
// 2.3.8).
type strictLines struct {
	r  io.Reader
	cr bool
}

func (l *strictLines) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for _, c := range p[:n] {
		if l.cr != (c == '\n') {
			return 0, errBare
		}
		l.cr = c == '\r'
	}
	if err == io.EOF && l.cr {
		err = errBare
	}
	return n, err
}

var errBare = moot.Errorf(moot.Invalid, "a lone CR or LF")
