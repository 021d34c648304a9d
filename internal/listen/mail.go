package listen

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/front/mailbox"
	"github.com/mootspace/moot/internal/mta"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

// mail listens for mail programs, and on a server with a domain exchanges mail with the
// outside.
func (l *Listeners) mail(ctx context.Context, o app.MailOptions) error {
	if o.IMAP+o.IMAPS+o.Submission+o.Submissions+o.Domain == "" {
		return nil
	}
	secure, err := l.mailTLS(o)
	if err != nil {
		return err
	}
	server := mailbox.New(mailbox.Config{Accounts: l.node, TLS: secure, Plain: true, Domain: o.Domain, Log: l.log}) // in plain text on the loopback interface only
	settings := app.MailSettings{Domain: o.Domain}
	if o.CertFile == "" {
		settings.Certificate = fmt.Sprintf("%x", sha256.Sum256(secure.Certificates[0].Certificate[0]))
	}
	for _, p := range []struct {
		addr, scheme string
		app.MailService
		serve func(context.Context, net.Listener, bool) error
	}{
		{o.IMAP, "imap", app.MailService{Protocol: app.IMAP, Security: app.StartTLS}, server.ServeIMAP},
		{o.IMAPS, "imaps", app.MailService{Protocol: app.IMAP, Security: app.ImplicitTLS}, server.ServeIMAP},
		{o.Submission, "smtp", app.MailService{Protocol: app.Submission, Security: app.StartTLS}, server.ServeSubmission},
		{o.Submissions, "smtps", app.MailService{Protocol: app.Submission, Security: app.ImplicitTLS}, server.ServeSubmission},
	} {
		if p.addr == "" {
			continue
		}
		ln, err := l.listen(ctx, p.addr, p.scheme, "")
		if err != nil {
			return err
		}
		p.Host, p.Port = reachedAt(ln.Addr(), o.Host)
		settings.Services = append(settings.Services, p.MailService)
		l.add(func(ctx context.Context) error { return p.serve(ctx, ln, p.Security == app.ImplicitTLS) })
	}
	slices.SortStableFunc(settings.Services, func(a, b app.MailService) int { return -cmp.Compare(a.Security, b.Security) }) // TLS from the beginning first
	if len(settings.Services) > 0 {
		if err := l.autoconfig(ctx, o, secure, &settings); err != nil {
			return err
		}
		l.node.SetMailSettings(settings)
	}
	if o.Domain == "" {
		return nil
	}
	return l.exchange(ctx, o, secure)
}

// reachedAt returns the name and the port under which programs reach a listener: its name
// in the DNS if it has one, but never of the loopback interface.
func reachedAt(addr net.Addr, name string) (host string, port int) {
	host, digits, err := net.SplitHostPort(addr.String())
	if err != nil {
		return name, 0
	}
	port, _ = strconv.Atoi(digits) // a listener's always is a number
	switch ip := net.ParseIP(host); {
	case ip != nil && ip.IsLoopback():
	case name != "":
		host = name
	case ip == nil || ip.IsUnspecified():
		host = interfaceIPs()[0]
	}
	return host, port
}

// mailTLS is the certificate for mail programs and servers: an authority's, or one of
// this home's own.
func (l *Listeners) mailTLS(o app.MailOptions) (*tls.Config, error) {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if o.Domain != "" {
		names = append(names, o.Domain, o.Host)
	}
	if o.Domain != "" && o.Autoconfig != "" {
		names = append(names, "autoconfig."+o.Domain, "autodiscover."+o.Domain)
	}
	return l.hostTLS(o.CertFile, o.KeyFile, "mail-tls.pem", names)
}

// hostTLS is a certificate of an authority, or a self-signed one that is kept in file.
func (l *Listeners) hostTLS(certFile, keyFile, file string, names []string) (*tls.Config, error) {
	cert, err := loadCertificate(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	if cert == nil {
		own, err := seal.HostCertificate(l.data.Path(file), names...)
		if err != nil {
			return nil, err
		}
		cert = &own
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*cert}}, nil
}

// exchange sends and receives mail for the domain.
func (l *Listeners) exchange(ctx context.Context, o app.MailOptions, secure *tls.Config) error {
	signatures, err := mta.LoadSignatures(l.data.Path, o.Domain)
	if err != nil {
		return err
	}
	queue, err := mta.OpenQueue(ctx, l.data.Path("outbox"), mta.QueueLimits{Message: o.Limits.Message, Messages: o.Limits.Queue}, signatures...)
	if err != nil {
		return err
	}
	l.node.SetMailRelay(func(ctx context.Context, from string, to []string, mime io.Reader) error {
		return queue.Add(ctx, mta.Envelope{From: from, To: to}, mime)
	}, queue)
	names := mta.NewCache()
	sender := &mta.Sender{Queue: queue, Hostname: o.Host, Resolver: names, Log: l.log, Private: o.Private, Port: o.OutPort,
		Bounce: func(ctx context.Context, to string, dsn io.Reader) error {
			return l.node.DeliverMail(ctx, []string{to}, dsn)
		}}
	if o.Smarthost != "" {
		sender.Smarthost = &mta.Smarthost{Addr: o.Smarthost, Username: o.SmarthostUser, Password: o.SmarthostPassword}
	}
	l.add(sender.Run)
	if o.SMTP == "" {
		return nil
	}
	ln, err := l.listen(ctx, o.SMTP, "smtp", " (for other servers)")
	if err != nil {
		return err
	}
	server := &mta.Server{Hostname: o.Host, Domains: []string{o.Domain}, Mailboxes: inbound{l.node}, TLS: secure, Resolver: names, Log: l.log, Limits: inboundLimits(o.Limits)}
	l.add(func(ctx context.Context) error { return server.Serve(ctx, ln) })
	return nil
}

func inboundLimits(o app.MailLimits) mta.Limits {
	return mta.Limits{
		Message: o.Message, Memory: 4 * o.Message, Recipients: o.Recipients, Connections: o.Connections,
		PerAddress: o.PerAddress, PerMinute: o.PerMinute, Trusted: o.Trusted,
	}
}

// inbound receives mail from outside: it implements mta.Mailboxes.
type inbound struct{ node *node.Node }

// Accepts implements mta.Mailboxes.
func (in inbound) Accepts(ctx context.Context, address string) error {
	return in.node.AcceptsMail(ctx, address)
}

// Deliver implements mta.Mailboxes.
func (in inbound) Deliver(ctx context.Context, m mta.Received) error {
	return in.node.DeliverMail(ctx, m.To, m.MIME)
}
