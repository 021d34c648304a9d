package accounts_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// disk is Data whose records are in memory.
type disk struct {
	*memory
	dir string
}

func (d disk) Path(name string) string { return filepath.Join(d.dir, name) }

// club is a space with its owner's node.
type club struct {
	cfg    accounts.Config
	roster *policy.Roster
	added  []string
}

type gate struct {
	*policy.Roster
	clock *feed.Clock
}

func (g gate) Apply(e moot.Entry) {
	_ = g.clock.Observe(e.Time)
	g.Roster.Apply(e)
}

func newClub(t *testing.T) *club {
	t.Helper()
	key := seal.NewKey()
	space, clock := seal.Public(key), feed.NewClock(time.Now, 0)
	roster := policy.NewRoster(space, time.Now)
	s, err := store.Open(t.Context(), store.Config{Gate: gate{roster, clock}})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	signer, err := sign.New(t.Context(), sign.Config{Self: space, Author: feed.NewAuthor(space, key, clock, nil), Local: s})
	must(t, err)
	must(t, members.New(space, s, signer.Through(s)).Found(t.Context(), "club", "ann"))
	c := &club{roster: roster}
	c.cfg = accounts.Config{
		Space: space, Own: accounts.Account{Key: key, Signer: signer}, Data: disk{newWorld().memory, t.TempDir()},
		Feeds: s, Roster: roster, Clock: clock, Now: time.Now, Domain: "club.example",
		Added: func(_ context.Context, a accounts.Account) error {
			m, _ := roster.Member(a.Member())
			c.added = append(c.added, m.Name)
			return nil
		},
	}
	return c
}

func (c *club) open(t *testing.T) *accounts.Accounts {
	t.Helper()
	a, err := accounts.Open(t.Context(), c.cfg)
	must(t, err)
	return a
}

