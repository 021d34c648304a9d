// Package mailbox is the mail front end: an IMAP server (RFC 9051, RFC 3501) to read
// mail with and a submission server (RFC 6409) to send it with, over any
// mail.Mailbox. A server runs it for its accounts, and a peer on its own machine for
// its own member.
//
// It must not know an architecture, a store, or what a message is sealed with: it
// speaks the two protocols, and asks the Mailbox.
package mailbox

import (
	"context"
	"crypto/tls"
	"log/slog"
	"math"
	"net"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// Accounts lets people in.
type Accounts interface {
	// Login returns the mail of the user. Kind Denied for a wrong name or password,
	// Unavailable if that cannot be told now. It is called by few at a time.
	Login(ctx context.Context, user, password string) (mail.Mailbox, error)
}

// Config is what a Server is made of.
type Config struct {
	Accounts   Accounts
	TLS        *tls.Config  // nil: TLS is not offered
	Plain      bool         // passwords may be sent without TLS to listeners on the loopback interface
	Domain     string       // that clients are greeted with; default localhost
	MaxMessage int64        // bytes of a message that is sent or appended; default 128 MiB
	Log        *slog.Logger // nil: nothing is logged. Passwords and messages never are
}

// Server answers mail programs. Its listeners share its limits: of connections, and
// of wrong passwords.
type Server struct {
	cfg      Config
	rooms    *rooms
	throttle *throttle
	asking   chan struct{} // a place for each that asks Accounts: a password is costly to check
}

const maxAsking = 4

// New returns a server that does not listen yet.
func New(cfg Config) *Server {
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 128 << 20
	}
	cfg.MaxMessage = min(cfg.MaxMessage, math.MaxInt32) // the protocols count in 32 bits
	if cfg.Domain == "" {
		cfg.Domain = "localhost"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, rooms: newRooms(), throttle: newThrottle(), asking: make(chan struct{}, maxAsking)}
}

// ServeIMAP answers IMAP on l until ctx ends, and closes l and all its connections.
// With implicitTLS connections begin with TLS (RFC 8314), else clients ask for it
// with STARTTLS. It returns nil when ctx has ended.
func (s *Server) ServeIMAP(ctx context.Context, l net.Listener, implicitTLS bool) error {
	return s.serve(ctx, l, implicitTLS, "* BYE ", s.imapServer)
}

// ServeSubmission answers SMTP on l, for those who have an account; else as
// ServeIMAP.
func (s *Server) ServeSubmission(ctx context.Context, l net.Listener, implicitTLS bool) error {
	return s.serve(ctx, l, implicitTLS, "421 4.7.0 ", s.submissionServer)
}

// serve runs one protocol on a listener. busy comes before the reason with which a
// connection is refused.
func (s *Server) serve(ctx context.Context, l net.Listener, implicitTLS bool, busy string, protocol func(ctx context.Context, plain bool) func(net.Listener) error) error {
	plain := s.cfg.Plain && loopback(l.Addr())
	if s.cfg.TLS == nil && (implicitTLS || !plain) {
		return moot.Errorf(moot.Invalid, "mail on %v: passwords need TLS, and there is no certificate", l.Addr())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := &listener{Listener: l, rooms: s.rooms, busy: busy, conns: map[*conn]struct{}{}}
	if implicitTLS {
		in.tls = s.cfg.TLS
	}
	stop := context.AfterFunc(ctx, in.shut)
	defer stop()
	err := protocol(ctx, plain)(in)
	ended := ctx.Err() != nil
	cancel()
	in.shut()
	in.wg.Wait()
	if ended {
		return nil
	}
	return moot.Wrap("mail", err)
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
