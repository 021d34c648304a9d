package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

func (a *commandLine) findCommand() *cobra.Command {
	var long bool
	c := &cobra.Command{
		Use:   "find WORDS… [-l]",
		Short: "Find files and folders whose names contain all words",
		Long: `Find files and folders, in all folders of the space, whose names contain all words, in
any case and anywhere in the name.`,
		Example: "  moot find holiday 2026\n  moot find .jpg",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.list(c.Context(), listing{long: long, whole: true}, func(ctx context.Context, s *app.Session) ([]files.File, error) {
				return s.Files.Find(ctx, strings.Join(args, " "))
			})
		},
	}
	longVar(c, &long)
	return c
}

func longVar(c *cobra.Command, long *bool) {
	c.Flags().BoolVarP(long, "long", "l", false, "also show permissions, when the content was changed, versions, how many devices hold it, and whether it can be had now")
}

func (a *commandLine) lsCommand() *cobra.Command {
	var o listing
	c := &cobra.Command{
		Use:   "ls [NAME] [-r] [-l]",
		Short: "List what is in the space, or in a folder of it",
		Long: `List what is in the space, or in the folder NAME of it, folders first; of a file, the file
itself. What is printed as BLOB or VERSION can be given to 'moot get'.

COPIES is how many devices are known to hold the file, also this one and a server. NOW is
'here', 'yes' if a device that is connected holds it, 'no' if none does, or '?' if not all of
them have answered.`,
		Example: "  moot ls\n  moot ls photos/2026 -l\n  moot ls -r photos",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			folder := strings.TrimRight(strings.Join(args, ""), "/")
			return a.list(c.Context(), o, func(ctx context.Context, s *app.Session) ([]files.File, error) {
				if o.whole {
					return everythingIn(ctx, s, folder)
				}
				return contentOf(ctx, s, folder)
			})
		},
	}
	longVar(c, &o.long)
	c.Flags().BoolVarP(&o.whole, "recursive", "r", false, "list everything below, with whole names")
	return c
}

// contentOf returns what is in a folder, folders first, or a file itself. Kind NotFound.
func contentOf(ctx context.Context, s *app.Session, folder string) ([]files.File, error) {
	list, err := s.Files.ReadDir(ctx, folder)
	if errors.Is(err, moot.Invalid) { // it is no folder
		return one(s.Files.Lookup(ctx, folder))
	}
	return foldersFirst(list), err
}

func one(f files.File, err error) ([]files.File, error) { return []files.File{f}, err }

func foldersFirst(list []files.File) (sorted []files.File) {
	for _, folder := range []bool{true, false} {
		for _, f := range list {
			if f.Folder == folder {
				sorted = append(sorted, f)
			}
		}
	}
	return sorted
}

// everythingIn returns everything below a folder, or a file itself. Kind NotFound.
func everythingIn(ctx context.Context, s *app.Session, folder string) ([]files.File, error) {
	if folder == "" {
		return s.Files.List(ctx, "")
	}
	list, err := s.Files.List(ctx, folder+"/")
	if err != nil || len(list) > 0 {
		return list, err
	}
	return one(s.Files.Lookup(ctx, folder))
}

func (a *commandLine) historyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "history NAME",
		Short: "List all versions of a name, the newest first",
		Long: `List all versions of a name, the newest first, also of one that was removed. 'moot get
VERSION' fetches one of them, 'moot undo NAME VERSION' makes it the current one.`,
		Example: "  moot history report.pdf\n  moot get 1f3a9c0b22d4e871 -o old.pdf\n  moot undo report.pdf 1f3a9c0b22d4e871",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Files.History(ctx, args[0])
				if err == nil {
					a.listVersions(list, a.names(ctx, s))
				}
				return err
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
				if err == nil {
					a.listVersions(list, a.names(ctx, s))
				}
				return err
			})
		},
	}
}

func (a *commandLine) resolveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "resolve NAME [VERSION]",
		Short:   "End a conflict: VERSION (default: the current one) stays, for everybody",
		Long:    "End a conflict. VERSION is what 'moot conflicts' prints; without it the current version stays.",
		Example: "  moot conflicts\n  moot resolve report.pdf 1f3a9c",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.change(c.Context(), args, app.Files.Resolve)
		},
	}
}

func (a *commandLine) undoCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undo NAME [VERSION]",
		Short: "Bring back a removed name, or an older version of it",
		Long: `Bring back a name that was removed, or make an older version the current one. VERSION is
what 'moot history' prints; without it, what was there before the removal comes back. That
works as long as the version is retained.`,
		Example: "  moot rm report.pdf\n  moot undo report.pdf\n  moot undo report.pdf 1f3a9c",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.change(c.Context(), args, app.Files.Restore)
		},
	}
}

// change has a version, or the one that is meant by none, become the current one of a name.
func (a *commandLine) change(ctx context.Context, args []string, to func(app.Files, context.Context, string, string) (files.File, error)) error {
	return a.with(ctx, func(ctx context.Context, s *app.Session) error {
		f, err := to(s.Files, ctx, args[0], strings.Join(args[1:], ""))
		if err == nil {
			a.showChanged(f)
		}
		return err
	})
}

// showChanged prints what is current now.
func (a *commandLine) showChanged(f files.File) {
	switch {
	case a.json:
		a.print(f)
	case f.Folder && !f.Frozen:
		a.say("%s is there again, with %s", display(f.Name, f), count(f))
	case f.Link != "":
		a.say("%s is there again", display(f.Name, f))
	default:
		a.say("%s is %s now", name(f.Name), f.Blob.ID)
	}
}

func (a *commandLine) list(ctx context.Context, o listing, ask func(context.Context, *app.Session) ([]files.File, error)) error {
	return a.with(ctx, func(ctx context.Context, s *app.Session) error {
		list, err := ask(ctx, s)
		if err != nil {
			return err
		}
		if o.held, err = holdingsOf(ctx, s, list, o.long); err != nil {
			return err
		}
		a.listFiles(list, o, a.names(ctx, s))
		return nil
	})
}

// holdingsOf returns who is known to hold some files, up to a number of them that is asked
// for at once.
func holdingsOf(ctx context.Context, s *app.Session, list []files.File, count bool) (map[moot.BlobID]app.Holding, error) {
	held := map[moot.BlobID]app.Holding{}
	q := app.HoldingsQuery{Count: count}
	for _, f := range list {
		if _, ok := held[f.Blob.ID]; ok || !hasBytes(f) {
			continue
		}
		held[f.Blob.ID] = app.Holding{Now: app.Unknown}
		if len(q.Blobs) < app.MaxHoldings {
			q.Blobs = append(q.Blobs, f.Blob.ID)
		}
	}
	if len(q.Blobs) == 0 {
		return held, nil
	}
	answers, err := s.Copies.Holdings(ctx, q)
	for i, h := range answers[:min(len(answers), len(q.Blobs))] {
		held[q.Blobs[i]] = h
	}
	return held, err
}

// hasBytes reports whether a file is one of which devices hold copies.
func hasBytes(f files.File) bool { return f.Blob.ID != (moot.BlobID{}) && !f.Deleted && f.Link == "" }
