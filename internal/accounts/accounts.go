package accounts

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// Data is where accounts are kept: records, and a directory of keys.
//
//	accounts/DEVICE.pem   an account's private key
//	accounts/DEVICE.heir  the private key that takes its place, see Replace
//	passwords.json        salted hashes, by member
//	joins.json            joins whose outcome is not known yet, by device
type Data interface {
	State
	Path(name string) string
}

// Config is what Accounts need. Ready, Admit, Added, Domains and Label may be left out.
type Config struct {
	Space  moot.SpaceID
	Own    Account // the node's own device: Key and Signer
	Data   Data
	Feeds  moot.Feeds // this node's own
	Roster *policy.Roster
	Clock  *feed.Clock
	Now    func() time.Time
	Ready  func() error // why nothing may be written yet

	// Admit has the node admit the joins that wait. Default: the node's own member does, as
	// far as it may.
	Admit func(context.Context) error
	// Added is called with a new account, and the link with which its device joined: zero
	// if it took another's place. It is called again if it failed, or the node did.
	Added func(context.Context, Account, members.Link) error
	// MayBeNamed reports, with kind Conflict, that a name is not to become that of a member of
	// a role, though no member has it. Default: it may.
	MayBeNamed func(ctx context.Context, name string, role policy.Role) error
	Domains    []string // of members' addresses
	Label      string   // of accounts' devices, such as the host's name; default: "account"
}

// Account is a device that this node keeps for a member, and the writer of its feed.
type Account struct {
	Key    ed25519.PrivateKey
	Signer *sign.Signer
	Member moot.MemberID
	Label  string // the device's name
	// Revoked is closed when the device does not act for the member any more, or is not
	// kept here; for who has logged in, also when the member's passwords are revoked.
	Revoked <-chan struct{}
}

// Device returns the account's public key.
func (a Account) Device() moot.Key { return seal.Public(a.Key) }

// Description tells who an account is for.
type Description struct {
	Member    moot.MemberID `json:"member"`
	Device    moot.Key      `json:"device"`
	Name      string        `json:"name"`            // the member's
	Label     string        `json:"label,omitempty"` // the device's
	Own       bool          `json:"own,omitempty"`   // the node's own device
	Waiting   bool          `json:"waiting,omitempty"`
	Forked    bool          `json:"forked,omitempty"`    // its feed goes on from two copies of this node's home
	Revoked   bool          `json:"revoked,omitempty"`   // the device acts for the member no more
	Passwords int           `json:"passwords"`           // the member's, for this node
	LastLogin time.Time     `json:"last_login,omitzero"` // to the day; zero: never yet
	Password  string        `json:"password,omitempty"`  // only from Enable, if none was chosen
}

// Accounts are the devices that a node keeps – its own, and those of people who have
// nothing but a browser or a mail program, or want to use one beside a home of their own –
// and these members' passwords.
type Accounts struct {
	cfg       Config
	passwords *passwords
	joins     *joins

	changing sync.Mutex // held while an account is added, removed or replaced

	mu   sync.Mutex // not held while anything is stored
	own  *device
	kept map[moot.Key]*device // without own
}

// Open reads the accounts. Resume continues what the node was doing when it ended.
func Open(ctx context.Context, cfg Config) (*Accounts, error) {
	cfg.setDefaults()
	a := &Accounts{cfg: cfg, kept: map[moot.Key]*device{}, own: newDevice(cfg.Own.Key, cfg.Own.Signer)}
	var err error
	if a.passwords, err = openPasswords(cfg.Data, cfg.Now); err != nil {
		return nil, err
	}
	if err := a.openKeys(ctx); err != nil {
		return nil, moot.Wrap("read the accounts", err)
	}
	a.joins, err = openJoins(cfg.Data, cfg.Space, a.kept)
	return a, err
}

func (c *Config) setDefaults() {
	if c.Ready == nil {
		c.Ready = func() error { return nil }
	}
	if c.Added == nil {
		c.Added = func(context.Context, Account, members.Link) error { return nil }
	}
	if c.MayBeNamed == nil {
		c.MayBeNamed = func(context.Context, string, policy.Role) error { return nil }
	}
	c.Label = cmp.Or(c.Label, "account")
}

