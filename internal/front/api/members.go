package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

type rename struct {
	Body struct {
		Name string `json:"name"`
	}
}

type setRole struct {
	Member string `path:"member" doc:"A name or an ID."`
	Body   struct {
		Role policy.Role `json:"role"`
	}
}

type memberName struct {
	Member string `path:"member" doc:"A name or an ID."`
}

type revoke struct {
	Member string `path:"member" doc:"A name or an ID."`
	Strict bool   `query:"strict" doc:"Hide also what servers, admins and owners have confirmed, if this node does not hold it."`
}

// Operations on members.
var (
	membersOp = op[none, []policy.Member]{at: "GET /api/members", does: "All members and their devices, also those who wait or were removed", may: reads}
	memberOp  = op[memberName, policy.Member]{at: "GET /api/members/{member}", does: "The member of a name or ID", may: reads}
	renameOp  = op[rename, none]{at: "PUT /api/session/name", does: "Claim a name for the node's member; it holds once it is confirmed", may: writes}
	leaveOp   = op[none, none]{at: "POST /api/session/leave", does: "End the membership of the node's member", may: writes}
	setRoleOp = op[setRole, policy.Member]{at: "PUT /api/members/{member}/role", does: "Give a member another role", may: writes}
	revokeOp  = op[revoke, policy.Member]{at: "DELETE /api/members/{member}", does: "End a membership", may: writes}
	restoreOp = op[memberName, policy.Member]{at: "POST /api/members/{member}/restore", does: "Lift the last removal or demotion of a member", may: writes}
)

func (s *server) addMembers() {
	membersOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]policy.Member, error) { return m.Members.List(ctx) })
	memberOp.serve(s, func(ctx context.Context, m *app.Session, in memberName) (policy.Member, error) {
		return m.Members.Lookup(ctx, in.Member)
	})
	renameOp.serve(s, func(ctx context.Context, m *app.Session, in rename) (none, error) {
		return none{}, m.Members.Rename(ctx, in.Body.Name)
	})
	leaveOp.serve(s, func(ctx context.Context, m *app.Session, _ none) (none, error) { return none{}, m.Members.Leave(ctx) })
	setRoleOp.serve(s, func(ctx context.Context, m *app.Session, in setRole) (policy.Member, error) {
		return m.Members.SetRole(ctx, in.Member, in.Body.Role)
	})
	revokeOp.serve(s, func(ctx context.Context, m *app.Session, in revoke) (policy.Member, error) {
		return m.Members.Revoke(ctx, in.Member, app.RevokeOptions{Strict: in.Strict})
	})
	restoreOp.serve(s, func(ctx context.Context, m *app.Session, in memberName) (policy.Member, error) {
		return m.Members.Restore(ctx, in.Member)
	})
	s.addInvitations()
	s.addDevices()
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

func (c membersClient) Rename(ctx context.Context, name string) error {
	var in rename
	in.Body.Name = name
	return renameOp.run(ctx, c.client, in)
}

func (c membersClient) Leave(ctx context.Context) error { return leaveOp.run(ctx, c.client, none{}) }

func (c membersClient) SetRole(ctx context.Context, member string, role policy.Role) (policy.Member, error) {
	in := setRole{Member: member}
	in.Body.Role = role
	return setRoleOp.call(ctx, c.client, in)
}

func (c membersClient) Revoke(ctx context.Context, member string, o app.RevokeOptions) (policy.Member, error) {
	return revokeOp.call(ctx, c.client, revoke{member, o.Strict})
}

func (c membersClient) Restore(ctx context.Context, member string) (policy.Member, error) {
	return restoreOp.call(ctx, c.client, memberName{member})
}
