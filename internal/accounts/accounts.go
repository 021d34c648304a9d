package accounts

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// Data is where accounts are kept: records, and a directory of keys.
//
//	accounts/KEY.pem   an account's private key
//	passwords.json     salted hashes, by member
type Data interface {
	State
	Path(name string) string
}

// Config is what Accounts need. All but Domain and Ready is required.
type Config struct {
	Space  moot.SpaceID
	Own    Account // the node's own member
	Data   Data
	Feeds  moot.Feeds // this node's own
	Roster *policy.Roster
	Clock  *feed.Clock
	Now    func() time.Time
	Ready  func() error // why nothing may be written yet; nil: always ready
	Domain string       // for which this server exchanges mail with the outside
	// Added is called with a new account.
	Added func(context.Context, Account) error
}

// Account is a member whose key this node holds, and the writer of its feed.
type Account struct {
	Key    ed25519.PrivateKey
	Signer *sign.Signer
}

// Member returns whose account it is.
func (a Account) Member() moot.Key { return seal.Public(a.Key) }

// Description tells who an account is for.
type Description struct {
	Member    moot.Key `json:"member"`
	Name      string   `json:"name"`
	Own       bool     `json:"own,omitempty"` // the node's own member
	Passwords int      `json:"passwords"`     // for mail programs
}

// Accounts are the members whose keys a node holds – its own, and those of people who
// have nothing but a mail program – and the passwords of mail programs.
type Accounts struct {
	cfg       Config
	passwords *passwords

	mu      sync.Mutex
	hosted  map[moot.Key]Account
	keysDir string
}

// Open reads the accounts.
func Open(ctx context.Context, cfg Config) (*Accounts, error) {
	a := &Accounts{cfg: cfg, hosted: map[moot.Key]Account{}, keysDir: cfg.Data.Path("accounts")}
	var err error
	if a.passwords, err = openPasswords(cfg.Data, cfg.Now); err != nil {
		return nil, err
	}
	keys, err := filepath.Glob(filepath.Join(a.keysDir, "*.pem"))
	if err != nil {
		return nil, durable.Error("read the accounts", err)
	}
	for _, path := range keys {
		key, err := seal.LoadKey(path)
		if err == nil {
			_, err = a.open(ctx, key)
		}
		if err != nil {
			return nil, moot.Wrap("read the accounts", err)
		}
	}
	return a, nil
}

func (a *Accounts) open(ctx context.Context, key ed25519.PrivateKey) (Account, error) {
	signer, err := sign.New(ctx, sign.Config{Self: seal.Public(key), Author: feed.NewAuthor(a.cfg.Space, key, a.cfg.Clock, nil), Local: a.cfg.Feeds, Ready: a.cfg.Ready})
	if err != nil {
		return Account{}, err
	}
	one := Account{key, signer}
	a.hosted[one.Member()] = one
	return one, nil
}

// Add makes a member whose key this node holds. Without a link the node's own member
// invites it.
func (a *Accounts) Add(ctx context.Context, name, link string) (Description, error) {
	if err := policy.CheckName(name); err != nil {
		return Description{}, err
	}
	one, err := a.add(ctx, name, link)
	if err != nil {
		return Description{}, moot.Wrap("add an account", err)
	}
	return Description{Member: one.Member(), Name: name}, a.cfg.Added(ctx, one)
}

func (a *Accounts) add(ctx context.Context, name, link string) (Account, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := a.invitation(ctx, link)
	if err != nil {
		return Account{}, err
	}
	key := seal.NewKey()
	if err := os.MkdirAll(a.keysDir, 0o700); err != nil {
		return Account{}, durable.Error("make a directory", err)
	}
	path := filepath.Join(a.keysDir, seal.Public(key).String()+".pem")
	if err := seal.SaveKey(path, key); err != nil {
		return Account{}, err
	}
	e, err := members.Enter(l, key, name, a.cfg.Now)
	if err == nil {
		err = a.cfg.Feeds.Append(ctx, moot.Merge, e)
	}
	if err != nil {
		return Account{}, errors.Join(err, os.Remove(path))
	}
	return a.open(ctx, key)
}

