package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

func (a *commandLine) membersCommand() *cobra.Command {
	var long bool
	c := &cobra.Command{
		Use:   "members [-l]",
		Short: "List who belongs to the space, one line a person",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Members.List(ctx)
				if err != nil {
					return err
				}
				a.showMembers(list, s.Identity, long)
				return nil
			})
		},
	}
	c.Flags().BoolVarP(&long, "long", "l", false, "list the devices of each as well")
	return c
}

func (a *commandLine) showMembers(list []policy.Member, self app.Identity, long bool) {
	var rows [][]string
	for _, m := range list {
		if a.json {
			a.print(m)
			continue
		}
		rows = append(rows, []string{name(m.Name), standing(m, self), strconv.Itoa(len(m.Devices)), m.ID.String()})
		for _, d := range m.Devices {
			if long {
				rows = append(rows, []string{"  " + name(labelOf(d)), deviceState(d, self), "", d.Key.String()})
			}
		}
	}
	a.table("NAME\tROLE\tDEVICES\tID", rows)
}

// standing words a member's role, and what is to be known about it.
func standing(m policy.Member, self app.Identity) string {
	text := string(m.Role)
	switch {
	case m.Revoked:
		text = "revoked"
	case m.Waiting:
		text += ", waiting"
	}
	if m.ID == self.Member {
		text += " (you)"
	}
	return text
}

func (a *commandLine) renameCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rename NAME",
		Short: "Change what you are called in the space",
		Long: `Change what you are called in the space. A name belongs to one member, so a server,
admin or owner confirms it; until then you go on under the old one.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Members.Rename(ctx, args[0]); err != nil {
					return err
				}
				m, err := s.Members.Lookup(ctx, s.Member.String())
				if err != nil {
					return err
				}
				a.showRenamed(m, args[0])
				return nil
			})
		},
	}
}

// showRenamed prints the name in force, and the one that was claimed if that is another.
func (a *commandLine) showRenamed(m policy.Member, claimed string) {
	if a.json {
		if m.Name == claimed {
			claimed = ""
		}
		a.print(struct {
			Member  moot.MemberID `json:"member"`
			Name    string        `json:"name"`              // in force
			Claimed string        `json:"claimed,omitempty"` // not confirmed yet
		}{m.ID, m.Name, claimed})
		return
	}
	if m.Name == claimed {
		a.say("you are called %s now", name(m.Name))
		return
	}
	a.say("you are still called %s: %s takes effect when a server, admin or owner has confirmed it", name(m.Name), name(claimed))
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
	var o app.RevokeOptions
	var lift, yes bool
	c := &cobra.Command{
		Use:   "revoke NAME [--strict] [--lift]",
		Short: "End a membership: nobody answers that member any more",
		Long: `End a membership. A server refuses the member at once; peers do as soon as the
revocation reaches them. What the member shared before stays. With --lift the last
removal or demotion of the member is undone, and all that it hid comes back.`,
		Example: "  moot revoke bob\n  moot revoke bob --lift",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if lift {
					return a.restoreMember(ctx, s, args[0])
				}
				return a.revoke(ctx, s, args[0], o, yes)
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&o.Strict, "strict", false, "hide also what servers, admins and owners have confirmed beyond what this node holds (owners only)")
	f.BoolVar(&lift, "lift", false, "undo the last removal or demotion of the member")
	f.BoolVar(&yes, "yes", false, "do not ask, if NAME is yourself or files are on no other devices")
	c.MarkFlagsMutuallyExclusive("lift", "strict")
	return c
}

func (a *commandLine) revoke(ctx context.Context, s *app.Session, who string, o app.RevokeOptions, yes bool) error {
	m, err := s.Members.Lookup(ctx, who)
	if err != nil {
		return err
	}
	if m.ID == s.Member {
		return a.leave(ctx, s, yes)
	}
	if !yes {
		last, err := lastCopies(ctx, s, m.Devices, "those of "+name(m.Name))
		if err == nil && last != "" {
			err = a.confirm("%s", last)
		}
		if err != nil {
			return err
		}
	}
	if m, err = s.Members.Revoke(ctx, m.ID.String(), o); err != nil {
		return err
	}
	if a.json {
		a.print(m)
	}
	a.say("revoked %s (%s)", name(m.Name), m.ID)
	return nil
}

func (a *commandLine) restoreMember(ctx context.Context, s *app.Session, who string) error {
	m, err := s.Members.Restore(ctx, who)
	if err != nil {
		return err
	}
	if a.json {
		a.print(m)
	}
	if m.Revoked {
		a.say("%s was removed more than once: another removal remains, lift that, too", name(m.Name))
	} else {
		a.say("%s is %s again", name(m.Name), m.Role)
	}
	return nil
}

func (a *commandLine) leaveCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "leave",
		Short: "End your own membership of the space, on all your devices",
		Long: `End your own membership of the space. None of your devices is answered any more. What
you shared before stays, also in this home.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error { return a.leave(ctx, s, yes) })
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

func (a *commandLine) leave(ctx context.Context, s *app.Session, yes bool) error {
	if !yes {
		own, err := s.Members.Devices(ctx)
		if err != nil {
			return err
		}
		last, err := lastCopies(ctx, s, own, "yours")
		if err != nil {
			return err
		}
		if err := a.confirm("this ends your own membership of %q, on all your devices%s", name(s.Name), further(last)); err != nil {
			return err
		}
	}
	if err := s.Members.Leave(ctx); err != nil {
		return err
	}
	a.done("left", s.Name)
	return nil
}
