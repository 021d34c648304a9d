package mta

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-smtp"
	"golang.org/x/sync/semaphore"

	"github.com/mootspace/moot"
)

// Server receives mail from other servers: port 25.
type Server struct {
	Hostname  string      // its own name in the DNS, also in Authentication-Results
	Domains   []string    // what follows the @ of the mailboxes; mail for any other is refused
	Mailboxes Mailboxes   //
	TLS       *tls.Config // offers STARTTLS; nil if there is no certificate
	Resolver  Resolver    // nil for the system's
	Log       *slog.Logger
	Limits    Limits

	// Reject refuses mail that fails DMARC if its domain's policy says reject. Else it
	// is marked as junk: mailing lists break signatures of honest mail (RFC 7960).
	Reject bool
}

// Mailboxes is where mail goes that a Server has received.
type Mailboxes interface {
	// Accepts returns nil if mail for the address is accepted. Kinds: NotFound if there
	// is no such mailbox, Denied if it takes no mail from outside, Full, Unavailable.
	// The address is in one of the Server's domains, written as the sender wrote it.
	Accepts(ctx context.Context, address string) error

	// Deliver keeps the message for all its recipients. When it returns without an
	// error the message survives a power failure. Kinds as Accepts, and TooLarge,
	// Invalid. It may be called again with a message that it has kept: a sender that
	// did not hear the answer tries again.
	Deliver(ctx context.Context, m Received) error
}

// Received is a message that a Server has received.
type Received struct {
	From string   // who is told if it cannot be delivered; "" for nobody, as in a bounce
	To   []string // one or more, each accepted
	Junk bool     // it claims to be from somebody whose domain says that it is not

	// MIME is the message, after Return-Path, Authentication-Results and Received fields
	// of this server, and X-Spam-Flag: YES if it is Junk. Lines end in CRLF. Fields that
	// the sender had no right to add are removed.
	MIME io.Reader
}

// Limits bound what strangers can make a Server do. Zero fields have the default.
type Limits struct {
	Message     int64         // bytes of a message: 64 MiB
	Memory      int64         // bytes of all messages that are being received: 256 MiB
	Recipients  int           // of a message: 100
	Connections int           // at once: 100
	PerAddress  int           // connections at once from one address, for IPv6 one /64: 10
	PerMinute   int           // messages a minute from one address: 60
	Hops        int           // Received fields, beyond which a message goes in circles: 50
	Idle        time.Duration // for the next bytes: 5 minutes (RFC 5321, 4.5.3.2.7)
	Data        time.Duration // for a whole message: 15 minutes
}

const (
	maxLine    = 8 << 10          // bytes; RFC 5321, 4.5.3.1.6 has 1000, which many exceed
	maxSession = time.Hour        // a connection's life
	grace      = 30 * time.Second // for messages that are wholly received when the server is told to stop
)

// Serve answers connections until ctx ends, then finishes messages that are wholly
// received, and closes l. It returns nil then, or an error if l fails.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	d := s.desk(work)
	srv, door := d.smtp(), newDoor(l, d.limits)
	defer door.close()

	served := make(chan error, 1)
	go func() { served <- srv.Serve(door) }()
	select {
	case err := <-served:
		return moot.Wrap("receive mail", err)
	case <-ctx.Done():
	}
	l.Close()
	<-served // so that no connection begins from here on
	door.hangUp()
	patience, cancel := context.WithTimeout(work, grace)
	defer cancel()
	srv.Shutdown(patience) // its error is that of closing l twice, or that patience has ended
	return nil
}

// desk is what the connections of a running Server share.
type desk struct {
	*Server
	ctx     context.Context // ends when no message can be delivered any more
	limits  Limits
	dns     absolute
	log     *slog.Logger
	memory  *semaphore.Weighted
	senders *senders
}

func (s *Server) desk(ctx context.Context) *desk {
	limits := s.Limits.orDefault()
	return &desk{
		Server: s, ctx: ctx, limits: limits, dns: names(s.Resolver), log: logger(s.Log),
		memory: semaphore.NewWeighted(limits.Memory), senders: newSenders(limits.PerMinute),
	}
}

func (d *desk) smtp() *smtp.Server {
	srv := smtp.NewServer(smtp.BackendFunc(d.newSession))
	srv.Domain = d.Hostname
	srv.TLSConfig = d.TLS
	srv.MaxRecipients = d.limits.Recipients
	srv.MaxMessageBytes = d.limits.Message
	srv.MaxLineLength = maxLine
	srv.ReadTimeout, srv.WriteTimeout = d.limits.Idle, d.limits.Idle
	srv.EnableSMTPUTF8 = true
	srv.ErrorLog = slog.NewLogLogger(d.log.Handler(), slog.LevelDebug)
	return srv
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}
