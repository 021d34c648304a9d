package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/node"
)

// socket listens for the commands of the home's owner. The socket's file mode is its
// access control.
func (l *Listeners) socket(ctx context.Context, path string) error {
	path = link.SocketPath(path)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) { // left by a crash: the home is locked, so nobody listens
		return node.OSError("open the home's socket", err)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return moot.Errorf(moot.Invalid, "open the home's socket: %w", err)
	}
	l.open = append(l.open, ln)
	if err := os.Chmod(path, 0o600); err != nil {
		return node.OSError("open the home's socket", err)
	}
	owner := func(*http.Request) (api.Access, error) { return api.Access{Local: true}, nil }
	l.add(func(ctx context.Context) error { return l.serveHTTP(ctx, ln, l.api(owner)) })
	return nil
}

// api answers people's programs whose access is decided by authenticate.
func (l *Listeners) api(authenticate func(*http.Request) (api.Access, error)) http.Handler {
	return api.Handler(api.Config{Open: l.node.Session, Authenticate: authenticate, Version: l.node.Version(), Log: l.log})
}

// token authenticates a program by its token.
func (l *Listeners) token(r *http.Request) (api.Access, error) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") { // RFC 9110, 11.1
		return api.Access{}, moot.Errorf(moot.Stranger, "a token is needed")
	}
	t, revoked, err := l.node.Tokens().Check(secret)
	return api.Access{ReadOnly: t.ReadOnly, Revoked: revoked, Expires: t.Expires}, err
}
