package cli

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// credentials are what a person types into a mail program.
type credentials struct {
	Name     string `json:"name"`
	Address  string `json:"address,omitempty"`
	Login    string `json:"login,omitempty"`
	Password string `json:"password"`
	app.MailSettings
}

// newPassword makes a password and prints all that a mail program wants to know. An empty
// name is the node's own member.
func (a *commandLine) newPassword(ctx context.Context, s *app.Session, who string) error {
	settings, err := s.Control.MailSettings(ctx)
	answered := err == nil
	if !answered && moot.HintOf(err) != moot.HintServeMail {
		return err
	}
	acct, err := a.account(ctx, s, who)
	if err != nil {
		return err
	}
	p, err := s.Control.AddPassword(ctx, who)
	if err != nil {
		return err
	}
	c := credentials{cmp.Or(acct.Name, who), acct.Address, acct.Login, p, settings}
	if a.json {
		a.print(c)
		return nil
	}
	a.showCredentials(c)
	if !answered {
		a.say("mail programs are not answered here now: run 'moot serve --mail', or 'moot up --mail'")
	}
	return nil
}

// account returns the account of a member by its name or ID, or the node's own.
func (a *commandLine) account(ctx context.Context, s *app.Session, who string) (app.Account, error) {
	list, err := s.Control.Accounts(ctx)
	if err != nil {
		return app.Account{}, err
	}
	i := slices.IndexFunc(list, func(acct app.Account) bool {
		return who == "" && acct.Own || who != "" && (acct.Name == who || acct.Member.String() == who || acct.Address == who)
	})
	if i < 0 { // known by another form of its name
		return app.Account{Name: who}, nil
	}
	return list[i], nil
}

// showCredentials prints them in a form that can be handed to a person.
func (a *commandLine) showCredentials(c credentials) {
	a.say("name:     %s", name(c.Name))
	if c.Address != "" {
		a.say("address:  %s", name(c.Address))
	}
	if c.Login != "" {
		a.say("login:    %s", name(c.Login))
	}
	a.say("password: %s", c.Password)
	for _, one := range c.Of(app.IMAP) {
		a.say("incoming: %s", serviceText("IMAP", one))
	}
	for _, one := range c.Of(app.Submission) {
		a.say("outgoing: %s", serviceText("SMTP", one))
	}
	if c.Certificate != "" {
		a.say("The server's certificate is its own: a mail program asks whether to trust it. SHA-256 of it:\n  %s", c.Certificate)
	}
	if c.Autoconfig != 0 {
		a.say("Mail programs set themselves up from the address.")
	}
}

func serviceText(protocol string, s app.MailService) string {
	security := "TLS"
	if s.Security == app.StartTLS {
		security = "STARTTLS"
	}
	return protocol + " server " + name(s.Host) + ", port " + strconv.Itoa(s.Port) + ", " + security
}
