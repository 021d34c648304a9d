package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// join has somebody join with a link, and the founder admit the device.
func (w *world) join(link, as, label string) moot.Key {
	w.t.Helper()
	l, err := members.ParseLink(link, time.Now())
	must(w.t, err)
	key := seal.NewKey()
	e, err := members.Enter(l, key, as, label, time.Now)
	must(w.t, err)
	must(w.t, w.node.Append(w.t.Context(), moot.Merge, e))
	_, err = w.people.Witness(w.t.Context(), false)
	must(w.t, err)
	return seal.Public(key)
}

func TestMembers(t *testing.T) {
	w := newWorld(t)
	ctx, m := t.Context(), w.session.Members
	must(t, m.Rename(ctx, "Ann B."))
	_, err := w.people.Witness(ctx, false)
	must(t, err)
	list, err := m.List(ctx)
	if err != nil || len(list) != 1 || list[0].Name != "Ann B." || list[0].ID != w.self || len(list[0].Devices) != 1 || list[0].Devices[0].Key != w.device {
		t.Errorf("%+v, %v", list, err)
	}
	_, err = m.SetRole(ctx, "nobody/at all", policy.RoleAdmin)
	wantKind(t, "role of nobody", err, moot.NotFound)
	_, err = m.Revoke(ctx, "nobody", app.RevokeOptions{})
	wantKind(t, "revoke nobody", err, moot.NotFound)
	_, err = m.Restore(ctx, "nobody")
	wantKind(t, "restore nobody", err, moot.NotFound)
	err = m.Leave(ctx)
	if wantKind(t, "the founder leaves", err, moot.Denied); moot.HintOf(err) != moot.HintRecovery {
		t.Errorf("the hint is lost: %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	_, err = m.List(ended)
	wantKind(t, "an ended context", err, moot.Unavailable)
}

// TestRemoved takes a member's role and membership, and gives them back.
func TestRemoved(t *testing.T) {
	w := newWorld(t)
	ctx, m := t.Context(), w.session.Members
	in, err := m.Invite(ctx, app.InviteOptions{Role: policy.RoleMember, Uses: 1, Expires: time.Hour})
	must(t, err)
	w.join(in.Link, "bob", "tower")
	bob, err := m.SetRole(ctx, "bob", policy.RoleAdmin)
	if err != nil || bob.Role != policy.RoleAdmin {
		t.Errorf("%+v, %v", bob, err)
	}
	gone, err := m.Revoke(ctx, bob.ID.String(), app.RevokeOptions{Strict: true})
	if err != nil || !gone.Revoked {
		t.Errorf("%+v, %v", gone, err)
	}
	back, err := m.Restore(ctx, bob.ID.String())
	if err != nil || back.Revoked || back.Role != policy.RoleAdmin || back.Name != "bob" {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestInvitations(t *testing.T) {
	w := newWorld(t)
	ctx, m := t.Context(), w.session.Members
	if list, err := m.Invitations(ctx, false); err != nil || list == nil || len(list) > 0 {
		t.Errorf("%#v, %v; want an empty list", list, err)
	}
	_, err := m.Invite(ctx, app.InviteOptions{})
	if wantKind(t, "nobody to name", err, moot.Unavailable); moot.HintOf(err) != moot.HintStartNode {
		t.Errorf("the hint is lost: %v", err)
	}
	in, err := m.Invite(ctx, app.InviteOptions{Role: policy.RoleGuest, Uses: 2, Expires: time.Hour})
	if err != nil || in.Role != policy.RoleGuest || in.Link == "" || in.Expires.IsZero() {
		t.Errorf("%+v, %v", in, err)
	}
	w.join(in.Link, "gus", "tower")
	list, err := m.Invitations(ctx, false)
	if err != nil || len(list) != 1 || list[0].ID != in.ID || list[0].Link != "" || list[0].Uses != 2 || list[0].Used != 1 || list[0].By != w.self || !list[0].Expires.Equal(in.Expires) {
		t.Errorf("%+v, %v", list, err)
	}
	if one, err := m.Withdraw(ctx, in.ID.String()[:12]); err != nil || one.ID != in.ID {
		t.Errorf("%+v, %v", one, err)
	}
	for all, want := range map[bool]int{false: 0, true: 1} {
		if list, err = m.Invitations(ctx, all); err != nil || len(list) != want || want > 0 && !list[0].Withdrawn {
			t.Errorf("all %v: %+v, %v", all, list, err)
		}
	}
	_, err = m.Withdraw(ctx, "nosuch")
	wantKind(t, "withdraw nothing", err, moot.NotFound)
}

// TestDevices has a member's devices come and go.
func TestDevices(t *testing.T) {
	w := newWorld(t)
	ctx, m := t.Context(), w.session.Members
	code, err := m.Recovery(ctx)
	if err != nil || code == "" {
		t.Fatalf("%q, %v", code, err)
	}
	_, err = m.Recovery(ctx)
	wantKind(t, "a second recovery code", err, moot.Denied)
	var keys []moot.Key
	for _, label := range []string{"phone", "tablet"} {
		in, err := m.AddDevice(ctx, app.DeviceOptions{Expires: time.Hour})
		if err != nil || in.For != w.self || in.Link == "" {
			t.Fatalf("%+v, %v", in, err)
		}
		keys = append(keys, w.join(in.Link, "", label))
	}
	list, err := m.Devices(ctx)
	if err != nil || len(list) != 4 {
		t.Fatalf("%+v, %v", list, err)
	}
	if d, err := m.RenameDevice(ctx, "phone", "old/phone?"); err != nil || d.Key != keys[0] || d.Name != "old/phone?" {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = m.RenameDevice(ctx, "old/phone?", "tablet")
	wantKind(t, "two of one label", err, moot.Conflict)
	_, err = m.ResolveFork(ctx, app.BranchChoice{Device: "tablet", Head: strings.Repeat("0", 64)})
	if wantKind(t, "no such branch", err, moot.NotFound); moot.HintOf(err) != moot.HintListDevices {
		t.Errorf("the hint is lost: %v", err)
	}
	if d, err := m.RemoveDevice(ctx, app.DeviceRemoval{Device: "old/phone?"}); err != nil || d.Key != keys[0] {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = m.RemoveDevice(ctx, app.DeviceRemoval{Device: "tablet", Recovery: "wrong"})
	wantKind(t, "a wrong recovery code", err, moot.Invalid)
	if d, err := m.RemoveDevice(ctx, app.DeviceRemoval{Device: "tablet", Recovery: code}); err != nil || d.Key != keys[1] {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = m.RemoveDevice(ctx, app.DeviceRemoval{Device: "tablet"})
	if wantKind(t, "a device that is gone", err, moot.NotFound); moot.HintOf(err) != moot.HintListDevices {
		t.Errorf("the hint is lost: %v", err)
	}
}
