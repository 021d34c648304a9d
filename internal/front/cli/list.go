package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

func (a *commandLine) findCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "find WORDS…",
		Short:   "Find files whose names contain all words",
		Example: "  moot find holiday 2026",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.list(c.Context(), func(ctx context.Context, s *app.Session) ([]files.File, error) {
				return s.Files.Find(ctx, strings.Join(args, " "))
			})
		},
	}
}

func (a *commandLine) lsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "ls [PREFIX]",
		Short: "List the files of the space, or those whose names start with PREFIX",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.list(c.Context(), func(ctx context.Context, s *app.Session) ([]files.File, error) {
				return s.Files.List(ctx, strings.Join(args, ""))
			})
		},
	}
}

func (a *commandLine) historyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "history NAME",
		Short: "List all versions of a name, the newest first",
		Long:  "List all versions of a name, the newest first. 'moot get BLOB-ID' fetches an old one.",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.list(c.Context(), func(ctx context.Context, s *app.Session) ([]files.File, error) {
				return s.Files.History(ctx, args[0])
			})
		},
	}
}

func (a *commandLine) conflictsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "conflicts",
		Short: "List names that were changed on two sides, with all their versions",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Files.Conflicts(ctx)
				if err != nil {
					return err
				}
				who := a.names(ctx, s)
				var rows [][]string
				for _, f := range list {
					if a.json {
						a.print(f)
						continue
					}
					rows = append(rows, []string{name(f.Name), size(f.Size()), name(who.author(f)), when(f.Time), f.Version.String()[:16]})
				}
				a.table("NAME\tSIZE\tBY\tWHEN\tVERSION", rows)
				return nil
			})
		},
	}
}

func (a *commandLine) resolveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "resolve NAME [VERSION]",
		Short:   "End a conflict: keep VERSION (default: the current one) for everybody",
		Long:    "End a conflict. VERSION is what 'moot conflicts' prints; without it the current version is kept.",
		Example: "  moot conflicts\n  moot resolve report.pdf 1f3a9c",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				version := ""
				if len(args) == 2 {
					version = args[1]
				}
				f, err := s.Files.Resolve(ctx, args[0], version)
				if err != nil {
					return err
				}
				if a.json {
					a.print(f)
				} else {
					a.say("%s is %s now", name(f.Name), f.Blob.ID)
				}
				return nil
			})
		},
	}
}

func (a *commandLine) list(ctx context.Context, ask func(context.Context, *app.Session) ([]files.File, error)) error {
	return a.with(ctx, func(ctx context.Context, s *app.Session) error {
		list, err := ask(ctx, s)
		if err != nil {
			return err
		}
		a.listFiles(list, a.names(ctx, s))
		return nil
	})
}
