package mta

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"
)

// Resolver queries the DNS, as a *net.Resolver or a Cache. Names are absolute, with a final dot.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
}

// resolver makes names absolute, because net.Resolver tries local search domains for
// names without a final dot.
type resolver struct{ Resolver }

// lookupTimeout bounds one query.
const lookupTimeout = 10 * time.Second

func newResolver(r Resolver) resolver {
	if r == nil {
		r = NewCache()
	}
	return resolver{r}
}

func fqdn(name string) string { return strings.TrimSuffix(name, ".") + "." }

func (a resolver) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return a.Resolver.LookupTXT(ctx, fqdn(name))
}

func (a resolver) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return a.Resolver.LookupMX(ctx, fqdn(name))
}

func (a resolver) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return a.Resolver.LookupIPAddr(ctx, fqdn(host))
}

// txt returns a function that looks up TXT records while ctx lasts.
func (a resolver) txt(ctx context.Context) func(string) ([]string, error) {
	return func(name string) ([]string, error) { return a.LookupTXT(ctx, name) }
}

// notFound reports whether the DNS has no such record.
func notFound(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}
