package daemon

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// accounts are members whose keys this node keeps, for people who have nothing but a
// mail program; and the passwords with which mail programs reach their mail and that of
// the home's own member.
//
//	accounts/KEY.pem   an account's private key
//	passwords.json     salted hashes, by member
type accounts struct {
	n *node

	mu        sync.Mutex
	pens      map[moot.Key]*pen
	passwords map[moot.Key][]password
}

// pen is an account's key and what signs with it.
type pen struct {
	key    ed25519.PrivateKey
	signer *sign.Signer
}

// password is one that was made here: 100 random bits, so that a fast hash is enough.
type password struct {
	Salt []byte    `json:"salt"`
	Hash []byte    `json:"hash"` // SHA-256 of salt and password
	Made time.Time `json:"made"`
}

func openAccounts(ctx context.Context, n *node) (*accounts, error) {
	a := &accounts{n: n, pens: map[moot.Key]*pen{}, passwords: map[moot.Key][]password{}}
	if err := readJSON(n.path("passwords.json"), &a.passwords); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	keys, err := filepath.Glob(n.path("accounts/*.pem"))
	if err != nil {
		return nil, osError("read the accounts", err)
	}
	for _, path := range keys {
		key, err := seal.LoadKey(path)
		if err == nil {
			err = a.open(ctx, key)
		}
		if err != nil {
			return nil, moot.Wrap("read the accounts", err)
		}
	}
	return a, nil
}

func (a *accounts) open(ctx context.Context, key ed25519.PrivateKey) error {
	author, err := sign.New(ctx, sign.Config{Space: a.n.settings.Space, Key: key, Clock: a.n.clock, Local: a.n.store, Ready: a.n.ready})
	if err != nil {
		return err
	}
	a.pens[seal.Public(key)] = &pen{key, author}
	return nil
}

// add makes a member whose key this node keeps. With link empty this home invites it.
func (a *accounts) add(ctx context.Context, name, link string) (cli.Account, error) {
	if err := policy.CheckName(name); err != nil {
		return cli.Account{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	l, err := a.invitation(ctx, link)
	if err != nil {
		return cli.Account{}, err
	}
	key := seal.NewKey()
	member := seal.Public(key)
	if err := os.MkdirAll(a.n.path("accounts"), 0o700); err != nil {
		return cli.Account{}, osError("add an account", err)
	}
	path := a.n.path("accounts/" + member.String() + ".pem")
	if err := seal.SaveKey(path, key); err != nil {
		return cli.Account{}, err
	}
	e, err := members.Enter(l, key, name, time.Now)
	if err == nil {
		err = a.n.store.Append(ctx, moot.Merge, e)
	}
	if err != nil {
		return cli.Account{}, errors.Join(moot.Wrap("add an account", err), os.Remove(path))
	}
	if err := a.open(ctx, key); err != nil {
		return cli.Account{}, err
	}
	return cli.Account{Member: member, Name: name}, a.attend(ctx, a.pens[member])
}

func (a *accounts) invitation(ctx context.Context, link string) (members.Link, error) {
	if link != "" {
		l, err := members.ParseLink(link, time.Now())
		if err == nil && l.Space != a.n.settings.Space {
			err = moot.Errorf(moot.Invalid, "the invitation is to another space")
		}
		return l, err
	}
	l, err := members.New(a.n.settings.Space, a.n.store, a.n.signer.Through(a.n.store)).
		Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: time.Hour})
	if errors.Is(err, moot.Denied) {
		err = moot.Errorf(moot.Denied, "this home may not invite: have an owner or admin run 'moot invite', and give the link with --invite")
	}
	return l, err
}

// list returns the home's own member, and all accounts.
func (a *accounts) list() []cli.Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := []cli.Account{a.account(a.n.self())}
	for k := range a.pens {
		all = append(all, a.account(k))
	}
	return all
}

// has reports whether this node keeps a member's key.
func (a *accounts) has(k moot.Key) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.pens[k] != nil
}

func (a *accounts) account(k moot.Key) cli.Account {
	m, _ := a.n.roster.Member(k)
	return cli.Account{Member: k, Name: m.Name, Passwords: len(a.passwords[k]), Own: k == a.n.self()}
}

// addPassword makes a password for a mail program.
func (a *accounts) addPassword(name string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, err := a.find(name)
	if err != nil {
		return "", err
	}
	var secret [13]byte
	p := password{Salt: make([]byte, 16), Made: time.Now().UTC().Truncate(time.Second)}
	rand.Read(secret[:]) // never fails (crypto/rand)
	rand.Read(p.Salt)
	text := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret[:]))[:20]
	p.Hash = p.hash(text)
	a.passwords[k] = append(a.passwords[k], p)
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:], a.save()
}

// dropPasswords makes all passwords of a member void.
func (a *accounts) dropPasswords(name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, err := a.find(name)
	if err != nil {
		return err
	}
	delete(a.passwords, k)
	return a.save()
}

func (a *accounts) save() error { return writeJSON(a.n.path("passwords.json"), a.passwords) }

// find returns the member of that name, if its mail is kept here; "" is the home's own.
func (a *accounts) find(name string) (moot.Key, error) {
	if name == "" {
		return a.n.self(), nil
	}
	t, err := mail.Directory{Roster: a.n.roster, Domain: a.n.settings.MailDomain}.Resolve(name)
	if err != nil {
		return moot.Key{}, err
	}
	if t.Member != a.n.self() && a.pens[t.Member] == nil {
		return moot.Key{}, moot.Errorf(moot.NotFound, "%.80q has no account here: a member with a home of its own makes passwords there", name)
	}
	return t.Member, nil
}

func (p password) hash(text string) []byte {
	sum := sha256.Sum256(append(slices.Clone(p.Salt), text...))
	return sum[:]
}

// Login lets a mail program in: it implements mailbox.Accounts. Kind Denied.
func (a *accounts) Login(ctx context.Context, user, secret string) (mail.Mailbox, error) {
	a.mu.Lock()
	k, err := a.find(user)
	known := a.passwords[k]
	account := a.pens[k]
	a.mu.Unlock()
	if user == "" || err != nil || !a.n.isMember(k) || !matches(known, secret) {
		return nil, moot.Errorf(moot.Denied, "wrong name or password: 'moot account password' makes one")
	}
	if account == nil {
		return a.n.mail.own(ctx, a.n.prefers(ctx))
	}
	return a.n.mail.box(ctx, account.key, account.signer, a.n.prefers(ctx))
}

func matches(known []password, secret string) bool {
	secret = strings.ReplaceAll(strings.ToLower(secret), "-", "")
	ok := 0
	for _, p := range known {
		ok |= subtle.ConstantTimeCompare(p.hash(secret), p.Hash)
	}
	return ok == 1
}

// attendAll keeps the mail of all accounts up to date while the node runs.
func (a *accounts) attendAll(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.pens {
		if err := a.attend(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (a *accounts) attend(ctx context.Context, p *pen) error {
	b, err := a.n.mail.box(ctx, p.key, p.signer, a.n.prefers(ctx))
	if err == nil {
		a.n.mail.attend(b)
	}
	return err
}
