// Package link connects nodes: HTTPS and libp2p, the listening side and the dialing
// side of each. Whichever is used, HTTP runs over it, and both ends know each
// other's key: a request's context holds its caller (moot.Caller).
//
// It must not know any route, request or response, or who is a member: a function decides
// which keys may connect.
package link

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/mootspace/moot"
)

// Limits of a connection without a request.
const (
	headerWithin = 10 * time.Second
	idleFor      = 2 * time.Minute
	maxHeader    = 32 << 10 // bytes
)

// ListenTCP listens on host:port. If the port is taken and anyPort allows, a free
// one is used instead.
func ListenTCP(ctx context.Context, addr string, anyPort bool) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) && anyPort {
		host, _, _ := net.SplitHostPort(addr)
		ln, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "cannot listen on %s: %w", addr, err)
	}
	return ln, nil
}

// serve serves on a listener until ctx ends, and then gives current requests two seconds
// to finish.
func serve(ctx context.Context, ln net.Listener, srv *http.Server) error {
	srv.ReadHeaderTimeout, srv.IdleTimeout, srv.MaxHeaderBytes = headerWithin, idleFor, maxHeader
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if srv.Shutdown(last) != nil {
			srv.Close()
		}
	})
	defer stop()
	err := srv.Serve(ln)
	if ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return moot.Errorf(moot.Internal, "serve: %w", err)
}

// orDiscard returns log, or one that discards everything.
func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}

// debugWriter logs what net/http reports, mostly about strangers, as debug messages.
type debugWriter struct{ log *slog.Logger }

func (w debugWriter) Write(p []byte) (int, error) {
	w.log.Debug("http", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
