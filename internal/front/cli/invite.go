package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) inviteCommand() *cobra.Command {
	var role, withdraw string
	var list, all bool
	var in app.InviteOptions
	c := &cobra.Command{
		Use:   "invite [--role R] [--uses N] [--expires D] | --list [--all] | --withdraw ID",
		Short: "Print a link (and QR code) with which somebody can join",
		Long: `Print a link with which somebody can join the space. Anybody with the link can
join, so hand it over like a password. You need not be online when it is used.`,
		Example: "  moot invite\n  moot invite --role guest --uses 10 --expires 7d\n  moot invite --list\n  moot invite --withdraw 3fa9c1d2",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				switch {
				case list || all:
					return a.listInvitations(ctx, s, all)
				case withdraw != "":
					return a.withdraw(ctx, s, withdraw)
				}
				in.Role = policy.Role(role)
				link, err := s.Members.Invite(ctx, in)
				if err != nil {
					return err
				}
				a.showLink(link, "")
				return nil
			})
		},
	}
	f := c.Flags()
	f.StringVar(&role, "role", string(policy.RoleMember), "`ROLE` of the newcomer: admin, member, guest or server")
	f.IntVar(&in.Uses, "uses", 1, "`N` may join with the link; 0 for any number")
	spanVar(f, &in.Expires, "expires", 7*day, "the `TIME` for which the link is good, as 12h or 30d")
	namedVars(f, &in.ServersOnly, &in.PeersOnly)
	f.BoolVar(&list, "list", false, "list the invitations that are open instead")
	f.BoolVar(&all, "all", false, "list also those that were used up, have expired or were withdrawn")
	f.StringVar(&withdraw, "withdraw", "", "withdraw the invitation `ID` instead: nobody joins with it any more")
	c.MarkFlagsMutuallyExclusive("server-only", "peers-only")
	for _, other := range []string{"role", "uses", "expires", "server-only", "peers-only"} {
		c.MarkFlagsMutuallyExclusive(other, "list", "withdraw")
		c.MarkFlagsMutuallyExclusive(other, "all")
	}
	c.MarkFlagsMutuallyExclusive("all", "withdraw")
	return c
}

// namedVars defines the flags that say which nodes a link names.
func namedVars(f *pflag.FlagSet, serversOnly, peersOnly *bool) {
	f.BoolVar(serversOnly, "server-only", false, "name only the server in the link: the newcomer will be a client")
	f.BoolVar(peersOnly, "peers-only", false, "name only peers in the link")
}

// showLink prints a link alone; on a terminal also as a QR code, with what to do with it.
func (a *commandLine) showLink(in app.Invitation, note string) {
	if a.json {
		a.print(in)
		return
	}
	fmt.Fprintln(a.out, in.Link)
	if !isTerminal(a.out) {
		return
	}
	if code, err := members.QR(in.Link); err == nil {
		fmt.Fprint(a.out, "\n", code)
	}
	if note != "" {
		fmt.Fprintln(a.out, note)
	}
}

func (a *commandLine) listInvitations(ctx context.Context, s *app.Session, all bool) error {
	list, err := s.Members.Invitations(ctx, all)
	if err != nil {
		return err
	}
	if a.json {
		for _, in := range list {
			a.print(in)
		}
		return nil
	}
	if len(list) == 0 {
		a.say("no invitation is open: 'moot invite' makes one")
		return nil
	}
	who := a.names(ctx, s)
	var rows [][]string
	for _, in := range list {
		what := string(in.Role)
		if !in.For.IsZero() {
			what = "device of " + who.member(in.For)
		}
		rows = append(rows, []string{shortEntry(in.ID), name(what), uses(in), expiry(in.Expires), name(who.member(in.By)), openness(in, time.Now())})
	}
	a.table("ID\tROLE\tUSED\tEXPIRES\tBY\tSTATE", rows)
	return nil
}

func (a *commandLine) withdraw(ctx context.Context, s *app.Session, id string) error {
	in, err := s.Members.Withdraw(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		a.print(in)
	}
	a.say("withdrew %s", shortEntry(in.ID))
	return nil
}

func uses(in app.Invitation) string {
	if in.Uses == 0 {
		return fmt.Sprint(in.Used)
	}
	return fmt.Sprintf("%d of %d", in.Used, in.Uses)
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.Local().Format("2006-01-02 15:04")
}

// openness words whether somebody can join with an invitation.
func openness(in app.Invitation, now time.Time) string {
	switch {
	case in.Withdrawn:
		return "withdrawn"
	case in.Uses > 0 && in.Used >= in.Uses:
		return "used up"
	case !in.Expires.IsZero() && !now.Before(in.Expires):
		return "expired"
	}
	return "open"
}

// shortEntry returns as much of an entry's ID as other commands take for it.
func shortEntry(id moot.EntryID) string { return id.String()[:12] }
