package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) accountCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "account",
		Short: "Let mail programs in: accounts and their passwords",
		Long: `Mail programs reach the mail of a home's own member, and on a server that of accounts:
devices that the server keeps for members. For somebody who has nothing but a mail program
it is the only device ('account add', on the server); a member with a home may have one
more ('account enable'), and reads the same mailbox there. Every program gets a password
of its own making; it is shown once.`,
	}
	requireSubcommand(c)
	c.AddCommand(a.accountListCommand(), a.accountAddCommand(), a.accountEnableCommand(), a.accountRemoveCommand(), a.accountPasswordCommand(), a.accountAliasCommand(), a.accountRecordsCommand(),
		a.accountImportCommand(), a.accountExportCommand())
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
					login := "never"
					if !acct.LastLogin.IsZero() {
						login = acct.LastLogin.Format(time.DateOnly)
					}
					rows = append(rows, []string{name(acct.Name), name(acct.Address), size(acct.Bytes), strconv.Itoa(acct.Passwords), login, accountState(acct)})
				}
				a.table("NAME\tADDRESS\tSIZE\tPASSWORDS\tLAST LOGIN\t", rows)
				return nil
			})
		},
	}
}

// accountState words which device an account is, and what is to be known about it.
func accountState(acct app.Account) string {
	switch {
	case acct.Own:
		return "this home's own"
	case acct.Revoked:
		return "removed"
	case acct.Waiting:
		return "a device kept here, waiting"
	case acct.Forked:
		return "a device kept here, FORKED"
	}
	return "a device kept here"
}

func (a *commandLine) accountAddCommand() *cobra.Command {
	var link string
	c := &cobra.Command{
		Use: "add NAME", Short: "Make a member whose only device this node keeps, and a password", Example: "  moot account add zoe", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if link == "-" {
				if link, err = a.readLink([]string{link}, ""); err != nil {
					return err
				}
			}
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				acct, err := s.Control.AddAccount(ctx, args[0], link)
				if err != nil {
					return err
				}
				return a.newPassword(ctx, s, acct.Member.String())
			})
		},
	}
	c.Flags().StringVar(&link, "invite", "", "the invitation `LINK` with which it joins; '-' reads it from standard input (default: this home invites it)")
	return c
}

func (a *commandLine) accountEnableCommand() *cobra.Command {
	var stdin bool
	c := &cobra.Command{
		Use:   "enable [--password-stdin]",
		Short: "Have the space's server keep one more device of yours, for mail programs and the web",
		Long: `Have the space's server keep one more device of yours, so that mail programs and browsers
that log in there read your mailbox. Who runs the server could then read it, too.`,
		Example: "  moot account enable\n  moot account enable --password-stdin < password.txt",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			var o app.EnableOptions
			if stdin {
				if o.Password, err = a.readSecret(a.in, "password"); err != nil {
					return err
				}
			}
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				acct, err := s.Control.EnableAccount(ctx, o)
				if err != nil {
					return err
				}
				a.showEnabled(acct)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read the password from standard input (default: one is made)")
	return c
}

func (a *commandLine) showEnabled(acct app.Account) {
	if a.json {
		a.print(acct)
		return
	}
	if acct.Server != "" {
		a.say("server:   %s", name(acct.Server))
	}
	a.say("name:     %s", name(acct.Name))
	if acct.Password != "" {
		a.say("password: %s", acct.Password)
	}
}

func (a *commandLine) accountRemoveCommand() *cobra.Command {
	var only bool
	var export string
	c := &cobra.Command{
		Use:   "rm NAME [--export DIR]",
		Short: "Remove the device that this node keeps for a member, and its passwords",
		Long: `Remove the device that this node keeps for a member, and its passwords. The member's other
devices have all the mail. If it is the only one, nobody can read the mail any more, and the
member cannot come back: --export writes the mail out first, as 'moot account export' does.`,
		Example: "  moot account rm zoe --export zoe-mail --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if export != "" {
					m, err := s.AccountMail(ctx, args[0])
					if err != nil {
						return err
					}
					n, err := a.exportMail(ctx, m, export, "")
					if err != nil {
						return err
					}
					a.say("exported %d messages to %s", n, name(export))
				}
				err := s.Control.RemoveAccount(ctx, args[0], only)
				if !only && moot.HintOf(err) == moot.HintConfirm {
					if err := a.confirm("%s is the only device of the member: nobody could read the mail any more", name(args[0])); err != nil {
						return err
					}
					err = s.Control.RemoveAccount(ctx, args[0], true)
				}
				if err == nil {
					a.done("removed", args[0])
				}
				return err
			})
		},
	}
	c.Flags().BoolVar(&only, "yes", false, "also if it is the member's only device: the member cannot come back")
	c.Flags().StringVar(&export, "export", "", "write its mail to the Maildir `DIR` first")
	return c
}

func (a *commandLine) accountPasswordCommand() *cobra.Command {
	var drop, stdin bool
	c := &cobra.Command{
		Use:     "password [NAME] [--password-stdin | --drop]",
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
				switch {
				case drop:
					return a.dropPasswords(ctx, s, who, shown)
				case stdin:
					return a.setPassword(ctx, s, who, shown)
				}
				return a.newPassword(ctx, s, who)
			})
		},
	}
	c.Flags().BoolVar(&drop, "drop", false, "make all passwords of the member void instead")
	c.Flags().BoolVar(&stdin, "password-stdin", false, "read a password that you have chosen from standard input")
	c.MarkFlagsMutuallyExclusive("drop", "password-stdin")
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

func (a *commandLine) setPassword(ctx context.Context, s *app.Session, who, shown string) error {
	password, err := a.readSecret(a.in, "password")
	if err != nil {
		return err
	}
	if err := s.Control.SetPassword(ctx, who, password); err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"name": shown})
	}
	a.say("%s has the password that you chose", name(shown))
	return nil
}
