package accounts_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/policy"
)

func TestLoginNeedsTheRightPassword(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	made, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	own, err := a.AddPassword("")
	must(t, err)
	first, err := a.AddPassword("eve")
	must(t, err)
	second, err := a.AddPassword("eve@club.example")
	must(t, err)
	a = c.open(t) // the passwords are those of the disk
	id := made.Member.String()
	for _, right := range [][2]string{
		{"eve", first}, {"eve", second}, {"Eve@Club.Example", first}, {"eve@moot.alt", first}, {id, first}, {id + "@moot.alt", first},
		{"eve", strings.ToUpper(first)}, {"eve", strings.ReplaceAll(first, "-", "")}, {"ann", own},
	} {
		one, err := a.Login(t.Context(), right[0], right[1])
		if err != nil {
			t.Errorf("%s with %s: %v", right[0], right[1], err)
			continue
		}
		if want := right[0] != "ann"; want != (one.Member == made.Member) {
			t.Errorf("%s got the account of %s", right[0], one.Member.Short())
		}
	}
	for _, wrong := range [][2]string{
		{"eve", own}, {"ann", first}, {"eve", ""}, {"eve", first[1:]}, {"nobody", first}, {"", own}, {id[:20], first}, {"ev", first},
		{"eve@elsewhere.example", first}, {"@club.example", first}, {made.Device.String(), first},
	} {
		_, err := a.Login(t.Context(), wrong[0], wrong[1])
		wantKind(t, strings.Join(wrong[:], " with "), err, moot.Denied, moot.HintPassword)
	}
	must(t, a.DropPasswords("eve"))
	for _, password := range []string{first, second} {
		_, err := c.open(t).Login(t.Context(), "eve", password)
		wantKind(t, "a revoked password", err, moot.Denied, moot.HintPassword)
	}
	if _, err := a.Login(t.Context(), "ann", own); err != nil {
		t.Errorf("the password of another member is gone: %v", err)
	}
}

func TestPasswordsThatPeopleChoose(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	made, err := a.Add(t.Context(), "evangeline", "")
	must(t, err)
	for _, bad := range []string{"short", "evangeline", "Evangeline@club.example", made.Member.String(), ""} {
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
		_, err := a.Login(t.Context(), wrong[0], wrong[1])
		wantKind(t, strings.Join(wrong[:], " with "), err, moot.Denied, moot.HintPassword)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, user := range []string{"evangeline", "ann", "nobody", ""} { // each would compute a hash
		if _, err := a.Login(ended, user, "wrong"); moot.KindOf(err) != moot.Unavailable {
			t.Errorf("%q costs less than others: %v", user, err)
		}
	}
	must(t, a.DropPasswords("evangeline"))
	_, err = a.Login(t.Context(), "evangeline", "correct horse")
	wantKind(t, "a revoked password", err, moot.Denied, moot.HintPassword)
}

func TestPasswordsAreNotStored(t *testing.T) {
	c := newClub(t)
	password, err := c.open(t).AddPassword("")
	must(t, err)
	if len(password) != 23 || strings.Count(password, "-") != 3 {
		t.Errorf("the password is %q", password)
	}
	saved := string(c.disk.files["passwords.json"])
	if saved == "" || strings.Contains(saved, password) || strings.Contains(saved, strings.ReplaceAll(password, "-", "")) {
		t.Errorf("stored %s", saved)
	}
	m, _ := c.roster.Acting(c.cfg.Own.Device())
	if !strings.Contains(saved, m.ID.String()) {
		t.Errorf("not stored for the member: %s", saved)
	}
}

func TestPasswordsOfMembersElsewhere(t *testing.T) {
	c := newClub(t)
	c.newcomer(t, "eve", policy.RoleMember)
	a := c.open(t)
	_, add := a.AddPassword("eve")
	for _, err := range []error{add, a.DropPasswords("eve"), a.SetPassword(t.Context(), "eve", "correct horse")} {
		wantKind(t, "a password for a member elsewhere", err, moot.NotFound, "")
	}
	c.disk.err = errors.New("the disk is full")
	if _, err := a.AddPassword(""); err == nil {
		t.Error("a password that could not be stored was handed out")
	}
}

// login logs a user in who may.
func login(t *testing.T, a *accounts.Accounts, user, password string) accounts.Account {
	t.Helper()
	one, err := a.Login(t.Context(), user, password)
	must(t, err)
	if closed(one.Revoked) {
		t.Fatalf("the session of %s has ended before it began", user)
	}
	return one
}

// TestSessionsEnd fails if somebody goes on who may not log in any more.
func TestSessionsEnd(t *testing.T) {
	c := newClub(t)
	a := c.open(t)
	eve, err := a.Add(t.Context(), "eve", "")
	must(t, err)
	_, err = a.Add(t.Context(), "bob", "")
	must(t, err)
	password, err := a.AddPassword("eve")
	must(t, err)
	other, err := a.AddPassword("bob")
	must(t, err)
	bob := login(t, a, "bob", other)
	m := c.members(c.cfg.Own)
	again := func() { // the password is that of before
		_, err := m.Restore(t.Context(), "eve")
		must(t, err)
	}
	for _, end := range []struct {
		name    string
		f, back func() error
	}{
		{"the member is removed", func() error { _, err := m.Revoke(t.Context(), "eve", false); return err }, func() error { again(); return nil }},
		{"a password is chosen", func() error { return a.SetPassword(t.Context(), "eve", "correct horse") }, nil},
		{"the passwords are revoked", func() error { return a.DropPasswords("eve") }, func() (err error) { password, err = a.AddPassword("eve"); return err }},
		{"the device is removed", func() error { _, err := m.RemoveDevice(t.Context(), "eve", eve.Device.String()); return err }, nil},
	} {
		hosted, _ := a.Account(eve.Device)
		session := login(t, a, "eve", password)
		must(t, end.f())
		if !closed(session.Revoked) {
			t.Errorf("%s: the session goes on", end.name)
		}
		_, acts := c.roster.Device(eve.Device)
		if closed(hosted.Revoked) == acts {
			t.Errorf("%s: the device acts: %v, what is done for it goes on: %v", end.name, acts, !closed(hosted.Revoked))
		}
		if !acts {
			_, err := a.Login(t.Context(), "eve", password)
			wantKind(t, end.name, err, moot.Denied, moot.HintPassword)
		}
		if end.back != nil {
			must(t, end.back())
		}
	}
	if closed(bob.Revoked) {
		t.Error("the session of another member ends")
	}
}
