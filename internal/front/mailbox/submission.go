package mailbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mime"
)

const (
	maxRecipients   = 1000
	maxLine         = 16 << 10 // bytes; RFC 5321 wants 1000 of text, RFC 4954 12288 of a login
	maxAddress      = 320      // bytes
	smtpIdleTimeout = 5 * time.Minute
	closeTimeout    = 5 * time.Second // for a client to read the reason before the connection closes
)

// submissionServer returns the protocol of ServeSubmission.
func (s *Server) submissionServer(ctx context.Context, plain bool) func(net.Listener) error {
	return func(l net.Listener) error {
		srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
			return &submission{server: s, ctx: ctx, client: c, conn: connOf(c.Conn())}, nil
		}))
		srv.Domain = s.cfg.Domain
		srv.TLSConfig = s.cfg.TLS
		srv.AllowInsecureAuth = plain
		srv.MaxMessageBytes = s.cfg.MaxMessage
		srv.MaxRecipients = maxRecipients
		srv.MaxLineLength = maxLine
		srv.ReadTimeout, srv.WriteTimeout = smtpIdleTimeout, smtpIdleTimeout
		srv.EnableSMTPUTF8 = true
		srv.ErrorLog = libraryLog{s.cfg.Log, "submission"}
		return srv.Serve(l)
	}
}

// submission is one client's connection.
type submission struct {
	server *Server
	ctx    context.Context //nolint:containedctx // go-smtp's callbacks take none
	client *smtp.Conn
	conn   *conn

	mu   sync.Mutex // CHUNKING reads a message concurrently with commands
	mb   mail.Mailbox
	utf8 bool
	to   []string
}

var _ smtp.AuthSession = (*submission)(nil)

// AuthMechanisms implements smtp.AuthSession.
func (s *submission) AuthMechanisms() []string { return []string{sasl.Plain, sasl.Login} }

// Auth implements smtp.AuthSession.
func (s *submission) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(identity, user, password string) error {
			if identity != "" && identity != user {
				return refusal(535, 5, 7, 8, "Acting for another user is not supported: leave the authorization identity empty")
			}
			return s.login(user, password)
		}), nil
	case sasl.Login:
		return &loginServer{login: s.login}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *submission) login(user, password string) error {
	mb, err := s.server.login(s.ctx, s.conn, "submission", user, password)
	switch {
	case errors.Is(err, moot.Denied):
		return refusal(535, 5, 7, 8, "Wrong name or password")
	case err != nil:
		return refusal(454, 4, 7, 0, reply(err))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mb = mb
	return nil
}

// loginServer is the legacy mechanism LOGIN: a name, then a password.
type loginServer struct {
	login func(user, password string) error
	step  int
	user  string
}

// Next implements sasl.Server.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if response == nil && l.step == 0 {
		l.step = 1
		return []byte("Username:"), false, nil
	}
	if l.step < 2 {
		l.step, l.user = 2, string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.login(l.user, string(response))
}

// Mail implements smtp.Session. The sender is the account, whatever the client sends.
func (s *submission) Mail(from string, options *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mb == nil {
		return refusal(530, 5, 7, 0, "Log in first: this server accepts mail only from its accounts")
	}
	s.utf8 = options.UTF8
	if from == "" {
		return nil
	}
	return s.address(from)
}

// Rcpt implements smtp.Session.
func (s *submission) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.address(to); err != nil {
		return err
	}
	local, domain, _ := strings.Cut(to, "@")
	s.to = append(s.to, mime.Address{Local: local, Domain: domain}.Address())
	return nil
}

// address validates an address (RFC 5321, 4.1.2), its local part without quotes. One with an
// "@" is not supported: go-smtp does not tell it from a domain with one.
func (s *submission) address(a string) error {
	odd := func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune(`()<>[]:;,\"`, r)
	}
	local, domain, _ := strings.Cut(a, "@")
	literal := strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]")
	if literal {
		domain = strings.Trim(domain, "[]")
		domain = strings.ReplaceAll(domain, ":", "")
	}
	switch {
	case len(a) > maxAddress, !utf8.ValidString(a), local == "", domain == "", strings.ContainsFunc(local, unicode.IsControl), strings.ContainsFunc(domain, odd), strings.Contains(domain, "@"):
		return refusal(553, 5, 1, 3, "The address is malformed or not supported")
	case !s.utf8 && strings.ContainsFunc(a, func(r rune) bool { return r > unicode.MaxASCII }):
		return refusal(553, 5, 6, 7, "An address that is not plain ASCII needs SMTPUTF8")
	}
	return nil
}

// Data implements smtp.Session.
func (s *submission) Data(r io.Reader) error {
	if !s.conn.acquire() {
		return errTruncated
	}
	defer s.conn.release()
	s.mu.Lock()
	mb, to := s.mb, s.to
	s.mu.Unlock()
	if mb == nil {
		return refusal(530, 5, 7, 0, "Log in first: this server accepts mail only from its accounts")
	}
	_, chunked := r.(*io.PipeReader)
	text := &strictLines{r: r, single: !chunked}
	if chunked {
		text.broken = s.conn.broken.Load
	}
	_, err := mb.Send(s.ctx, mail.Outgoing{To: to, MIME: text})
	switch {
	case text.err == errBareLine && !chunked:
		return s.disconnect(r)
	case text.err != nil && text.err != io.EOF:
		return s.failure(text.err)
	case err != nil:
		return s.failure(err)
	}
	_, _ = io.Copy(io.Discard, text) // the library needs it read to the end
	return nil
}

// disconnect ends the connection of a client that sends bare line ends: the end of its
// message is ambiguous, and what follows could be parsed as commands.
func (s *submission) disconnect(r io.Reader) error {
	nc := s.client.Conn()
	fmt.Fprintf(nc, "550 5.5.2 %s\r\n", reply(errBareLine))
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	timer := time.AfterFunc(closeTimeout, s.conn.abort)
	defer timer.Stop()
	_, _ = io.Copy(io.Discard, r) // else a reset may discard the reply
	s.conn.abort()
	return errBareLine
}

// Reset implements smtp.Session.
func (s *submission) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.to, s.utf8 = nil, false
}

// Logout implements smtp.Session.
func (s *submission) Logout() error { return nil }

// failure maps an error to an SMTP reply (RFC 5321, RFC 3463).
func (s *submission) failure(err error) error {
	var smtpErr *smtp.SMTPError
	if errors.As(err, &smtpErr) {
		return smtpErr
	}
	text := reply(err)
	if moot.HintOf(err) == moot.HintOtherMember {
		return refusal(550, 5, 1, 4, text+": write to ID@"+mail.StableDomain)
	}
	switch moot.KindOf(err) {
	case moot.Invalid:
		return refusal(554, 5, 6, 0, text)
	case moot.NotFound:
		return refusal(550, 5, 1, 1, text)
	case moot.TooLarge:
		return refusal(552, 5, 3, 4, text)
	case moot.Full:
		return refusal(452, 4, 2, 2, text)
	case moot.Denied, moot.Stranger, moot.Revoked:
		return refusal(550, 5, 7, 1, text)
	case moot.Unavailable:
		return refusal(451, 4, 4, 0, text)
	}
	s.server.cfg.Log.Error("mail", "protocol", "submission", "err", err)
	return refusal(451, 4, 3, 0, "Internal error: see the server's log. Try again later")
}

func refusal(code, class, subject, detail int, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{class, subject, detail}, Message: text}
}
