// Package mailbox is the mail front end: an IMAP server (RFC 9051, RFC 3501) and a
// submission server (RFC 6409) over any mail.Mailbox. A server runs it for its accounts,
// a peer on its own machine for its member.
//
// It must not know an architecture, a store or sealing.
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

// Accounts authenticates users.
type Accounts interface {
	// Login returns the mailbox of the user. Kinds: Denied for a wrong name or password,
	// Unavailable if passwords cannot be checked now. At most maxChecks calls run in
	// parallel.
	Login(ctx context.Context, user, password string) (mail.Mailbox, error)
}

// Config has the dependencies and settings of a Server.
type Config struct {
	Accounts   Accounts
	TLS        *tls.Config  // nil: no TLS
	Plain      bool         // allow passwords without TLS on loopback listeners
	Domain     string       // for the greeting; default localhost
	MaxMessage int64        // bytes of a submitted or appended message; default 128 MiB
	Log        *slog.Logger // nil: no log. It never has passwords or messages
}

// Server serves mail programs. Its listeners share the limits of connections and of
// wrong passwords.
type Server struct {
	cfg      Config
	slots    *connSlots
	throttle *throttle
	recent   *recentMarks
	checks   chan struct{} // semaphore of password checks, which are costly
}

const maxChecks = 4

// New returns a server without listeners.
func New(cfg Config) *Server {
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 128 << 20
	}
	cfg.MaxMessage = min(cfg.MaxMessage, math.MaxInt32) // sizes have 32 bits in the protocols
	if cfg.Domain == "" {
		cfg.Domain = "localhost"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, slots: newConnSlots(), throttle: newThrottle(), recent: newRecentMarks(), checks: make(chan struct{}, maxChecks)}
}

// ServeIMAP serves IMAP on l until ctx ends, and closes l and all its connections. With
// implicitTLS connections begin with TLS (RFC 8314), else clients use STARTTLS. It
// returns nil when ctx has ended.
func (s *Server) ServeIMAP(ctx context.Context, l net.Listener, implicitTLS bool) error {
	return s.serve(ctx, l, implicitTLS, "* BYE ", s.imapServer)
}

// ServeSubmission serves SMTP submission on l; else as ServeIMAP.
func (s *Server) ServeSubmission(ctx context.Context, l net.Listener, implicitTLS bool) error {
	return s.serve(ctx, l, implicitTLS, "421 4.7.0 ", s.submissionServer)
}

// serve runs one protocol on a listener. busy is the protocol's prefix of the reason
// when a connection is refused.
func (s *Server) serve(ctx context.Context, l net.Listener, implicitTLS bool, busy string, protocol func(ctx context.Context, plain bool) func(net.Listener) error) error {
	plain := s.cfg.Plain && loopback(l.Addr())
	if s.cfg.TLS == nil && (implicitTLS || !plain) {
		return moot.Errorf(moot.Invalid, "mail on %v: passwords need TLS, and there is no certificate", l.Addr())
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in := &listener{Listener: l, slots: s.slots, refusal: busy, conns: map[*conn]struct{}{}}
	if implicitTLS {
		in.tls = s.cfg.TLS
	}
	stop := context.AfterFunc(ctx, in.closeAll)
	defer stop()
	err := protocol(ctx, plain)(in)
	ended := ctx.Err() != nil
	cancel()
	in.closeAll()
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
