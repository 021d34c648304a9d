package daemon

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/front/mailbox"
	"github.com/mootspace/moot/internal/mta"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
)

// openMail listens for mail programs, and on a server with a domain exchanges mail with
// the outside. It returns what begins to answer.
func (d *doors) openMail(o cli.MailOptions) (answer func(), err error) {
	var starts []func()
	answer = func() {
		for _, start := range starts {
			start()
		}
	}
	secure, err := d.mailTLS(o)
	if err != nil {
		return nil, err
	}
	server := mailbox.New(mailbox.Config{Accounts: d.accounts, TLS: secure, Plain: true, Domain: o.Domain, Log: d.log}) // in plain text on the loopback interface only
	for _, door := range []struct {
		addr     string
		scheme   string
		implicit bool
		serve    func(context.Context, net.Listener, bool) error
	}{
		{o.IMAP, "imap", false, server.ServeIMAP},
		{o.IMAPS, "imaps", true, server.ServeIMAP},
		{o.Submission, "smtp", false, server.ServeSubmission},
		{o.Submissions, "smtps", true, server.ServeSubmission},
	} {
		if door.addr == "" {
			continue
		}
		ln, err := link.ListenTCP(d.ctx, door.addr, false)
		if err != nil {
			return nil, err
		}
		d.mailAddrs = append(d.mailAddrs, door.scheme+"://"+ln.Addr().String())
		starts = append(starts, func() {
			d.hold(func() error { return door.serve(d.ctx, ln, door.implicit) })
		})
	}
	if o.Domain == "" {
		return answer, nil
	}
	outside, err := d.openOutside(o, secure)
	starts = append(starts, outside)
	return answer, err
}

// mailTLS is what mail programs and servers are shown: the certificate of an authority,
// or one of this home's making.
func (d *doors) mailTLS(o cli.MailOptions) (*tls.Config, error) {
	if o == (cli.MailOptions{}) {
		return nil, nil
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, moot.Errorf(moot.Invalid, "the certificate: %w", err)
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
	}
	names := []string{"localhost", "127.0.0.1", "::1"}
	if o.Domain != "" {
		names = append(names, o.Domain, o.Host)
	}
	cert, err := seal.HostCertificate(d.path("mail-tls.pem"), names...)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
}

// openOutside exchanges mail for the domain with other servers.
func (d *doors) openOutside(o cli.MailOptions, secure *tls.Config) (answer func(), err error) {
	signatures, err := d.signatures(o.Domain)
	if err != nil {
		return nil, err
	}
	queue, err := mta.OpenQueue(d.ctx, d.path("outbox"), mta.QueueLimits{}, signatures...)
	if err != nil {
		return nil, err
	}
	d.mail.outbox = queue
	sender := &mta.Sender{Queue: queue, Hostname: o.Host, Bounce: d.mail.bounce, Log: d.log, Private: o.Private, Port: o.OutPort}
	if o.Smarthost != "" {
		sender.Smarthost = &mta.Smarthost{Addr: o.Smarthost, Username: o.SmarthostUser, Password: os.Getenv("MOOT_SMARTHOST_PASSWORD")}
	}
	var ln net.Listener
	if o.SMTP != "" {
		if ln, err = link.ListenTCP(d.ctx, o.SMTP, false); err != nil {
			return nil, err
		}
		d.mailAddrs = append(d.mailAddrs, "smtp://"+ln.Addr().String()+" (for other servers)")
	}
	return func() {
		d.hold(func() error { return sender.Run(d.ctx) })
		if ln == nil {
			return
		}
		server := &mta.Server{Hostname: o.Host, Domains: []string{o.Domain}, Mailboxes: inbound{d.node}, TLS: secure, Log: d.log}
		d.hold(func() error { return server.Serve(d.ctx, ln) })
	}, nil
}

