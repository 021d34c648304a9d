package listen

import (
	"context"
	"crypto/tls"

	"golang.org/x/net/netutil"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/front/autoconfig"
)

// autoconfig answers mail programs that set themselves up, on listeners of their own: what
// strangers ask there reaches nothing of the space.
func (l *Listeners) autoconfig(ctx context.Context, o app.MailOptions, secure *tls.Config, s *app.MailSettings) error {
	for _, p := range []struct {
		addr, scheme string
	}{{o.Autoconfig, "https"}, {o.AutoconfigHTTP, "http"}} {
		if p.addr == "" || o.Domain == "" {
			continue
		}
		ln, err := l.listen(ctx, p.addr, p.scheme, " (autoconfig)")
		if err != nil {
			return err
		}
		ln = netutil.LimitListener(ln, maxConns)
		if p.scheme == "https" {
			_, s.Autoconfig = reachedAt(ln.Addr(), o.Host)
			web := secure.Clone()
			web.NextProtos = []string{"h2", "http/1.1"}
			ln = tls.NewListener(ln, web)
		}
		l.add(func(ctx context.Context) error { return l.serveHTTP(ctx, ln, autoconfig.Handler(*s)) })
	}
	return nil
}
