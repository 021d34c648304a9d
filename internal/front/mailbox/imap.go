package mailbox

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// imapServer returns the protocol of ServeIMAP: the library's, with extensions before it.
//
// Faults of the library (v2.0.0-beta.8) without a workaround here: BINARY[]<n> is returned
// without the n.
func (s *Server) imapServer(ctx context.Context, plain bool) func(net.Listener) error {
	library := imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			session := &imapSession{server: s}
			session.ctx, session.cancel = context.WithCancel(ctx)
			c.NetConn().(*extension).bind(session, c)
			return session, nil, nil
		},
		Caps: imap.CapSet{ // what the client gets is extension.capabilities
			imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapLiteralPlus: {},
		},
		Logger:       libraryLog{s.cfg.Log, "imap"},
		InsecureAuth: true, // the extension has TLS
	})
	return func(l net.Listener) error { return library.Serve(imapListener{l, s, plain}) }
}

// imapSession is one client's connection.
type imapSession struct {
	server *Server
	ctx    context.Context //nolint:containedctx // imapserver's callbacks take none
	cancel context.CancelFunc
	client *imapserver.Conn
	conn   *conn

	extension *extension

	mb       mail.Mailbox
	user     string
	selected atomic.Pointer[selection] // nil: no folder is selected
	content  *content                  // of the last message read; nil: none
}

var (
	_ imapserver.SessionIMAP4rev2   = (*imapSession)(nil)
	_ imapserver.SessionAppendLimit = (*imapSession)(nil)
)

// Close implements imapserver.Session.
func (s *imapSession) Close() error {
	s.cancel()
	return s.Unselect()
}

// Login implements imapserver.Session.
func (s *imapSession) Login(user, password string) error {
	mb, err := s.server.login(s.ctx, s.conn, "imap", user, password)
	if errors.Is(err, moot.Denied) {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeAuthenticationFailed, Text: "Wrong name or password"}
	}
	s.mb, s.user = mb, user
	return s.failure(err)
}

// AppendLimit implements imapserver.SessionAppendLimit.
func (s *imapSession) AppendLimit() uint32 { return uint32(s.server.cfg.MaxMessage) }

// Namespace implements imapserver.SessionNamespace.
func (s *imapSession) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: separator}}}, nil
}

// failure maps an error to an IMAP response.
func (s *imapSession) failure(err error) error {
	var smtpErr *imap.Error
	if err == nil || errors.As(err, &smtpErr) {
		return err
	}
	kind := moot.KindOf(err)
	code, known := imapCodes[kind]
	if !known {
		s.server.cfg.Log.Error("mail", "protocol", "imap", "err", err)
		return no(imap.ResponseCodeServerBug, "Internal error: see the server's log")
	}
	return no(code, reply(err))
}

var imapCodes = map[moot.ErrorKind]imap.ResponseCode{
	moot.Invalid:     imap.ResponseCodeCannot,
	moot.TooLarge:    imap.ResponseCodeTooBig,
	moot.NotFound:    imap.ResponseCodeNonExistent,
	moot.Denied:      imap.ResponseCodeNoPerm,
	moot.Stranger:    imap.ResponseCodeNoPerm,
	moot.Revoked:     imap.ResponseCodeNoPerm,
	moot.Conflict:    imap.ResponseCodeAlreadyExists,
	moot.Corrupt:     imap.ResponseCodeCorruption,
	moot.Full:        imap.ResponseCodeOverQuota,
	moot.Unavailable: imap.ResponseCodeUnavailable,
}

func no(code imap.ResponseCode, text string) *imap.Error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
}

func bad(text string) *imap.Error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Code: imap.ResponseCodeClientBug, Text: text}
}
