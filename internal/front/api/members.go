package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

type invite struct{ Body app.InviteOptions }

type rename struct {
	Body struct {
		Name string `json:"name"`
	}
}

type setRole struct {
	Member string `path:"member" doc:"A name or a key."`
	Body   struct {
		Role policy.Role `json:"role"`
	}
}

type memberName struct {
	Member string `path:"member" doc:"A name or a key."`
}

// Operations on members.
var (
	membersOp = op[none, []policy.Member]{at: "GET /api/members", does: "All members, also revoked ones", may: reads}
	memberOp  = op[memberName, policy.Member]{at: "GET /api/members/{member}", does: "The member of a name or key", may: reads}
	inviteOp  = op[invite, app.Invitation]{at: "POST /api/invitations", does: "Make an invitation", may: writes}
	renameOp  = op[rename, none]{at: "PUT /api/session/name", does: "Change the name of the node's member", may: writes}
	setRoleOp = op[setRole, policy.Member]{at: "PUT /api/members/{member}/role", does: "Give a member another role", may: writes}
	revokeOp  = op[memberName, policy.Member]{at: "DELETE /api/members/{member}", does: "End a membership", may: writes}
)

func (s *server) addMembers() {
	membersOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]policy.Member, error) { return m.Members.List(ctx) })
	memberOp.serve(s, func(ctx context.Context, m *app.Session, in memberName) (policy.Member, error) {
		return m.Members.Lookup(ctx, in.Member)
	})
	inviteOp.serve(s, func(ctx context.Context, m *app.Session, in invite) (app.Invitation, error) {
		return m.Members.Invite(ctx, in.Body)
	})
	renameOp.serve(s, func(ctx context.Context, m *app.Session, in rename) (none, error) {
		return none{}, m.Members.Rename(ctx, in.Body.Name)
	})
	setRoleOp.serve(s, func(ctx context.Context, m *app.Session, in setRole) (policy.Member, error) {
		return m.Members.SetRole(ctx, in.Member, in.Body.Role)
	})
	revokeOp.serve(s, func(ctx context.Context, m *app.Session, in memberName) (policy.Member, error) {
		return m.Members.Revoke(ctx, in.Member)
	})
}

// membersClient is an app.Members.
type membersClient struct{ *client }

var _ app.Members = membersClient{}

func (c membersClient) List(ctx context.Context) ([]policy.Member, error) {
	return membersOp.call(ctx, c.client, none{})
}

func (c membersClient) Lookup(ctx context.Context, member string) (policy.Member, error) {
	return memberOp.call(ctx, c.client, memberName{member})
}

func (c membersClient) Invite(ctx context.Context, o app.InviteOptions) (app.Invitation, error) {
	return inviteOp.call(ctx, c.client, invite{o})
}

func (c membersClient) Rename(ctx context.Context, name string) error {
	var in rename
	in.Body.Name = name
	return renameOp.run(ctx, c.client, in)
}

func (c membersClient) SetRole(ctx context.Context, member string, role policy.Role) (policy.Member, error) {
	in := setRole{Member: member}
	in.Body.Role = role
	return setRoleOp.call(ctx, c.client, in)
}

func (c membersClient) Revoke(ctx context.Context, member string) (policy.Member, error) {
	return revokeOp.call(ctx, c.client, memberName{member})
}
