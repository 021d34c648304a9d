package listen

import (
	"context"
	"crypto/tls"
	"io"
	"net"

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
	for _, p := range []struct {
		addr, scheme string
		implicitTLS  bool
		serve        func(context.Context, net.Listener, bool) error
	}{
		{o.IMAP, "imap", false, server.ServeIMAP},
		{o.IMAPS, "imaps", true, server.ServeIMAP},
		{o.Submission, "smtp", false, server.ServeSubmission},
		{o.Submissions, "smtps", true, server.ServeSubmission},
	} {
		if p.addr == "" {
			continue
		}
		ln, err := l.listen(ctx, p.addr, p.scheme, "")
		if err != nil {
			return err
		}
		l.add(func(ctx context.Context) error { return p.serve(ctx, ln, p.implicitTLS) })
	}
	if o.Domain == "" {
		return nil
	}
	return l.exchange(ctx, o, secure)
}

// mailTLS is the certificate for mail programs and servers: an authority's, or one of
// this home's own.
func (l *Listeners) mailTLS(o app.MailOptions) (*tls.Config, error) {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if o.Domain != "" {
		names = append(names, o.Domain, o.Host)
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
