package mta

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/semaphore"

	"github.com/mootspace/moot"
)

// Server receives mail from other domains: port 25.
type Server struct {
	Hostname  string      // its own name in the DNS, also in Authentication-Results
	Domains   []string    // domains of the mailboxes; mail for others is refused
	Mailboxes Mailboxes   //
	TLS       *tls.Config // offers STARTTLS; nil if there is no certificate
	Resolver  Resolver    // nil for a Cache of its own
	Log       *slog.Logger
	Limits    Limits

	// Reject refuses mail that fails DMARC if its domain's policy is reject. Else it is
	// marked as junk: mailing lists break signatures of legitimate mail (RFC 7960).
	Reject bool
}

// Mailboxes takes the mail that a Server receives.
type Mailboxes interface {
	// Accepts returns nil if mail for the address is accepted. Kinds: NotFound for an
	// unknown mailbox, Denied if it accepts no mail from other domains, Full,
	// Unavailable. The address is in one of the Server's domains, the local part in the
	// client's spelling.
	Accepts(ctx context.Context, address string) error

	// Deliver stores the message for all its recipients. The message is durable when it
	// returns nil. Kinds as Accepts, and TooLarge, Invalid. It must be idempotent: a
	// client that missed the reply retries.
	Deliver(ctx context.Context, m Received) error
}

// Received is a message that a Server has received.
type Received struct {
	From string   // gets bounces; "" for none, as in a bounce
	To   []string // one or more, each accepted
	Junk bool     // fails the DMARC policy of the domain in From

	// MIME is the message with Return-Path, Authentication-Results and Received fields
	// of this server, and X-Spam-Flag: YES if it is Junk. Lines end in CRLF. Such fields
	// from other servers are removed if untrusted.
	MIME io.Reader
}

// Limits bound untrusted clients. Zero fields have the default.
type Limits struct {
	Message     int64         // bytes of a message: 64 MiB
	Memory      int64         // bytes of all messages being received: 256 MiB
	Recipients  int           // of a message: 100
	Connections int           // open connections: 200
	PerAddress  int           // connections from one address, for IPv6 one /64: 20
	PerMinute   int           // messages per minute from one address: 300
	Hops        int           // Received fields, more of which mean a mail loop: 50
	Idle        time.Duration // idle timeout: 5 minutes (RFC 5321, 4.5.3.2.7)
	Data        time.Duration // timeout of a whole message: 15 minutes

	// Trusted are networks of relays that pass on the mail of others, as a backup server or
	// a filter: neither PerAddress nor PerMinute holds for them, and SPF says nothing about
	// them, so that without a signature of its author their mail fails no check.
	Trusted []netip.Prefix
}

const (
	maxSession    = time.Hour        // timeout of a connection
	shutdownGrace = 30 * time.Second // for completely received messages at shutdown
)

// Serve serves connections until ctx ends, then finishes messages that are completely
// received, and closes l. It returns nil then, or an error if l fails.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	running := s.start(work)
	admitting := newListener(l, running.limits)
	defer admitting.closeConns()
	upgrading := newUpgrades(l, running)
	plain, secure := running.smtp(s.TLS), running.smtp(nil)
	commands := commandListener{listener: admitting, domain: running.defaultDomain()}
	if s.TLS != nil {
		commands.secure = upgrading.begin
	}

	served := make(chan error, 1)
	go func() { served <- plain.Serve(commands) }()
	go func() { _ = secure.Serve(upgrading) }() // its error is that of being closed
	defer upgrading.Close()
	select {
	case err := <-served:
		return moot.Wrap("receive mail", err)
	case <-ctx.Done():
	}
	l.Close()
	_ = <-served //nolint:staticcheck // that of closing l: no new connections from here on
	admitting.stopReads()
	shutdown, cancel := context.WithTimeout(work, shutdownGrace)
	defer cancel()
	_ = plain.Shutdown(shutdown) // its error is that of closing l twice, or the timeout
	_ = secure.Shutdown(shutdown)
	return nil
}

// runningServer is the state that the connections of a Server share.
type runningServer struct {
	*Server
	ctx    context.Context //nolint:containedctx // ends deliveries: go-smtp's callbacks take none
	limits Limits
	dns    resolver
	log    *slog.Logger
	budget *semaphore.Weighted
	rates  *rateLimits
}

func (s *Server) start(ctx context.Context) *runningServer {
	limits := s.Limits.orDefault()
	return &runningServer{
		Server: s, ctx: ctx, limits: limits, dns: newResolver(s.Resolver), log: logger(s.Log),
		budget: semaphore.NewWeighted(limits.Memory), rates: newRateLimits(limits.PerMinute),
	}
}

// defaultDomain is that of recipients without one.
func (r *runningServer) defaultDomain() string {
	if len(r.Domains) == 0 {
		return ""
	}
	return r.Domains[0]
}

// smtp returns a server of connections without TLS that can have it, or of TLS.
func (r *runningServer) smtp(offered *tls.Config) *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(r.newSession))
	srv.Domain = r.Hostname
	srv.TLSConfig = offered
	srv.MaxRecipients = r.limits.Recipients
	srv.MaxMessageBytes = r.limits.Message
	srv.MaxLineLength = 0 // commandConn bounds commands, and a message's lines may be long
	srv.ReadTimeout, srv.WriteTimeout = r.limits.Idle, r.limits.Idle
	srv.EnableSMTPUTF8 = true
	srv.ErrorLog = slog.NewLogLogger(r.log.Handler(), slog.LevelDebug)
	return srv
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
