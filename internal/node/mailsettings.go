package node

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

// SetMailSettings says how mail programs reach this node. It must be called before Start.
func (n *Node) SetMailSettings(s app.MailSettings) { n.state.mail.Store(&s) }

// MailSettings implements app.Control.
func (c control) MailSettings(ctx context.Context) (app.MailSettings, error) {
	s := c.state.mail.Load()
	if s == nil {
		return app.MailSettings{}, moot.WithHint(moot.Errorf(moot.Unavailable, "mail programs are not answered here now"), moot.HintServeMail)
	}
	out := *s
	if out.Domain == "" {
		dir, err := c.mail.directory(ctx, routed{c.routes, c.via})
		if err != nil {
			return out, err
		}
		out.Domain = cmp.Or(dir.Domain, mail.StableDomain)
	}
	return out, nil
}

// MailRecords implements app.Control.
func (c control) MailRecords(context.Context) ([]string, error) {
	if c.cfg.Mail.Records == nil {
		return nil, moot.WithHint(moot.Errorf(moot.NotFound, "this server exchanges no mail with the outside"), moot.HintMailDomain)
	}
	list, err := c.cfg.Mail.Records()
	if s := c.state.mail.Load(); s != nil && err == nil {
		list = append(list, serviceRecords(c.cfg.Mail.Domain, *s)...)
	}
	return list, err
}

// serviceRecords are the SRV records with which mail programs find the services of a
// domain (RFC 6186, RFC 8314), and the names at which they ask for settings.
func serviceRecords(domain string, s app.MailSettings) (list []string) {
	add := func(service string, priority int, host string, port int) {
		list = append(list, fmt.Sprintf("_%s._tcp.%s. IN SRV %d 1 %d %s.", service, domain, priority, port, host))
	}
	for _, one := range s.Services {
		if net.ParseIP(one.Host) != nil { // the loopback interface
			continue
		}
		service, priority := string(one.Protocol), 10
		if one.Security == app.ImplicitTLS {
			service, priority = service+"s", 0
		}
		add(service, priority, one.Host, one.Port)
	}
	if len(s.Services) == 0 {
		return nil
	}
	if host := s.Services[0].Host; s.Autoconfig != 0 && net.ParseIP(host) == nil {
		add("autodiscover", 0, host, s.Autoconfig)
		list = append(list, fmt.Sprintf("autoconfig.%s. IN CNAME %s.", domain, host))
	}
	return list
}

// describeAccount returns an account as front ends see it.
func (c control) describeAccount(ctx context.Context, d accounts.Description) app.Account {
	out := app.Account{
		Member: d.Member, Device: d.Device, Name: d.Name, Label: d.Label, Own: d.Own, Waiting: d.Waiting, Forked: d.Forked, Revoked: d.Revoked,
		Passwords: d.Passwords, LastLogin: d.LastLogin, Password: d.Password,
	}
	if d.Member.IsZero() {
		return out
	}
	dir, err := c.mail.directory(ctx, routed{c.routes, c.via})
	if err != nil { // then only the space's own domain is known
		dir = mail.Directory{Roster: c.network.roster, Domain: c.cfg.Mail.Domain}
	}
	out.Address = dir.Address(d.Member).Address
	local, domain, _ := strings.Cut(out.Address, "@")
	if out.Login = out.Address; domain != mail.StableDomain && domain != c.cfg.Mail.Domain {
		out.Login = local
	}
	return out
}
