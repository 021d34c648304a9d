package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) accountAliasCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "alias", Short: "Have addresses lead to members",
		Long: `Have addresses lead to members: 'sales' to one or several of them, '*' (in quotes) all
addresses of the mail domain that lead to nobody. Owners and admins say so, for the whole
space; members can write to them, too. postmaster and abuse lead to the owners.`,
		Example: "  moot account alias add sales ann bob\n  moot account alias add '*' ann\n  moot account alias ls",
	}
	requireSubcommand(c)
	c.AddCommand(a.aliasListCommand(), a.aliasAddCommand(), a.aliasRemoveCommand())
	return c
}

func (a *commandLine) aliasListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the addresses that lead to members", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Aliases.List(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, alias := range list {
					if a.json {
						a.print(alias)
						continue
					}
					note := ""
					if alias.Hidden {
						note = "a member has this name, and gets its messages"
					}
					rows = append(rows, []string{name(alias.Address), aliasMembers(alias), note})
				}
				a.table("ADDRESS\tMEMBERS\t", rows)
				return nil
			})
		},
	}
}

func aliasMembers(alias app.Alias) string {
	var names []string
	for _, m := range alias.Members {
		shown := name(m.Name)
		if m.Gone {
			shown += " (has left)"
		}
		names = append(names, shown)
	}
	return strings.Join(names, ", ")
}

func (a *commandLine) aliasAddCommand() *cobra.Command {
	return &cobra.Command{
		Use: "add NAME MEMBER...", Short: "State whom an address leads to, instead of whom it led to before", Args: cobra.MinimumNArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				alias, err := s.Aliases.Set(ctx, args[0], args[1:])
				if err != nil {
					return err
				}
				if a.json {
					a.print(alias)
				}
				a.say("%s leads to %s", name(alias.Address), aliasMembers(alias))
				return nil
			})
		},
	}
}

func (a *commandLine) aliasRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rm NAME", Short: "End an alias", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Aliases.Remove(ctx, args[0]); err != nil {
					return err
				}
				a.done("removed", args[0])
				return nil
			})
		},
	}
}
