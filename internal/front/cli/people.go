package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) inviteCommand() *cobra.Command {
	var role string
	var in app.InviteOptions
	c := &cobra.Command{
		Use:   "invite [--role R] [--uses N] [--expires D]",
		Short: "Print a link (and QR code) with which somebody can join",
		Long: `Print a link with which somebody can join the space. Anybody with the link can
join, so hand it over like a password. You need not be online when it is used.`,
		Example: "  moot invite\n  moot invite --role guest --uses 10 --expires 7d",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				in.Role = policy.Role(role)
				link, err := s.Members.Invite(ctx, in)
				if err != nil {
					return err
				}
				return a.showLink(link)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&role, "role", string(policy.RoleMember), "`ROLE` of the newcomer: admin, member, guest or server")
	f.IntVar(&in.Uses, "uses", 1, "`N` may join with the link; 0 for any number")
	spanVar(f, &in.Expires, "expires", 7*day, "the `TIME` for which the link is good, as 12h or 30d")
	f.BoolVar(&in.ServersOnly, "server-only", false, "name only the server in the link: the newcomer will be a client")
	f.BoolVar(&in.PeersOnly, "peers-only", false, "name only peers in the link")
	c.MarkFlagsMutuallyExclusive("server-only", "peers-only")
	return c
}

func (a *commandLine) showLink(in app.Invitation) error {
	if a.json {
		a.print(in)
		return nil
	}
	fmt.Fprintln(a.out, in.Link)
	if code, err := members.QR(in.Link); err == nil && isTerminal(a.out) {
		fmt.Fprint(a.out, "\n", code)
	}
	return nil
}

func (a *commandLine) joinCommand() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:     "join LINK [--as NAME]",
		Short:   "Make this home a member of the space that the link invites to",
		Example: "  moot join moot://… --as ann",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := a.program.Join(c.Context(), a.home, args[0], as)
			if err != nil {
				return err
			}
			if a.json {
				a.print(id)
				return nil
			}
			a.say("joined %q as %q (%s)", name(id.Name), name(id.As), id.Self)
			return nil
		},
	}
	c.Flags().StringVar(&as, "as", "", "`NAME` that you are called by in the space (default: your login name)")
	return c
}

func (a *commandLine) membersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "members",
		Short: "List who belongs to the space",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Members.List(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, m := range list {
					if a.json {
						a.print(m)
						continue
					}
					state := string(m.Role)
					if m.Revoked {
						state = "revoked"
					}
					if m.Key == s.Self {
						state += " (you)"
					}
					rows = append(rows, []string{name(m.Name), state, m.Key.String()})
				}
				a.table("NAME\tROLE\tKEY", rows)
				return nil
			})
		},
	}
}

func (a *commandLine) renameCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rename NAME",
		Short: "Change what you are called in the space",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Members.Rename(ctx, args[0]); err != nil {
					return err
				}
				m, err := s.Members.Lookup(ctx, s.Self.String()) // under another name, if that is taken
				if err != nil {
					return err
				}
				if a.json {
					a.print(map[string]any{"member": s.Self, "name": m.Name})
				}
				a.say("you are called %s now", name(m.Name))
				return nil
			})
		},
	}
}

func (a *commandLine) roleCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "role NAME ROLE",
		Short:   "Give a member another role: admin, member, guest or server",
		Example: "  moot role ann admin",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				m, err := s.Members.SetRole(ctx, args[0], policy.Role(args[1]))
				if err != nil {
					return err
				}
				if a.json {
					a.print(m)
				}
				a.say("%s is now %s", name(m.Name), m.Role)
				return nil
			})
		},
	}
}

func (a *commandLine) revokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "End a membership: nobody answers that member any more",
		Long: `End a membership. A server refuses the member at once; peers do as soon as the
revocation reaches them. What the member shared before stays.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				m, err := s.Members.Revoke(ctx, args[0])
				if err != nil {
					return err
				}
				if a.json {
					a.print(m)
				}
				a.say("revoked %s (%s)", name(m.Name), m.Key)
				return nil
			})
		},
	}
}
