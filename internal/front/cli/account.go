package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) accountCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "account",
		Short: "Let mail programs in: accounts and their passwords",
		Long: `Mail programs reach the mail of a home's own member, and on a server that of
accounts: members whose keys the server keeps, for people who have nothing but a mail
program. Every program gets a password of its own making; it is shown once.`,
	}
	requireSubcommand(c)
	c.AddCommand(a.accountListCommand(), a.accountAddCommand(), a.accountPasswordCommand(), a.accountRecordsCommand())
	return c
}

func (a *commandLine) accountListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List whose mail mail programs reach here", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Control.Accounts(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, acct := range list {
					if a.json {
						a.print(acct)
						continue
					}
					kind := "its key is kept here"
					if acct.Own {
						kind = "this home's own"
					}
					rows = append(rows, []string{name(acct.Name), acct.Member.String(), strconv.Itoa(acct.Passwords), kind})
				}
				a.table("NAME\tKEY\tPASSWORDS\t", rows)
				return nil
			})
		},
	}
}

func (a *commandLine) accountAddCommand() *cobra.Command {
	var link string
	c := &cobra.Command{
		Use: "add NAME", Short: "Make a member whose key this node keeps, and a password", Example: "  moot account add zoe", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				acct, err := s.Control.AddAccount(ctx, args[0], link)
				if err != nil {
					return err
				}
				return a.newPassword(ctx, s, acct.Member.String(), acct.Name)
			})
		},
	}
	c.Flags().StringVar(&link, "invite", "", "the invitation `LINK` with which it joins (default: this home invites it)")
	return c
}

func (a *commandLine) accountPasswordCommand() *cobra.Command {
	var drop bool
	c := &cobra.Command{
		Use:     "password [NAME]",
		Short:   "Make a password for a mail program, or make all of them void",
		Example: "  moot account password\n  moot account password zoe\n  moot account password zoe --drop",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				who := strings.Join(args, "")
				shown := who
				if who == "" {
					shown = s.As
				}
				if drop {
					return a.dropPasswords(ctx, s, who, shown)
				}
				return a.newPassword(ctx, s, who, shown)
			})
		},
	}
	c.Flags().BoolVar(&drop, "drop", false, "make all passwords of the member void instead")
	return c
}

func (a *commandLine) accountRecordsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "dns", Short: "Print what the DNS of the mail domain should hold, for its zone file", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				lines, err := s.Control.MailRecords(ctx)
				for _, line := range lines {
					if a.json {
						a.print(map[string]any{"record": line})
					}
					a.say("%s", line)
				}
				return err
			})
		},
	}
}

func (a *commandLine) dropPasswords(ctx context.Context, s *app.Session, who, shown string) error {
	if err := s.Control.DropPasswords(ctx, who); err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"name": shown, "passwords": 0})
	}
	a.say("all passwords of %s are void", name(shown))
	return nil
}

func (a *commandLine) newPassword(ctx context.Context, s *app.Session, who, shown string) error {
	p, err := s.Control.AddPassword(ctx, who)
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"name": shown, "password": p})
		return nil
	}
	a.say("name:     %s\npassword: %s", name(shown), p)
	return nil
}
