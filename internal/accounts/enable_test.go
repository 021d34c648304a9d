package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func TestEnableIsOneMoreDevice(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	bob := c.newcomer(t, "bob", policy.RoleMember)
	l := c.deviceLink(t, bob)
	d, err := a.Enable(t.Context(), l.String(), "correct horse")
	must(t, err)
	m, _ := c.roster.Member(bob.Member)
	if d.Member != bob.Member || d.Name != "bob" || d.Label != "server" || d.Waiting || d.Password != "" || d.Passwords != 1 || len(m.Devices) != 2 {
		t.Errorf("%+v of %+v", d, m)
	}
	if !a.Hosts(bob.Member) || len(c.links) != 1 || c.links[0].Seed != l.Seed || c.links[0].Invite != l.Invite {
		t.Errorf("hosts %v, reported with %+v", a.Hosts(bob.Member), c.links)
	}
	for _, a := range []*accounts.Accounts{a, c.open(t)} { // and after a restart
		if one := login(t, a, "bob@club.example", "correct horse"); one.Device() != d.Device || one.Member != bob.Member {
			t.Errorf("bob logs in as %+v", one)
		}
	}
	c.leftovers(t, 1)
}

// TestEnableAgain changes the password, and takes no link twice.
func TestEnableAgain(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	bob := c.newcomer(t, "bob", policy.RoleMember)
	first := c.deviceLink(t, bob)
	_, err := a.Enable(t.Context(), first.String(), "correct horse")
	must(t, err)
	session := login(t, a, "bob", "correct horse")
	_, err = a.Enable(t.Context(), first.String(), "stolen horse")
	wantKind(t, "a link that was used", err, moot.UsedUp, "")
	second := c.deviceLink(t, bob)
	d, err := a.Enable(t.Context(), second.String(), "")
	must(t, err)
	login(t, a, "bob", d.Password)
	third := c.deviceLink(t, bob)
	_, err = a.Enable(t.Context(), third.String(), "battery staple")
	must(t, err)
	login(t, a, "bob", "battery staple")
	_, err = a.Login(t.Context(), "bob", "correct horse")
	wantKind(t, "the password before", err, moot.Denied, moot.HintPassword)
	for _, used := range []members.Link{second, third} {
		_, err = a.Enable(t.Context(), used.String(), "stolen horse")
		wantKind(t, "a link that only proved who", err, moot.Revoked, "")
	}
	if m, _ := c.roster.Member(bob.Member); len(m.Devices) != 2 || !closed(session.Revoked) {
		t.Errorf("%d devices; the session of the old password goes on: %v", len(m.Devices), !closed(session.Revoked))
	}
	c.leftovers(t, 1)
}

// TestEnableOwnMember has the node's own member say what its password is.
func TestEnableOwnMember(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	d, err := a.Enable(t.Context(), c.deviceLink(t, c.cfg.Own).String(), "correct horse")
	must(t, err)
	if one := login(t, a, "ann", "correct horse"); d.Device != c.cfg.Own.Device() || one.Device() != d.Device || len(a.Hosted()) != 0 {
		t.Errorf("%+v, hosted %d", d, len(a.Hosted()))
	}
	c.leftovers(t, 0)
}

func TestEnableRefuses(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	bob, eve := c.newcomer(t, "bob", policy.RoleMember), c.newcomer(t, "eve", policy.RoleMember)
	good := c.deviceLink(t, bob)
	foreign, late, unknown, member, gone := good, good, good, c.invite(t, policy.RoleMember), c.deviceLink(t, eve)
	foreign.Space, late.Expires, unknown.Seed = moot.SpaceID{1}, 1, [32]byte{1}
	posing := member
	posing.For = bob.Member
	_, err := c.members(c.cfg.Own).Revoke(t.Context(), "eve", false)
	must(t, err)
	for name, bad := range map[string]struct {
		link, password string
		kind           moot.ErrorKind
		hint           moot.Hint
	}{
		"no link":                               {"https://club.example", "correct horse", moot.Invalid, ""},
		"another space":                         {foreign.String(), "correct horse", moot.Invalid, moot.HintCheckInvite},
		"expired":                               {late.String(), "correct horse", moot.Expired, ""},
		"not heard of":                          {unknown.String(), "correct horse", moot.Unavailable, moot.HintRetry},
		"for a new member":                      {member.String(), "correct horse", moot.Invalid, moot.HintCheckInvite},
		"for a new member, but it poses":        {posing.String(), "correct horse", moot.Invalid, moot.HintCheckInvite},
		"of a member who was removed":           {gone.String(), "correct horse", moot.Revoked, ""},
		"with a password that is easy to guess": {good.String(), "horse", moot.Invalid, ""},
		"with a password that is a name":        {good.String(), "ann@club.example", moot.Invalid, ""},
	} {
		_, err := a.Enable(t.Context(), bad.link, bad.password)
		wantKind(t, name, err, bad.kind, bad.hint)
	}
	c.leftovers(t, 0)
	if _, err := a.Enable(t.Context(), good.String(), "correct horse"); err != nil {
		t.Errorf("after refusals the link is spent: %v", err)
	}
}

