package mta

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// session is a client's session from its EHLO on; STARTTLS begins a new one.
type session struct {
	*runningServer
	conn    net.Conn
	client  *serverConn
	remote  netip.Addr
	helo    string // a domain name or address literal, else ""
	tls     string // version and cipher; "" without TLS
	trusted bool   // a relay of Limits.Trusted
	refused int    // recipients
	mu      sync.Mutex
	from    string
	to      []string
}

// maxRefused is how many unknown recipients a client may name before it is disconnected,
// because it guesses addresses.
const maxRefused = 20

func (r *runningServer) newSession(c *smtp.Conn) (smtp.Session, error) {
	s := &session{runningServer: r, conn: c.Conn(), client: connOf(c.Conn()), helo: cleanHelo(c.Hostname())}
	if s.client == nil {
		return nil, errors.New("a connection of another listener")
	}
	s.remote = ipOf(s.client.RemoteAddr())
	s.trusted = r.limits.trusts(s.remote)
	if state, ok := tlsOf(c.Conn()); ok {
		s.tls = tlsName(state)
	}
	return s, nil
}

// Mail implements smtp.Session. The sender is empty for a bounce.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if from != "" {
		if _, err := splitAddress(from); err != nil {
			return refusal(553, smtp.EnhancedCode{5, 1, 7}, "malformed sender address")
		}
	}
	if !s.trusted && !s.rates.allow(s.client.origin) {
		return refusal(450, smtp.EnhancedCode{4, 7, 1}, "too many messages from your address, try again later")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.to = from, nil
	return nil
}

// Rcpt implements smtp.Session. Only local mailboxes are recipients: no open relay.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	to, err := s.accepts(to)
	if err != nil {
		if s.refused++; s.refused > maxRefused {
			s.client.stopReads()
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

// accepts returns the address with the domain as the mailboxes spell it.
func (s *session) accepts(to string) (string, error) {
	domain, err := splitAddress(to)
	if err != nil {
		return to, refusal(553, smtp.EnhancedCode{5, 1, 3}, "malformed recipient address")
	}
	at := slices.IndexFunc(s.Domains, func(ours string) bool { return sameName(ours, domain) })
	if at < 0 {
		return to, refusal(550, smtp.EnhancedCode{5, 7, 1}, "relaying for that domain is denied")
	}
	to = to[:strings.LastIndexByte(to, '@')+1] + s.Domains[at]
	err = s.Mailboxes.Accepts(s.ctx, to)
	if err != nil {
		s.log.Info("refused a recipient of mail", "to", to, "remote", s.remote, "err", err)
	}
	return to, reply(err)
}

// Data implements smtp.Session. The message is durable when it returns nil.
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	from, to := s.from, slices.Clone(s.to) // the next message may begin if this one is aborted
	s.mu.Unlock()
	began := time.Now()
	size, err := s.receive(s.reader(r), from, to)
	log := s.log.With("from", from, "to", to, "remote", s.remote, "helo", s.helo, "bytes", size, "took", time.Since(began))
	if err != nil {
		log.Info("refused mail", "err", err)
		s.conn.SetReadDeadline(time.Now().Add(drainTimeout))
		return reply(err)
	}
	log.Info("received mail")
	return nil
}

// drainTimeout bounds reading the rest of a refused message, so that the client can read
// the reply.
const drainTimeout = 30 * time.Second

// Reset implements smtp.Session.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.to = "", nil
}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
