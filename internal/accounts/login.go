package accounts

import (
	"context"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// AddPassword makes a password for mail programs; name "" is the node's own member.
func (a *Accounts) AddPassword(name string) (string, error) {
	one, err := a.find(name)
	if err != nil {
		return "", err
	}
	return a.passwords.add(one.Member)
}

// SetPassword replaces the password that a person chose; name "" is the node's own member.
// Kind Invalid if it has fewer than 10 characters, or is the name, address or ID of an
// account.
func (a *Accounts) SetPassword(ctx context.Context, name, text string) error {
	one, err := a.find(name)
	if err != nil {
		return err
	}
	if text == "" {
		return moot.Errorf(moot.Invalid, "the password is empty")
	}
	if err := a.checkPassword(text); err != nil {
		return err
	}
	_, err = a.setPassword(ctx, one.Member, text)
	return err
}

// checkPassword reports why a password may not be chosen; "" stands for one that is made.
func (a *Accounts) checkPassword(text string) error {
	if text == "" {
		return nil
	}
	if _, err := a.find(text); err == nil {
		return moot.Errorf(moot.Invalid, "the password is the name of an account")
	}
	_, err := checkChosen(text)
	return err
}

// setPassword sets a password, and ends what was begun with the one before it. It returns
// one that it made.
func (a *Accounts) setPassword(ctx context.Context, member moot.MemberID, text string) (made string, err error) {
	if text == "" {
		return a.passwords.add(member)
	}
	if err = a.passwords.set(ctx, member, text); err == nil {
		a.logout(member)
	}
	return "", err
}

// DropPasswords revokes all passwords of a member, and ends what was begun with them.
func (a *Accounts) DropPasswords(name string) error {
	one, err := a.find(name)
	if err != nil {
		return err
	}
	if err := a.passwords.drop(one.Member); err != nil {
		return err
	}
	a.logout(one.Member)
	return nil
}

// Find returns the account of a member, by name, address or ID; "" is the node's own. Kind
// NotFound.
func (a *Accounts) Find(name string) (Account, error) { return a.find(name) }

// find returns the account of a member; "" is the node's own. Kind NotFound.
func (a *Accounts) find(name string) (Account, error) {
	if name == "" {
		return a.ownAccount(), nil
	}
	member, ok := a.resolve(name)
	if ok {
		if one, ok := a.of(member); ok {
			return one, nil
		}
	}
	return Account{}, elsewhere(name)
}

// resolve returns the member of a name, compared by its mail form, address or ID: exactly
// one or none.
func (a *Accounts) resolve(name string) (moot.MemberID, bool) {
	local := name
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		domain := name[at+1:]
		if !slices.ContainsFunc(a.cfg.Domains, func(d string) bool { return d != "" && strings.EqualFold(d, domain) }) {
			return moot.MemberID{}, false
		}
		local = name[:at]
	}
	if id, err := moot.ParseMemberID(local); err == nil {
		return id, true
	}
	if id, err := a.cfg.Roster.Holder(local); err == nil {
		return id, true
	}
	if !strings.Contains(local, "~") { // the mark of a name that another member holds
		return moot.MemberID{}, false
	}
	for _, d := range a.List() {
		if d.Name == local {
			return d.Member, true
		}
	}
	return moot.MemberID{}, false
}

// Login returns the account of a user: a mail program or a person. A wrong name costs as
// much as a wrong password. Kinds: Denied, Unavailable if ctx ended.
func (a *Accounts) Login(ctx context.Context, user, password string) (Account, error) {
	one, known := a.session(user)
	ok, err := a.passwords.match(ctx, one.Member, password) // of nobody, if there is no such user
	if err != nil {
		return Account{}, err
	}
	if !known || !ok {
		return Account{}, moot.WithHint(moot.Errorf(moot.Denied, "wrong name or password"), moot.HintPassword)
	}
	return one, nil
}

// session returns the account of a user, if its device acts, for as long as the passwords
// hold.
func (a *Accounts) session(user string) (Account, bool) {
	one, err := a.find(user)
	if err != nil || user == "" {
		return Account{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.device(one.Device())
	if d == nil || !a.cfg.Roster.Acts(one.Device()) {
		return Account{}, false
	}
	one.Revoked = d.sessions
	return one, true
}