// invitationLifetime is how long an invitation that is used at once is good for.
const invitationLifetime = time.Hour

func (a *Accounts) invitation(ctx context.Context, link string) (members.Link, error) {
	if link != "" {
		l, err := members.ParseLink(link, a.cfg.Now())
		if err == nil && l.Space != a.cfg.Space {
			err = moot.Errorf(moot.Invalid, "the invitation is to another space")
		}
		return l, err
	}
	l, err := members.New(a.cfg.Space, a.cfg.Feeds, a.cfg.Own.Signer.Through(a.cfg.Feeds)).WithClock(a.cfg.Now).
		Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: invitationLifetime})
	if errors.Is(err, moot.Denied) {
		err = moot.WithHint(moot.Errorf(moot.Denied, "this node's member may not invite"), moot.HintInvite)
	}
	return l, err
}

// List returns the node's own member and all hosted accounts.
func (a *Accounts) List() []Description {
	a.mu.Lock()
	defer a.mu.Unlock()
	own := a.cfg.Own.Member()
	all := []Description{a.describe(own)}
	for k := range a.hosted {
		all = append(all, a.describe(k))
	}
	return all
}

func (a *Accounts) describe(k moot.Key) Description {
	m, _ := a.cfg.Roster.Member(k)
	return Description{Member: k, Name: m.Name, Passwords: a.passwords.count(k), Own: k == a.cfg.Own.Member()}
}

// Hosted returns the accounts other than the node's own.
func (a *Accounts) Hosted() (list []Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.hosted {
		list = append(list, one)
	}
	return list
}

// Hosts reports whether this node holds a member's key, other than its own.
func (a *Accounts) Hosts(k moot.Key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.hosted[k]
	return ok
}

// AddPassword makes a password for mail programs; name "" is the node's own member.
func (a *Accounts) AddPassword(name string) (string, error) {
	one, err := a.find(name)
	if err != nil {
		return "", err
	}
	return a.passwords.add(one.Member())
}

// SetPassword replaces the password that a person chose; name "" is the node's own member.
// Kind Invalid if it has fewer than 10 characters, or is the name, address or key of an
// account.
func (a *Accounts) SetPassword(ctx context.Context, name, text string) error {
	one, err := a.find(name)
	if err != nil {
		return err
	}
	if _, err := a.find(text); err == nil && text != "" {
		return moot.Errorf(moot.Invalid, "the password is the name of an account")
	}
	return a.passwords.set(ctx, one.Member(), text)
}

// DropPasswords revokes all passwords of a member.
func (a *Accounts) DropPasswords(name string) error {
	one, err := a.find(name)
	if err != nil {
		return err
	}
	return a.passwords.drop(one.Member())
}

// find returns the account of a name; "" is the node's own.
func (a *Accounts) find(name string) (Account, error) {
	if name == "" {
		return a.cfg.Own, nil
	}
	t, err := mail.Directory{Roster: a.cfg.Roster, Domain: a.cfg.Domain}.Resolve(name)
	if err != nil {
		return Account{}, err
	}
	if t.Member == a.cfg.Own.Member() {
		return a.cfg.Own, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	one, ok := a.hosted[t.Member]
	if !ok {
		return Account{}, moot.Errorf(moot.NotFound, "%.80q has no account here: a member with a node of its own makes passwords there", name)
	}
	return one, nil
}

// Login returns the account of a user: a mail program or a person. A wrong name costs as
// much as a wrong password. Kinds: Denied, Unavailable if ctx ended.
func (a *Accounts) Login(ctx context.Context, user, password string) (Account, error) {
	one, err := a.find(user)
	known := err == nil && user != ""
	var member moot.Key // nobody
	if known {
		_, known = a.cfg.Roster.Role(one.Member())
	}
	if known {
		member = one.Member()
	}
	ok, err := a.passwords.match(ctx, member, password)
	if err != nil {
		return Account{}, err
	}
	if !known || !ok {
		return Account{}, moot.WithHint(moot.Errorf(moot.Denied, "wrong name or password"), moot.HintPassword)
	}
	return one, nil
}
