package api_test

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

// memberList is an app.Members over a real roster; its invitations have no real links.
type memberList struct{ *members.Members }

func (m memberList) Revoke(ctx context.Context, member string, o app.RevokeOptions) (policy.Member, error) {
	return m.Members.Revoke(ctx, member, o.Strict)
}

func (m memberList) Leave(context.Context) error {
	return moot.WithHint(moot.Errorf(moot.Denied, "the founder of a space stays"), moot.HintRecovery)
}

func (m memberList) Invite(ctx context.Context, o app.InviteOptions) (app.Invitation, error) {
	if o.Role == "" {
		return app.Invitation{}, moot.WithHint(moot.Errorf(moot.Unavailable, "nobody can be asked"), moot.HintStartNode)
	}
	link, err := m.Members.Invite(ctx, members.Invitation{Role: o.Role, Uses: o.Uses, Expires: o.Expires})
	return app.Invitation{ID: link.Invite, Link: link.String(), Role: link.Role, Uses: o.Uses, Expires: time.Unix(link.Expires, 0).UTC()}, err
}

func (m memberList) Invitations(ctx context.Context, all bool) (list []app.Invitation, err error) {
	invitations, err := m.Members.Invitations(ctx, all)
	for _, in := range invitations {
		list = append(list, invitation(in))
	}
	return list, err
}

func (m memberList) Withdraw(ctx context.Context, id string) (app.Invitation, error) {
	in, err := m.Members.Withdraw(ctx, id)
	return invitation(in), err
}

func invitation(in policy.Invitation) app.Invitation {
	return app.Invitation{ID: in.ID, Role: in.Role, For: in.For, By: in.By, Uses: in.Uses, Used: in.Used, Expires: time.Unix(in.Expires, 0).UTC(), Withdrawn: in.Withdrawn}
}

func (m memberList) AddDevice(ctx context.Context, o app.DeviceOptions) (app.Invitation, error) {
	link, err := m.Members.AddDevice(ctx, members.DeviceLink{Expires: o.Expires})
	return app.Invitation{ID: link.Invite, Link: link.String(), For: link.For, By: link.For, Uses: 1, Expires: time.Unix(link.Expires, 0).UTC()}, err
}

func (m memberList) RemoveDevice(ctx context.Context, r app.DeviceRemoval) (policy.Device, error) {
	if r.Recovery != "" {
		return m.RemoveByRecovery(ctx, r.Recovery, r.Device)
	}
	return m.Members.RemoveDevice(ctx, r.Member, r.Device)
}

func (m memberList) Recovery(ctx context.Context) (string, error) {
	return m.Members.Recovery(ctx, nil)
}

func (m memberList) ResolveFork(ctx context.Context, c app.BranchChoice) (policy.Device, error) {
	return m.Members.ResolveFork(ctx, c.Member, c.Device, c.Head)
}
