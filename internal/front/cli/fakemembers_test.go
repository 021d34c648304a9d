package cli

import (
	"context"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

type fakeMembers struct{ *fake }

func annsDevices() []policy.Device {
	return []policy.Device{{Key: laptop, Name: "laptop", Member: ann}, {Key: phone, Name: "phone", Member: ann, Forked: true}, {Key: moot.Key{7}, Name: "recovery code", Member: ann, Recovery: true}}
}

// List never fails: names in tables are only a help.
func (f fakeMembers) List(context.Context) ([]policy.Member, error) {
	return []policy.Member{
		{ID: ann, Name: "ann", Role: policy.RoleOwner, Founder: true, Devices: annsDevices()[:2]},
		{ID: bob, Name: "bob", Role: policy.RoleMember, Devices: []policy.Device{{Key: tower, Member: bob}}},
		{ID: cyd, Name: "cyd", Revoked: true},
		{ID: moot.MemberID{9}, Name: "dan~aeaa", Role: policy.RoleGuest, Waiting: true, Devices: []policy.Device{{Key: moot.Key{9}, Name: "box", Member: moot.MemberID{9}, Waiting: true}}},
	}, nil
}

func (f fakeMembers) Lookup(_ context.Context, member string) (policy.Member, error) {
	found := policy.Member{ID: bob, Name: member, Role: policy.RoleMember, Devices: []policy.Device{{Key: tower, Member: bob}}}
	if member == ann.String() || member == "ann" {
		found = policy.Member{ID: ann, Name: "anna", Role: policy.RoleOwner, Devices: annsDevices()}
	}
	return found, f.call("member %s", member)
}

func (f fakeMembers) Rename(_ context.Context, name string) error { return f.call("rename %s", name) }

func (f fakeMembers) SetRole(_ context.Context, member string, role policy.Role) (policy.Member, error) {
	return policy.Member{ID: bob, Name: member, Role: role}, f.call("role %s %s", member, role)
}

func (f fakeMembers) Revoke(_ context.Context, member string, o app.RevokeOptions) (policy.Member, error) {
	return policy.Member{ID: bob, Name: "bob", Revoked: true}, f.call("revoke %s %+v", member, o)
}

func (f fakeMembers) Restore(_ context.Context, member string) (policy.Member, error) {
	return policy.Member{ID: bob, Name: "bob", Role: policy.RoleMember}, f.call("restore %s", member)
}

func (f fakeMembers) Leave(context.Context) error { return f.call("leave") }

func (f fakeMembers) Invite(_ context.Context, o app.InviteOptions) (app.Invitation, error) {
	return app.Invitation{ID: moot.EntryID{0xaa}, Link: "moot://link", Role: o.Role, By: ann, Uses: o.Uses, Expires: now.Add(o.Expires)}, f.call("invite %+v", o)
}

func (f fakeMembers) Invitations(_ context.Context, all bool) ([]app.Invitation, error) {
	if f.noInvitations {
		return nil, f.call("invitations all=%t", all)
	}
	return []app.Invitation{
		{ID: moot.EntryID{0xaa}, Role: policy.RoleGuest, By: ann, Used: 3},
		{ID: moot.EntryID{0xab}, For: ann, By: ann, Uses: 1, Expires: now},
		{ID: moot.EntryID{0xac}, Role: policy.RoleMember, By: bob, Uses: 2, Used: 2, Expires: now},
		{ID: moot.EntryID{0xad}, Role: policy.RoleMember, By: bob, Uses: 2, Withdrawn: true},
	}, f.call("invitations all=%t", all)
}

func (f fakeMembers) Withdraw(_ context.Context, id string) (app.Invitation, error) {
	return app.Invitation{ID: moot.EntryID{0xaa}, Role: policy.RoleGuest, By: ann, Withdrawn: true}, f.call("withdraw %s", id)
}

func (f fakeMembers) Devices(context.Context) ([]policy.Device, error) {
	return annsDevices(), f.call("devices")
}

func (f fakeMembers) AddDevice(_ context.Context, o app.DeviceOptions) (app.Invitation, error) {
	return app.Invitation{ID: moot.EntryID{0xaa}, Link: "moot://device", For: ann, By: ann, Uses: 1, Expires: now.Add(o.Expires)}, f.call("add device %+v", o)
}

func (f fakeMembers) RenameDevice(_ context.Context, device, label string) (policy.Device, error) {
	return policy.Device{Key: phone, Name: label, Member: ann}, f.call("rename device %s %s", device, label)
}

func (f fakeMembers) RemoveDevice(_ context.Context, r app.DeviceRemoval) (policy.Device, error) {
	return policy.Device{Key: phone, Name: r.Device, Member: ann}, f.call("remove device %+v", r)
}

func (f fakeMembers) Recovery(context.Context) (string, error) { return f.code, f.call("recovery") }

func (f fakeMembers) ResolveFork(_ context.Context, c app.BranchChoice) (policy.Device, error) {
	return policy.Device{Key: phone, Name: c.Device, Member: ann}, f.call("resolve fork %+v", c)
}
