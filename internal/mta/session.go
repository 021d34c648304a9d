package mta

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// session is one sender's visit, from its EHLO on; STARTTLS begins a new one.
type session struct {
	*desk
	conn    net.Conn
	visitor *visitor
	remote  netip.Addr
	helo    string // a domain name or an address; "" if it was neither
	tls     string // version and cipher; "" without TLS
	refused int    // recipients
	mu      sync.Mutex
	from    string
	to      []string
}

// maxRefused is how many unknown recipients are answered before the sender, who is
// guessing addresses, is sent away.
const maxRefused = 20

func (d *desk) newSession(c *smtp.Conn) (smtp.Session, error) {
	s := &session{desk: d, conn: c.Conn(), visitor: visitorOf(c.Conn()), helo: cleanHelo(c.Hostname())}
	if s.visitor == nil {
		return nil, errors.New("a connection that did not come in by the door")
	}
	s.remote = ipOf(s.visitor.RemoteAddr())
	if state, ok := c.TLSConnectionState(); ok {
		s.tls = tlsName(state)
	}
	return s, nil
}

// Mail implements smtp.Session: a message begins. An empty sender is that of a bounce.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if from != "" {
		if _, err := splitAddress(from); err != nil {
			return refusal(553, smtp.EnhancedCode{5, 1, 7}, "that is no address to answer to")
		}
	}
	if !s.senders.allow(s.visitor.from) {
		return refusal(450, smtp.EnhancedCode{4, 7, 1}, "too many messages from your address, try again later")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.to = from, nil
	return nil
}

// Rcpt implements smtp.Session. Only local mailboxes are recipients: no open relay.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	err := s.accepts(to)
	if err != nil {
		if s.refused++; s.refused > maxRefused {
			s.visitor.hangUp()
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.to, to) {
		s.to = append(s.to, to)
	}
	return nil
}

func (s *session) accepts(to string) error {
	domain, err := splitAddress(to)
	if err != nil {
		return refusal(553, smtp.EnhancedCode{5, 1, 3}, "that is no address")
	}
	if !slices.ContainsFunc(s.Domains, func(ours string) bool { return sameName(ours, domain) }) {
		return refusal(550, smtp.EnhancedCode{5, 7, 1}, "mail for that domain is not taken here")
	}
	err = s.Mailboxes.Accepts(s.ctx, to)
	if err != nil {
		s.log.Info("refused a recipient of mail", "to", to, "remote", s.remote, "err", err)
	}
	return reply(err)
}

// Data implements smtp.Session. Its nil means that the message survives a power failure.
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	from, to := s.from, slices.Clone(s.to) // the next message may begin, if this one is broken off
	s.mu.Unlock()
	began := time.Now()
	size, err := s.receive(s.reader(r), from, to)
	log := s.log.With("from", from, "to", to, "remote", s.remote, "helo", s.helo, "bytes", size, "took", time.Since(began))
	if err != nil {
		log.Info("refused mail", "err", err)
		s.conn.SetReadDeadline(time.Now().Add(drain))
		return reply(err)
	}
	log.Info("received mail")
	return nil
}

// drain is how long the rest of a message is read that has been refused, so that the
// sender gets to read why.
const drain = 30 * time.Second

// Reset implements smtp.Session.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.to = "", nil
}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