// TestServerThatMayNotAdmit keeps an owner's device: another device of the owner admits it.
func TestServerThatMayNotAdmit(t *testing.T) {
	c := newClub(t)
	ann := c.cfg.Own
	c.cfg.Own = c.newcomer(t, "box", policy.RoleServer)
	a := c.open(t)
	d, err := a.Enable(t.Context(), c.deviceLink(t, ann).String(), "correct horse")
	must(t, err)
	if !d.Waiting || d.Name != "ann" {
		t.Errorf("a server admits an owner's device: %+v", d)
	}
	_, err = c.members(ann).Witness(t.Context(), false)
	must(t, err)
	if list := a.List(); len(list) != 2 || list[0].Name != "ann" && list[1].Name != "ann" || list[1].Waiting {
		t.Errorf("%+v", list)
	}
	if one := login(t, a, "ann", "correct horse"); one.Device() != d.Device {
		t.Errorf("ann logs in as %+v", one)
	}
}

// TestInjectedAdmit fails if the node's own way to admit is not used, or its failure undoes
// the join.
func TestInjectedAdmit(t *testing.T) {
	c := newClub(t)
	c.cfg.Admit = func(context.Context) error { return moot.Errorf(moot.Full, "later") }
	a := c.open(t)
	d, err := a.Add(t.Context(), "eve", "")
	if err != nil || !d.Waiting {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestRemoveEndsTheDevice(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	eve, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	bob := c.newcomer(t, "bob", policy.RoleMember)
	second, err := a.Enable(t.Context(), c.deviceLink(t, bob).String(), "correct horse")
	must(t, err)
	password, err := a.AddPassword("eve")
	must(t, err)
	session := login(t, a, "eve", password)
	one, _ := a.Account(eve.Device)
	_, err = c.members(one).Recovery(t.Context(), nil) // on paper: she could come back, but not at once
	must(t, err)
	wantKind(t, "the only device", a.Remove(t.Context(), "eve", false), moot.Conflict, moot.HintConfirm)
	wantKind(t, "the node's own member", a.Remove(t.Context(), "ann", true), moot.Invalid, "")
	wantKind(t, "nobody", a.Remove(t.Context(), "nobody", true), moot.NotFound, "")
	c.leftovers(t, 2)
	if closed(session.Revoked) {
		t.Error("a refusal ends a session")
	}
	must(t, a.Remove(t.Context(), "bob", false)) // has another device
	must(t, a.Remove(t.Context(), "eve@club.example", true))
	if !closed(session.Revoked) {
		t.Error("the session of a removed account goes on")
	}
	for _, device := range []moot.Key{eve.Device, second.Device} {
		if _, err := c.roster.Acting(device); !errors.Is(err, moot.Revoked) {
			t.Errorf("a removed account's device: %v", err)
		}
	}
	if m, _ := c.roster.Member(bob.Member); len(m.Devices) != 1 || m.Revoked {
		t.Errorf("bob is %+v", m)
	}
	for _, a := range []*accounts.Accounts{a, c.open(t)} {
		if len(a.List()) != 1 || a.Hosts(eve.Member) {
			t.Errorf("accounts %+v", a.List())
		}
	}
	c.leftovers(t, 0)
	if saved := strings.TrimSpace(string(c.disk.files["passwords.json"])); saved != "{}" {
		t.Errorf("passwords of nobody: %s", saved)
	}
}

// TestRemoveWhatEndedElsewhere clears up after a device that somebody else put out.
func TestRemoveWhatEndedElsewhere(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	for _, name := range []string{"eve", "bob"} {
		_, err := a.Add(t.Context(), name, "")
		must(t, err)
	}
	m := c.members(c.cfg.Own)
	_, err := m.RemoveDevice(t.Context(), "eve", "server")
	must(t, err)
	_, err = m.Revoke(t.Context(), "bob", false)
	must(t, err)
	bob := c.newcomer(t, "bob", policy.RoleMember) // another one, elsewhere
	if list := a.List(); len(list) != 3 || !list[1].Revoked || !list[2].Revoked || len(a.Hosted()) != 0 {
		t.Errorf("%+v, hosted %d", list, len(a.Hosted()))
	}
	must(t, a.Remove(t.Context(), "eve", false))
	must(t, a.Remove(t.Context(), "bob", false))
	if _, err := c.roster.Acting(bob.Device()); err != nil {
		t.Errorf("the other bob: %v", err)
	}
	c.leftovers(t, 0)
}

// TestSeveralAccountsOfOneMember names the device.
func TestSeveralAccountsOfOneMember(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	eve, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	one, _ := a.Account(eve.Device)
	c.cfg.Data = disk{newWorld().memory, t.TempDir()} // a second server of the space
	b := c.open(t)
	d, err := b.Enable(t.Context(), c.deviceLink(t, one).String(), "correct horse")
	must(t, err)
	if d.Label != "server-2" {
		t.Errorf("a member's two devices are called %q", d.Label)
	}
	must(t, b.Remove(t.Context(), d.Device.String(), false))
	if m, _ := c.roster.Member(eve.Member); len(m.Devices) != 1 || m.Devices[0].Key != eve.Device {
		t.Errorf("left: %+v", m.Devices)
	}
}
