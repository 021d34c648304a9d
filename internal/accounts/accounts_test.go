package accounts_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func TestAccountIsADeviceThatIsKeptHere(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	made, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	m, ok := c.roster.Member(made.Member)
	if !ok || m.Role != policy.RoleMember || m.Name != "eve" || made.Name != "eve" || m.Waiting || made.Waiting || made.Label != "server" {
		t.Errorf("%+v is for the member %+v", made, m)
	}
	if len(m.Devices) != 1 || m.Devices[0].Key != made.Device || m.Devices[0].Name != "server" {
		t.Errorf("devices %+v", m.Devices)
	}
	if len(c.added) != 1 || c.added[0] != "eve" {
		t.Errorf("reported %q", c.added)
	}
	info, err := os.Stat(c.disk.Path("accounts/" + made.Device.String() + ".pem"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key has the mode %v", info.Mode())
	}
	own, _ := c.roster.Acting(c.cfg.Own.Device())
	for _, a := range []*accounts.Accounts{a, c.open(t)} { // and after a restart
		must(t, a.Resume(t.Context()))
		list := a.List()
		if len(list) != 2 || !list[0].Own || list[0].Name != "ann" || list[0].Member != own.ID || list[1].Own || list[1].Name != "eve" || list[1].Device != made.Device {
			t.Errorf("accounts %+v", list)
		}
		if hosted := a.Hosted(); len(hosted) != 1 || hosted[0].Device() != made.Device || hosted[0].Member != made.Member || !a.Hosts(made.Member) || a.Hosts(own.ID) {
			t.Errorf("hosted %d, own member hosted %v", len(hosted), a.Hosts(own.ID))
		}
		if one, ok := a.Account(made.Device); !ok || one.Member != made.Member || one.Label != "server" {
			t.Errorf("the account of the device is %+v", one)
		}
	}
	c.leftovers(t, 1)
}

func TestAccountByInvitation(t *testing.T) {
	c := newClub(t)
	l := c.invite(t, policy.RoleGuest)
	a := c.open(t)
	made, err := a.Add(t.Context(), "guest", l.String())
	must(t, err)
	if role, _ := c.roster.Role(made.Member); role != policy.RoleGuest || c.links[0].Seed != l.Seed {
		t.Errorf("the role is %q, the link %+v", role, c.links)
	}
	foreign, late, withdrawn, unknown, device := l, l, c.invite(t, policy.RoleGuest), l, c.deviceLink(t, c.cfg.Own)
	foreign.Space, late.Expires, unknown.Seed = moot.SpaceID{1}, 1, [32]byte{1}
	_, err = c.members(c.cfg.Own).Withdraw(t.Context(), withdrawn.Invite.String())
	must(t, err)
	hidden := device
	hidden.For = moot.MemberID{}
	for name, bad := range map[string]struct {
		as, link string
		kind     moot.ErrorKind
	}{
		"used up":                     {"second", l.String(), moot.UsedUp},
		"another space":               {"second", foreign.String(), moot.Invalid},
		"expired":                     {"second", late.String(), moot.Expired},
		"withdrawn":                   {"second", withdrawn.String(), moot.Revoked},
		"not heard of":                {"second", unknown.String(), moot.Unavailable},
		"for a device":                {"second", device.String(), moot.Invalid},
		"for a device, but it denies": {"second", hidden.String(), moot.Invalid},
		"no link":                     {"second", "moot://nonsense", moot.Invalid},
		"no name":                     {"", "", moot.Invalid},
		"no letter":                   {"!!", "", moot.Invalid},
	} {
		if _, err := a.Add(t.Context(), bad.as, bad.link); moot.KindOf(err) != bad.kind {
			t.Errorf("%s: %v, want kind %s", name, err, bad.kind)
		}
	}
	c.leftovers(t, 1)
	if len(a.Hosted()) != 1 {
		t.Errorf("%d accounts after refusals, want 1", len(a.Hosted()))
	}
}

// TestNameThatIsTaken fails if two accounts get one address, or a login is announced that
// does not work.
func TestNameThatIsTaken(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	_, err := a.Add(t.Context(), "zoe smith", "")
	must(t, err)
	before := len(c.roster.Invitations())
	for name, free := range map[string]string{
		"zoe.smith": "zoe.smith-2", "Zoe Smith": "Zoe Smith-2", "z\u043ee smith": "z\u043ee smith-2", "ann": "ann-2",
	} {
		_, err := a.Add(t.Context(), name, "")
		wantKind(t, name, err, moot.Conflict, moot.HintRename)
		if !strings.Contains(fmt.Sprint(err), fmt.Sprintf("%q is free", free)) {
			t.Errorf("%q: %v, want the proposal %q", name, err, free)
		}
	}
	if n := len(c.roster.Invitations()); n != before {
		t.Errorf("refused names have left %d invitations", n-before)
	}
	for _, name := range []string{"ann-2", "ann-3"} { // as proposed
		made, err := a.Add(t.Context(), name, "")
		must(t, err)
		password, err := a.AddPassword(made.Name)
		must(t, err)
		if one, err := a.Login(t.Context(), name+"@club.example", password); err != nil || one.Member != made.Member {
			t.Errorf("%s logs in as %s: %v", name, one.Member.Short(), err)
		}
	}
	if _, err := a.Add(t.Context(), "ann", ""); !strings.Contains(fmt.Sprint(err), `"ann-4" is free`) {
		t.Errorf("the third proposal: %v", err)
	}
	long := strings.Repeat("\u00e4", 63) + "xy" // 128 bytes: as long as a name may be
	_, err = a.Add(t.Context(), long, "")
	must(t, err)
	if _, err := a.Add(t.Context(), long, ""); !strings.Contains(fmt.Sprint(err), `"`+strings.Repeat("\u00e4", 63)+`-2" is free`) {
		t.Errorf("a long name: %v", err)
	}
}

func TestMemberMayNotInvite(t *testing.T) {
	c := newClub(t)
	c.cfg.Own = c.newcomer(t, "bob", policy.RoleMember) // a node of a plain member
	_, err := c.open(t).Add(t.Context(), "friend", "")
	wantKind(t, "a member invites", err, moot.Denied, moot.HintInvite)
	c.leftovers(t, 0)
}

// TestWaitingAccount is on the node of a member who may not admit.
func TestWaitingAccount(t *testing.T) {
	c := newClub(t)
	ann := c.cfg.Own
	c.cfg.Own = c.newcomer(t, "bob", policy.RoleMember)
	l, err := c.members(ann).Invite(t.Context(), members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: 1 << 40})
	must(t, err)
	a := c.open(t)
	made, err := a.Add(t.Context(), "friend", l.String())
	must(t, err)
	password, err := a.AddPassword(made.Name)
	must(t, err)
	if one, err := a.Login(t.Context(), made.Name, password); err != nil || !made.Waiting || !strings.HasPrefix(made.Name, "friend~") || one.Member != made.Member {
		t.Errorf("%+v logs in: %v", made, err)
	}
	_, err = c.members(ann).Witness(t.Context(), false)
	must(t, err)
	if list := a.List(); len(list) != 2 || list[1].Waiting || list[1].Name != "friend" {
		t.Errorf("after it was admitted: %+v", list)
	}
	if _, err := a.Login(t.Context(), "friend", password); err != nil {
		t.Error(err)
	}
}

func TestDamagedAccounts(t *testing.T) {
	c := newClub(t)
	must(t, os.MkdirAll(c.disk.Path("accounts"), 0o700))
	must(t, os.WriteFile(c.disk.Path("accounts/x.pem"), []byte("damaged"), 0o600))
	if _, err := accounts.Open(t.Context(), c.cfg); err == nil || !strings.Contains(err.Error(), "read the accounts") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"passwords.json", "joins.json"} {
		c.cfg.Data = disk{&memory{files: map[string][]byte{name: []byte("[]")}}, t.TempDir()}
		if _, err := accounts.Open(t.Context(), c.cfg); err == nil {
			t.Errorf("a damaged %s was opened as none", name)
		}
	}
}