func TestAccountIsAMemberWhoseKeyIsHere(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	made, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	if role, ok := c.roster.Role(made.Member); !ok || role != policy.RoleMember || made.Name != "eve" {
		t.Errorf("%+v has the role %q", made, role)
	}
	if len(c.added) != 1 || c.added[0] != "eve" {
		t.Errorf("reported %q", c.added)
	}
	info, err := os.Stat(c.cfg.Data.Path("accounts/" + made.Member.String() + ".pem"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key has the mode %v", info.Mode())
	}
	for _, a := range []*accounts.Accounts{a, c.open(t)} { // and after a restart
		list := a.List()
		if len(list) != 2 || !list[0].Own || list[0].Name != "ann" || list[1].Own || list[1].Name != "eve" || list[1].Member != made.Member {
			t.Errorf("accounts %+v", list)
		}
		if hosted := a.Hosted(); len(hosted) != 1 || hosted[0].Member() != made.Member || !a.Hosts(made.Member) || a.Hosts(c.cfg.Space) {
			t.Errorf("hosted %d, own member hosted %v", len(hosted), a.Hosts(c.cfg.Space))
		}
	}
}

func TestAccountByInvitation(t *testing.T) {
	c := newClub(t)
	m := members.New(c.cfg.Space, c.cfg.Feeds, c.cfg.Own.Signer.Through(c.cfg.Feeds))
	l, err := m.Invite(t.Context(), members.Invitation{Role: policy.RoleGuest, Uses: 1, Expires: time.Hour})
	must(t, err)
	a := c.open(t)
	made, err := a.Add(t.Context(), "guest", l.String())
	must(t, err)
	if role, _ := c.roster.Role(made.Member); role != policy.RoleGuest {
		t.Errorf("the role is %q", role)
	}
	foreign := l
	foreign.Space = moot.Key{1}
	for name, c := range map[string]struct {
		as, link string
		kind     moot.ErrorKind
	}{
		"used up":       {"second", l.String(), moot.UsedUp},
		"another space": {"second", foreign.String(), moot.Invalid},
		"no link":       {"second", "moot://nonsense", moot.Invalid},
		"no name":       {"", "", moot.Invalid},
	} {
		if _, err := a.Add(t.Context(), c.as, c.link); moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	keys, err := filepath.Glob(c.cfg.Data.Path("accounts/*.pem"))
	must(t, err)
	if len(keys) != 1 || len(a.Hosted()) != 1 {
		t.Errorf("%d keys and %d accounts after refusals, want 1", len(keys), len(a.Hosted()))
	}
}

func TestMemberMayNotInvite(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	_, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	c.cfg.Own = a.Hosted()[0] // a node of a plain member
	c.cfg.Data = disk{newWorld().memory, t.TempDir()}
	_, err = c.open(t).Add(t.Context(), "friend", "")
	if moot.KindOf(err) != moot.Denied || moot.HintOf(err) != moot.HintInvite {
		t.Errorf("error %v with hint %q", err, moot.HintOf(err))
	}
}

func TestLoginNeedsTheRightPassword(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	_, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	own, err := a.AddPassword("")
	must(t, err)
	first, err := a.AddPassword("eve")
	must(t, err)
	second, err := a.AddPassword("eve@club.example")
	must(t, err)
	a = c.open(t) // the passwords are those of the disk
	for _, right := range [][2]string{
		{"eve", first}, {"eve", second}, {"eve@club.example", first}, {"eve", strings.ToUpper(first)}, {"eve", strings.ReplaceAll(first, "-", "")}, {"ann", own},
	} {
		one, err := a.Login(t.Context(), right[0], right[1])
		if err != nil {
			t.Errorf("%s with %s: %v", right[0], right[1], err)
			continue
		}
		if m, _ := c.roster.Member(one.Member()); !strings.HasPrefix(right[0], m.Name) {
			t.Errorf("%s got the account of %s", right[0], m.Name)
		}
	}
	for _, wrong := range [][2]string{{"eve", own}, {"ann", first}, {"eve", ""}, {"eve", first[1:]}, {"nobody", first}, {"", own}} {
		if _, err := a.Login(t.Context(), wrong[0], wrong[1]); moot.KindOf(err) != moot.Denied || moot.HintOf(err) != moot.HintPassword {
			t.Errorf("%q with %q: %v", wrong[0], wrong[1], err)
		}
	}
	must(t, a.DropPasswords("eve"))
	for _, password := range []string{first, second} {
		if _, err := c.open(t).Login(t.Context(), "eve", password); moot.KindOf(err) != moot.Denied {
			t.Errorf("a revoked password: %v", err)
		}
	}
	if _, err := a.Login(t.Context(), "ann", own); err != nil {
		t.Errorf("the password of another member is gone: %v", err)
	}
}

func TestPasswordsThatPeopleChoose(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	_, err := a.Add(t.Context(), "evangeline", "")
	must(t, err)
	for _, bad := range []string{"short", "evangeline", "Evangeline@club.example", c.cfg.Space.String(), ""} {
		if err := a.SetPassword(t.Context(), "evangeline", bad); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
	if err := a.SetPassword(t.Context(), "nobody", "correct horse"); moot.KindOf(err) != moot.NotFound {
		t.Errorf("a password for nobody: %v", err)
	}
	must(t, a.SetPassword(t.Context(), "evangeline", "correct horse"))
	a = c.open(t) // the passwords are those of the disk
	if _, err := a.Login(t.Context(), "evangeline@club.example", "correct horse"); err != nil {
		t.Error(err)
	}
	for _, wrong := range [][2]string{{"evangeline", "Correct horse"}, {"nobody", "correct horse"}} {
		if _, err := a.Login(t.Context(), wrong[0], wrong[1]); moot.KindOf(err) != moot.Denied || moot.HintOf(err) != moot.HintPassword {
			t.Errorf("%q with %q: %v", wrong[0], wrong[1], err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, user := range []string{"evangeline", "ann", "nobody", ""} { // each would compute a hash
		if _, err := a.Login(ended, user, "wrong"); moot.KindOf(err) != moot.Unavailable {
			t.Errorf("%q costs less than others: %v", user, err)
		}
	}
	must(t, a.DropPasswords("evangeline"))
	if _, err := a.Login(t.Context(), "evangeline", "correct horse"); moot.KindOf(err) != moot.Denied {
		t.Errorf("a revoked password: %v", err)
	}
}

func TestPasswordsAreNotStored(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	password, err := a.AddPassword("")
	must(t, err)
	if len(password) != 23 || strings.Count(password, "-") != 3 {
		t.Errorf("the password is %q", password)
	}
	saved := string(c.cfg.Data.(disk).files["passwords.json"])
	if saved == "" || strings.Contains(saved, password) || strings.Contains(saved, strings.ReplaceAll(password, "-", "")) {
		t.Errorf("stored %s", saved)
	}
}

func TestRevokedMemberIsNotLetIn(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	_, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	password, err := a.AddPassword("eve")
	must(t, err)
	_, err = members.New(c.cfg.Space, c.cfg.Feeds, c.cfg.Own.Signer.Through(c.cfg.Feeds)).Revoke(t.Context(), "eve")
	must(t, err)
	if _, err := a.Login(t.Context(), "eve", password); moot.KindOf(err) != moot.Denied {
		t.Errorf("a revoked member logs in: %v", err)
	}
}

func TestPasswordsOfMembersElsewhere(t *testing.T) {
	c := newClub(t)
	_, err := c.open(t).Add(t.Context(), "eve", "")
	must(t, err)
	c.cfg.Data = disk{newWorld().memory, t.TempDir()} // another node of the space
	a := c.open(t)
	_, add := a.AddPassword("eve")
	for _, err := range []error{add, a.DropPasswords("eve")} {
		if moot.KindOf(err) != moot.NotFound {
			t.Errorf("a password for a member elsewhere: %v", err)
		}
	}
	c.cfg.Data.(disk).err = errors.New("the disk is full")
	if _, err := a.AddPassword(""); err == nil {
		t.Error("a password that could not be stored was handed out")
	}
}

func TestDamagedAccounts(t *testing.T) {
	c := newClub(t)
	must(t, os.MkdirAll(c.cfg.Data.Path("accounts"), 0o700))
	must(t, os.WriteFile(c.cfg.Data.Path("accounts/x.pem"), []byte("damaged"), 0o600))
	if _, err := accounts.Open(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), "read the accounts") {
		t.Errorf("error %v", err)
	}
	c.cfg.Data = disk{&memory{files: map[string][]byte{"passwords.json": []byte("[]")}}, t.TempDir()}
	if _, err := accounts.Open(t.Context(), c.cfg); err == nil {
		t.Error("damaged passwords were opened as none")
	}
}
