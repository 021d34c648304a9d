package listen

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/front/mailbox"
	"github.com/mootspace/moot/internal/mta"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/seal"
)

// Mail listens for mail programs, and on a server with a domain exchanges mail with the
// outside. The queue of outgoing mail, if any, is closed by the returned function.
func (l *Listeners) Mail(ctx context.Context, o app.MailOptions) (closeQueue func() error, err error) {
	closeQueue = func() error { return nil }
	if o.IMAP+o.IMAPS+o.Submission+o.Submissions+o.Domain == "" {
		return closeQueue, nil
	}
	secure, err := l.mailTLS(o)
	if err != nil {
		return closeQueue, err
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
			return closeQueue, err
		}
		l.Add(func(ctx context.Context) error { return p.serve(ctx, ln, p.implicitTLS) })
	}
	if o.Domain == "" {
		return closeQueue, nil
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
func (l *Listeners) exchange(ctx context.Context, o app.MailOptions, secure *tls.Config) (closeQueue func() error, err error) {
	closeQueue = func() error { return nil }
	signatures, err := signatures(l.data, o.Domain)
	if err != nil {
		return closeQueue, err
	}
	queue, err := mta.OpenQueue(ctx, l.data.Path("outbox"), mta.QueueLimits{}, signatures...)
	if err != nil {
		return closeQueue, err
	}
	l.node.SetMailRelay(func(ctx context.Context, from string, to []string, mime io.Reader) error {
		return queue.Add(ctx, mta.Envelope{From: from, To: to}, mime)
	})
	sender := &mta.Sender{Queue: queue, Hostname: o.Host, Log: l.log, Private: o.Private, Port: o.OutPort,
		Bounce: func(ctx context.Context, to string, dsn io.Reader) error {
			return l.node.DeliverMail(ctx, []string{to}, dsn)
		}}
	if o.Smarthost != "" {
		sender.Smarthost = &mta.Smarthost{Addr: o.Smarthost, Username: o.SmarthostUser, Password: o.SmarthostPassword}
	}
	l.Add(sender.Run)
	if o.SMTP == "" {
		return queue.Close, nil
	}
	ln, err := l.listen(ctx, o.SMTP, "smtp", " (for other servers)")
	if err != nil {
		return queue.Close, err
	}
	server := &mta.Server{Hostname: o.Host, Domains: []string{o.Domain}, Mailboxes: inbound{l.node}, TLS: secure, Log: l.log}
	l.Add(func(ctx context.Context) error { return server.Serve(ctx, ln) })
	return queue.Close, nil
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

// signatures are the DKIM signatures of outgoing mail: two, because not every receiver
// knows the shorter kind (RFC 8463).
func signatures(data node.Data, domain string) (list []mta.Signature, err error) {
	for _, kind := range []struct {
		algorithm mta.Algorithm
		selector  string
	}{{mta.Ed25519, "moot-ed25519"}, {mta.RSA, "moot-rsa"}} {
		key, err := mta.LoadKey(data.Path("dkim-"+string(kind.algorithm)+".pem"), kind.algorithm)
		if err != nil {
			return nil, err
		}
		list = append(list, mta.Signature{Domain: domain, Selector: kind.selector, Key: key})
	}
	return list, nil
}

// MailRecords are the lines that the DNS of a mail domain should hold; host is the
// server's name in it.
func MailRecords(data node.Data, domain, host string) ([]string, error) {
	signatures, err := signatures(data, domain)
	if err != nil {
		return nil, err
	}
	list := []string{
		domain + ". IN MX 10 " + host + ".",
		domain + `. IN TXT "v=spf1 mx -all"`,
		"_dmarc." + domain + `. IN TXT "v=DMARC1; p=quarantine"`,
	}
	for _, s := range signatures {
		line, err := s.Zone()
		if err != nil {
			return nil, moot.Wrap("the DKIM key", err)
		}
		list = append(list, line)
	}
	return list, nil
}