// signatures are those of the mail that leaves: two, because not everybody knows the
// shorter kind.
func (n *node) signatures(domain string) (list []mta.Signature, err error) {
	for _, kind := range []struct {
		algorithm mta.Algorithm
		selector  string
	}{{mta.Ed25519, "moot-ed25519"}, {mta.RSA, "moot-rsa"}} {
		key, err := mta.LoadKey(n.path("dkim-"+string(kind.algorithm)+".pem"), kind.algorithm)
		if err != nil {
			return nil, err
		}
		list = append(list, mta.Signature{Domain: domain, Selector: kind.selector, Key: key})
	}
	return list, nil
}

// records are what the domain's DNS should say.
func (n *node) records() ([]string, error) {
	domain, host := n.settings.MailDomain, orDefault(n.settings.MailHost, n.settings.MailDomain)
	if domain == "" {
		return nil, moot.Errorf(moot.NotFound, "this server exchanges no mail with the outside: start it with 'moot serve --mail-domain DOMAIN'")
	}
	signatures, err := n.signatures(domain)
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
			return nil, err
		}
		list = append(list, line)
	}
	return list, nil
}

// inbound takes in mail from elsewhere: it implements mta.Mailboxes.
type inbound struct{ n *node }

func (in inbound) Accepts(ctx context.Context, address string) error {
	b, err := in.n.mail.own(ctx, in.n.prefers(ctx))
	if err != nil {
		return err
	}
	t, err := b.Resolve(ctx, address)
	switch {
	case err != nil:
		return err
	case t.Channel != "":
		return moot.Errorf(moot.Denied, "a channel takes no mail from outside")
	case t.Outside != "":
		return moot.Errorf(moot.NotFound, "%.80q is not an address here", address)
	}
	return in.n.mail.room(ctx, []moot.Key{t.Member}, 0)
}

func (in inbound) Deliver(ctx context.Context, m mta.Received) error {
	b, err := in.n.mail.own(ctx, in.n.prefers(ctx))
	if err != nil {
		return err
	}
	return b.Deliver(ctx, m.To, m.MIME)
}

// bounce tells a member that a message could not be delivered.
func (m *mailroom) bounce(ctx context.Context, to string, dsn io.Reader) error {
	b, err := m.own(ctx, m.n.prefers(ctx))
	if err != nil {
		return err
	}
	return b.Deliver(ctx, []string{to}, dsn)
}

// relay takes over a member's message for people elsewhere.
func (m *mailroom) relay(ctx context.Context, from string, to []string, mime io.Reader) error {
	return m.outbox.Add(ctx, mta.Envelope{From: from, To: to}, mime)
}

// room returns an error of kind Full if one of the mailboxes on this server is.
func (m *mailroom) room(ctx context.Context, to []moot.Key, size int64) error {
	quota := m.n.settings.MailQuota
	if quota <= 0 {
		return nil
	}
	index, err := m.open(ctx)
	if err != nil {
		return err
	}
	for _, k := range to {
		used, err := index.Used(ctx, k)
		if err != nil {
			return err
		}
		if used+m.post.PendingBytes(k)+size > quota {
			who, _ := m.n.roster.Member(k)
			return moot.Errorf(moot.Full, "the mailbox of %s is full: it holds %d of %d MiB", who.Name, (used+m.post.PendingBytes(k))>>20, quota>>20)
		}
	}
	return nil
}

// bounded is the store of a server as others append to it: what is for a full mailbox
// is refused. What was said elsewhere already (mode Merge) is taken all the same, or
// all that its author says after it could not be.
type bounded struct {
	*store.Store
	room func(ctx context.Context, to []moot.Key, size int64) error
}

func (b bounded) Append(ctx context.Context, mode moot.Mode, entries ...moot.Entry) error {
	for _, e := range entries {
		if to, size, ok := mail.Announced(e); ok && mode == moot.Swap {
			if err := b.room(ctx, to, size); err != nil {
				return err
			}
		}
	}
	return b.Store.Append(ctx, mode, entries...)
}
