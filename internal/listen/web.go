package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// web listens for people and their programs: plain HTTP on loopback, else TLS.
func (l *Listeners) web(ctx context.Context, o app.RunOptions) error {
	if o.Web == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(o.Web)
	if err != nil {
		return moot.Errorf(moot.Invalid, "%q is no address to listen on: want host:port", o.Web)
	}
	scheme := "https"
	if isLoopback(host) {
		scheme = "http"
	}
	ln, err := l.listen(ctx, o.Web, scheme, "/")
	if err != nil {
		return err
	}
	ln = netutil.LimitListener(ln, maxConns)
	if scheme == "https" {
		secure, err := l.hostTLS(o.CertFile, o.KeyFile, "web-tls.pem", append(interfaceIPs(), "localhost", host))
		if err != nil {
			return err
		}
		secure.NextProtos = []string{"h2", "http/1.1"}
		ln = tls.NewListener(ln, secure)
	}
	l.add(func(ctx context.Context) error {
		return l.serveHTTP(ctx, ln, l.api(l.token))
	})
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Limits on clients.
const (
	headerTimeout = 10 * time.Second // to send a request's header
	stallTimeout  = time.Minute      // between bytes of a body that is sent or received
	maxConns      = 512              // connections of people's programs at once
)

// serveHTTP answers on a listener until ctx ends.
func (l *Listeners) serveHTTP(ctx context.Context, ln net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: limitStalls(h, stallTimeout), ReadHeaderTimeout: headerTimeout, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(l.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return moot.Errorf(moot.Internal, "answer on %s: %w", ln.Addr(), err)
	}
	return nil
}
