package mta

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"
)

// Resolver asks the DNS. A *net.Resolver is one. Names are absolute, with a final dot.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) (names []string, err error)
}

// absolute keeps a resolver from trying names of a local network, which it does for
// names that do not end in a dot.
type absolute struct{ Resolver }

// dnsTime is how long one question may take.
const dnsTime = 10 * time.Second

func names(r Resolver) absolute {
	if r == nil {
		r = net.DefaultResolver
	}
	return absolute{r}
}

func dot(name string) string { return strings.TrimSuffix(name, ".") + "." }

func (a absolute) LookupTXT(ctx context.Context, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	return a.Resolver.LookupTXT(ctx, dot(name))
}

func (a absolute) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	return a.Resolver.LookupMX(ctx, dot(name))
}

func (a absolute) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	return a.Resolver.LookupIPAddr(ctx, dot(host))
}

// txt returns a function that looks up TXT records while ctx lasts.
func (a absolute) txt(ctx context.Context) func(string) ([]string, error) {
	return func(name string) ([]string, error) { return a.LookupTXT(ctx, name) }
}

// unknown reports whether the DNS said that there is no such record.
func unknown(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}
