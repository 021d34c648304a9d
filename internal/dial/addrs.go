package dial

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/mootspace/moot"
)

// HTTPS returns the https addresses among addrs.
func HTTPS(addrs []string) (web []string) {
	for _, a := range addrs {
		if strings.HasPrefix(a, "https://") {
			web = append(web, strings.TrimSuffix(a, "/"))
		}
	}
	return web
}

// dialAny connects to the first of a server's addresses that answers.
func dialAny(web []string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		var failed error
		for _, base := range web {
			u, err := url.Parse(base)
			if err != nil {
				continue
			}
			host := u.Host
			if u.Port() == "" {
				host = net.JoinHostPort(u.Hostname(), "443")
			}
			conn, err := (&net.Dialer{Timeout: Timeout}).DialContext(ctx, network, host)
			if err == nil {
				return conn, nil
			}
			failed = err
		}
		return nil, moot.Errorf(moot.Unavailable, "does not answer: %s", reason(failed))
	}
}

// reason is why a connection failed, without operation and address.
func reason(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) {
		return "it has no address"
	}
	var syscall *os.SyscallError
	if errors.As(op.Err, &syscall) {
		return syscall.Err.Error()
	}
	return op.Err.Error()
}
