package mailbox

import (
	"context"
	"errors"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// login checks a password, throttled. Kinds: Denied for a wrong name or password, else
// Unavailable.
func (s *Server) login(ctx context.Context, c *conn, protocol, user, password string) (mail.Mailbox, error) {
	if len(user) > maxUserName {
		return nil, moot.Errorf(moot.Denied, "wrong name or password")
	}
	log := s.cfg.Log.With("protocol", protocol, "from", c.RemoteAddr().String(), "user", user)
	if err := s.throttle.wait(ctx, c.from, user); err != nil {
		log.Info("login throttled", "err", err)
		return nil, err
	}
	mb, err := s.check(ctx, user, password)
	switch {
	case err == nil:
		s.throttle.succeeded(c.from, user)
		c.setAuthenticated()
		log.Info("login")
		return mb, nil
	case errors.Is(err, moot.Denied), errors.Is(err, moot.NotFound), errors.Is(err, moot.Stranger), errors.Is(err, moot.Revoked):
		s.throttle.failed(c.from, user)
		log.Info("login refused", "err", err)
		return nil, moot.Errorf(moot.Denied, "wrong name or password")
	}
	log.Error("login", "err", err)
	return nil, moot.Errorf(moot.Unavailable, "passwords cannot be checked now: try again later")
}

func (s *Server) check(ctx context.Context, user, password string) (mail.Mailbox, error) {
	select {
	case s.checks <- struct{}{}:
		defer func() { <-s.checks }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.cfg.Accounts.Login(ctx, user, password)
}

// reply formats an error as one line for clients: printable ASCII, bounded.
func reply(err error) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.Join(strings.Fields(err.Error()), " "))
	return s[:min(len(s), 400)]
}
