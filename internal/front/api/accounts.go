package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
)

type addAccount struct {
	Body struct {
		Name string `json:"name"`
		Link string `json:"link,omitempty" doc:"An invitation; without one the node's own member invites."`
	}
}

type enableAccount struct{ Body app.EnableOptions }

type removeAccount struct {
	Name string `path:"name" doc:"The member's name or ID, or the device's key."`
	Only bool   `query:"only" doc:"Also if it is the only device of the member, who then cannot come back."`
}

type setPassword struct {
	Body struct {
		Name     string `json:"name,omitempty" doc:"The member; the node's own if empty."`
		Password string `json:"password"`
	}
}

type addPassword struct {
	Body struct {
		Name string `json:"name,omitempty" doc:"The member; the node's own if empty."`
	}
}

type newPassword struct {
	Password string `json:"password"`
}

type dropPasswords struct {
	Name string `query:"name" doc:"The member; the node's own if absent."`
}

type addToken struct{ Body app.TokenOptions }

type tokenName struct {
	Name string `path:"name"`
}

// Operations on accounts for mail programs and tokens for programs.
var (
	accountsOp      = op[none, []app.Account]{at: "GET /api/accounts", does: "Members whose mail mail programs reach at this node", may: localReads}
	addAccountOp    = op[addAccount, app.Account]{at: "POST /api/accounts", does: "Make a member whose only device this node keeps", may: localWrites}
	enableAccountOp = op[enableAccount, app.Account]{at: "POST /api/accounts/enable", does: "Have the space's server keep one more device of the node's member", may: localWrites}
	removeAccountOp = op[removeAccount, none]{at: "DELETE /api/accounts/{name}", does: "End the device that this node keeps for a member", may: localWrites}
	setPasswordOp   = op[setPassword, none]{at: "PUT /api/passwords", does: "Replace the password that a person has chosen", may: localWrites}
	addPasswordOp   = op[addPassword, newPassword]{at: "POST /api/passwords", does: "Make a password for mail programs", may: localWrites}
	dropPasswordsOp = op[dropPasswords, none]{at: "DELETE /api/passwords", does: "Revoke all passwords of a member", may: localWrites}
	mailRecordsOp   = op[none, []string]{at: "GET /api/mail/records", does: "Lines that the DNS of the space's mail domain should hold", may: localReads}
	mailSettingsOp  = op[none, app.MailSettings]{at: "GET /api/mail/settings", does: "What mail programs need to know to reach the node", may: localReads}
	tokensOp        = op[none, []app.Token]{at: "GET /api/tokens", does: "Tokens, without their secrets", may: localReads}
	addTokenOp      = op[addToken, app.Token]{at: "POST /api/tokens", does: "Make a token; its secret is shown this once", may: localWrites}
	removeTokenOp   = op[tokenName, none]{at: "DELETE /api/tokens/{name}", does: "Revoke a token", may: localWrites}
)

func (s *server) addAccounts() {
	accountsOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]app.Account, error) {
		return m.Control.Accounts(ctx)
	})
	addAccountOp.serve(s, func(ctx context.Context, m *app.Session, in addAccount) (app.Account, error) {
		return m.Control.AddAccount(ctx, in.Body.Name, in.Body.Link)
	})
	enableAccountOp.serve(s, func(ctx context.Context, m *app.Session, in enableAccount) (app.Account, error) {
		return m.Control.EnableAccount(ctx, in.Body)
	})
	removeAccountOp.serve(s, func(ctx context.Context, m *app.Session, in removeAccount) (none, error) {
		return none{}, m.Control.RemoveAccount(ctx, in.Name, in.Only)
	})
	setPasswordOp.serve(s, func(ctx context.Context, m *app.Session, in setPassword) (none, error) {
		return none{}, m.Control.SetPassword(ctx, in.Body.Name, in.Body.Password)
	})
	addPasswordOp.serve(s, func(ctx context.Context, m *app.Session, in addPassword) (newPassword, error) {
		p, err := m.Control.AddPassword(ctx, in.Body.Name)
		return newPassword{p}, err
	})
	dropPasswordsOp.serve(s, func(ctx context.Context, m *app.Session, in dropPasswords) (none, error) {
		return none{}, m.Control.DropPasswords(ctx, in.Name)
	})
	mailRecordsOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]string, error) { return m.Control.MailRecords(ctx) })
	mailSettingsOp.serve(s, func(ctx context.Context, m *app.Session, _ none) (app.MailSettings, error) {
		return m.Control.MailSettings(ctx)
	})
	tokensOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]app.Token, error) { return m.Control.Tokens(ctx) })
	addTokenOp.serve(s, func(ctx context.Context, m *app.Session, in addToken) (app.Token, error) {
		return m.Control.AddToken(ctx, in.Body)
	})
	removeTokenOp.serve(s, func(ctx context.Context, m *app.Session, in tokenName) (none, error) {
		return none{}, m.Control.RemoveToken(ctx, in.Name)
	})
}

func (c controlClient) Accounts(ctx context.Context) ([]app.Account, error) {
	return accountsOp.call(ctx, c.client, none{})
}

func (c controlClient) AddAccount(ctx context.Context, name, link string) (app.Account, error) {
	var in addAccount
	in.Body.Name, in.Body.Link = name, link
	return addAccountOp.call(ctx, c.client, in)
}

func (c controlClient) EnableAccount(ctx context.Context, o app.EnableOptions) (app.Account, error) {
	return enableAccountOp.call(ctx, c.client, enableAccount{o})
}

func (c controlClient) RemoveAccount(ctx context.Context, name string, only bool) error {
	return removeAccountOp.run(ctx, c.client, removeAccount{name, only})
}

func (c controlClient) SetPassword(ctx context.Context, name, password string) error {
	var in setPassword
	in.Body.Name, in.Body.Password = name, password
	return setPasswordOp.run(ctx, c.client, in)
}

func (c controlClient) AddPassword(ctx context.Context, name string) (string, error) {
	var in addPassword
	in.Body.Name = name
	p, err := addPasswordOp.call(ctx, c.client, in)
	return p.Password, err
}

func (c controlClient) DropPasswords(ctx context.Context, name string) error {
	return dropPasswordsOp.run(ctx, c.client, dropPasswords{name})
}

func (c controlClient) MailRecords(ctx context.Context) ([]string, error) {
	return mailRecordsOp.call(ctx, c.client, none{})
}

func (c controlClient) MailSettings(ctx context.Context) (app.MailSettings, error) {
	return mailSettingsOp.call(ctx, c.client, none{})
}

func (c controlClient) Tokens(ctx context.Context) ([]app.Token, error) {
	return tokensOp.call(ctx, c.client, none{})
}

func (c controlClient) AddToken(ctx context.Context, o app.TokenOptions) (app.Token, error) {
	return addTokenOp.call(ctx, c.client, addToken{o})
}

func (c controlClient) RemoveToken(ctx context.Context, name string) error {
	return removeTokenOp.run(ctx, c.client, tokenName{name})
}
