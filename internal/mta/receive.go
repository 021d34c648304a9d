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

// receive reads a message, judges it, and gives it to the mailboxes.
func (s *session) receive(r io.Reader, from string, to []string) (size int64, err error) {
	m := &memory{budget: s.memory}
	defer m.free()
	if _, err := io.Copy(m, r); err != nil {
		return m.size, err
	}
	header, at, err := parseHeader(m.start())
	if err != nil {
		return m.size, err
	}
	if len(header.Values("Received")) >= s.limits.Hops {
		return m.size, refusal(554, smtp.EnhancedCode{5, 4, 6}, "the message goes in circles")
	}
	ctx, cancel := context.WithTimeout(s.ctx, authTime)
	v := s.judge(ctx, from, header, m.from(at))
	cancel()
	if v.reject && s.Reject {
		return m.size, refusal(550, smtp.EnhancedCode{5, 7, 1}, "the policy of the domain in From asks to refuse this message (DMARC)")
	}
	text, err := s.stamp(header, from, to, v)
	if err != nil {
		return m.size, err
	}
	return m.size, s.Mailboxes.Deliver(s.ctx, Received{
		From: from, To: to, Junk: v.junk, MIME: io.MultiReader(text, m.from(at)),
	})
}

// stamp returns the header as it is handed on, with the empty line that ends it.
func (s *session) stamp(header textproto.Header, from string, to []string, v verdict) (io.Reader, error) {
	clean(&header, s.Hostname)
	if v.junk {
		header.Add("X-Spam-Flag", "YES")
	}
	header.Add("Received", s.trace(to, time.Now()))
	header.Add("Authentication-Results", v.text(s.Hostname))
	header.Add("Return-Path", angle(from))
	var b bytes.Buffer
	if err := textproto.WriteHeader(&b, header); err != nil {
		return nil, moot.Errorf(moot.Invalid, "header: %w", err)
	}
	return &b, nil
}

// reader reads a message that is coming in, in time, and with proper lines.
func (s *session) reader(r io.Reader) io.Reader {
	return &lines{r: &patient{r: r, conn: s.conn, idle: s.limits.Idle, until: time.Now().Add(s.limits.Data)}}
}

// patient waits for the next bytes as long as idle, and for all until a certain time.
type patient struct {
	r     io.Reader
	conn  interface{ SetReadDeadline(time.Time) error }
	idle  time.Duration
	until time.Time
}

func (p *patient) Read(b []byte) (int, error) {
	now := time.Now()
	if !now.Before(p.until) {
		return 0, refusal(451, smtp.EnhancedCode{4, 4, 2}, "that took too long")
	}
	deadline := now.Add(p.idle)
	if deadline.After(p.until) {
		deadline = p.until
	}
	p.conn.SetReadDeadline(deadline)
	return p.r.Read(b)
}

// lines refuses a message with a CR or LF that is not part of a CRLF: what one server
// takes for the end of a message another may not, and a message within a message gets
// past the first ("SMTP smuggling"). Only CRLF ends a line (RFC 5321, 2.3.8).
type lines struct {
	r  io.Reader
	cr bool
}

func (l *lines) Read(p []byte) (int, error) {
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

var errBare = moot.Errorf(moot.Invalid, "a CR or LF alone")
