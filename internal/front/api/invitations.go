package api

import (
	"context"

	"github.com/mootspace/moot/internal/app"
)

type invite struct{ Body app.InviteOptions }

type listInvitations struct {
	All bool `query:"all" doc:"Also those with which nobody can join any more."`
}

type invitationID struct {
	ID string `path:"id" doc:"The invitation's ID, or its beginning."`
}

// Operations on invitations.
var (
	inviteOp      = op[invite, app.Invitation]{at: "POST /api/invitations", does: "Make an invitation; its link is shown this once", may: writes}
	invitationsOp = op[listInvitations, []app.Invitation]{at: "GET /api/invitations", does: "Invitations, without their links", may: reads}
	withdrawOp    = op[invitationID, app.Invitation]{at: "DELETE /api/invitations/{id}", does: "Withdraw an invitation", may: writes}
)

func (s *server) addInvitations() {
	inviteOp.serve(s, func(ctx context.Context, m *app.Session, in invite) (app.Invitation, error) {
		return m.Members.Invite(ctx, in.Body)
	})
	invitationsOp.serve(s, func(ctx context.Context, m *app.Session, in listInvitations) ([]app.Invitation, error) {
		return m.Members.Invitations(ctx, in.All)
	})
	withdrawOp.serve(s, func(ctx context.Context, m *app.Session, in invitationID) (app.Invitation, error) {
		return m.Members.Withdraw(ctx, in.ID)
	})
}

func (c membersClient) Invite(ctx context.Context, o app.InviteOptions) (app.Invitation, error) {
	return inviteOp.call(ctx, c.client, invite{o})
}

func (c membersClient) Invitations(ctx context.Context, all bool) ([]app.Invitation, error) {
	return invitationsOp.call(ctx, c.client, listInvitations{all})
}

func (c membersClient) Withdraw(ctx context.Context, id string) (app.Invitation, error) {
	return withdrawOp.call(ctx, c.client, invitationID{id})
}
