package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) tokenCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Let programs use this node's HTTP interface: add, list and remove tokens",
		Long: `Let programs use the HTTP interface of this node ('moot up --web' or 'moot serve --web')
as this home's member. A program shows its token with each request:

  curl -H "Authorization: Bearer TOKEN" http://127.0.0.1:7480/api/files

A token is shown once and stored as a hash. A program with it may do what the member may;
with --read-only only read.`,
	}
	requireSubcommand(c)
	c.AddCommand(a.tokenAddCommand(), a.tokenListCommand(), a.tokenRemoveCommand())
	return c
}

func (a *commandLine) tokenAddCommand() *cobra.Command {
	var o app.TokenOptions
	c := &cobra.Command{
		Use:     "add NAME [--read-only] [--expires 30d]",
		Short:   "Make a token and print it, this once",
		Example: "  moot token add backup --read-only\n  moot token add ci --expires 30d",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = args[0]
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				t, err := s.Control.AddToken(ctx, o)
				if err != nil {
					return err
				}
				if a.json {
					a.print(t)
					return nil
				}
				a.say("%s", t.Token)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&o.ReadOnly, "read-only", false, "the token may read, not change anything")
	spanVar(c.Flags(), &o.Expires, "expires", 0, "the `TIME` for which the token is good, as 12h or 30d (default: for ever)")
	return c
}

func (a *commandLine) tokenListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls",
		Short: "List tokens, without their secrets",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Control.Tokens(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, t := range list {
					if a.json {
						a.print(t)
						continue
					}
					may := "read and write"
					if t.ReadOnly {
						may = "read"
					}
					rows = append(rows, []string{name(t.Name), may, dayOf(t.Made, "-"), dayOf(t.Expires, "never"), dayOf(t.Used, "never")})
				}
				a.table("NAME\tMAY\tMADE\tEXPIRES\tUSED", rows)
				return nil
			})
		},
	}
}

// dayOf formats the day of a time; otherwise for the zero time.
func dayOf(t time.Time, otherwise string) string {
	if t.IsZero() {
		return otherwise
	}
	return t.Local().Format(time.DateOnly)
}

func (a *commandLine) tokenRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME",
		Short: "Revoke a token, at once",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Control.RemoveToken(ctx, args[0]); err != nil {
					return err
				}
				a.done("removed", args[0])
				return nil
			})
		},
	}
}