func (a *Accounts) openKeys(ctx context.Context) error {
	paths, err := filepath.Glob(a.path("*", ".pem"))
	if err != nil {
		return durable.Error("", err)
	}
	for _, path := range paths {
		key, err := seal.LoadKey(path)
		if err == nil {
			_, err = a.openKey(ctx, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// path returns the name of a file of a device.
func (a *Accounts) path(device, extension string) string {
	return a.cfg.Data.Path(filepath.Join("accounts", device+extension))
}

// openKey opens a device, which has one signer.
func (a *Accounts) openKey(ctx context.Context, key ed25519.PrivateKey) (Account, error) {
	if one, ok := a.Account(seal.Public(key)); ok {
		return one, nil
	}
	a.cfg.Roster.Own(seal.Public(key))
	signer, err := sign.New(ctx, sign.Config{
		Self: seal.Public(key), Author: feed.NewAuthor(a.cfg.Space, key, a.cfg.Clock, nil), Local: a.cfg.Feeds, Ready: a.cfg.Ready,
	})
	if err != nil {
		return Account{}, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	d := newDevice(key, signer)
	a.kept[seal.Public(key)] = d
	return a.account(d), nil
}

// account describes a device as an account. The caller holds a.mu.
func (a *Accounts) account(d *device) Account {
	one := Account{Key: d.key, Signer: d.signer, Revoked: d.revoked}
	one.Member, _ = a.cfg.Roster.Owner(one.Device())
	if in, ok := a.cfg.Roster.Device(one.Device()); ok {
		one.Label = in.Name
	}
	return one
}

// List returns the node's own device, and the others in the order of their members' names.
func (a *Accounts) List() []Description {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Description
	for _, d := range a.kept {
		if one := a.describe(d); !one.Member.IsZero() {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(x, y Description) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), slices.Compare(x.Device[:], y.Device[:]))
	})
	own := a.describe(a.own)
	own.Own = true
	return append([]Description{own}, all...)
}

// describe tells who a device is for. The caller holds a.mu.
func (a *Accounts) describe(d *device) Description {
	one := a.account(d)
	m, _ := a.cfg.Roster.Member(one.Member)
	out := Description{Member: one.Member, Device: one.Device(), Name: m.Name, Label: one.Label, Passwords: a.passwords.count(one.Member)}
	in, acts := a.cfg.Roster.Device(out.Device)
	out.LastLogin = a.passwords.lastUsed(one.Member)
	out.Waiting, out.Forked, out.Revoked = in.Waiting, in.Forked, !acts
	return out
}

// Hosted returns the accounts other than the node's own that act for their members.
func (a *Accounts) Hosted() (list []Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, d := range a.kept {
		if a.cfg.Roster.Acts(key) {
			list = append(list, a.account(d))
		}
	}
	return list
}

// Hosts reports whether this node keeps a device, other than its own, that acts for a
// member.
func (a *Accounts) Hosts(member moot.MemberID) bool {
	_, ok := a.hosted(member)
	return ok
}

// hosted returns an account of a member other than the node's own.
func (a *Accounts) hosted(member moot.MemberID) (Account, bool) {
	m, ok := a.cfg.Roster.Member(member)
	if !ok || m.Revoked {
		return Account{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, in := range m.Devices {
		if d := a.kept[in.Key]; d != nil {
			return a.account(d), true
		}
	}
	return Account{}, false
}

// Account returns the account of a device, also the node's own; false if it is not kept
// here.
func (a *Accounts) Account(key moot.Key) (Account, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if d := a.device(key); d != nil {
		return a.account(d), true
	}
	return Account{}, false
}

// device returns a device that is kept; nil if it is not. The caller holds a.mu.
func (a *Accounts) device(key moot.Key) *device {
	if key == a.cfg.Own.Device() {
		return a.own
	}
	return a.kept[key]
}

// members returns what an account's member may do, said by its device.
func (a *Accounts) members(as Account) *members.Members {
	return members.New(members.Config{
		Space: a.cfg.Space, Self: as.Device(), Node: a.cfg.Feeds, Write: as.Signer.Through(a.cfg.Feeds), Roster: a.cfg.Roster, Now: a.cfg.Now,
	})
}

// ownAccount returns the node's own account.
func (a *Accounts) ownAccount() Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.account(a.own)
}
