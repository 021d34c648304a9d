package cli

import (
	"cmp"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

func (a *commandLine) getCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "get NAME|ID… [-o PATH]",
		Short: "Fetch files or folders, verified",
		Long: `Fetch files or folders by name, or by the ID of a version or blob; its first 8 digits do.
In a pattern, in quotes, * stands for any part of one name, ** for any folders. Several are
written into a directory, which is made if there is none. What could not be written as it
is, is named, and the exit status is 1 then.

Every byte is verified before it is written. An interrupted get, run again, fetches only
what is missing. A large file is held once: this home goes on serving it from where it was
written, while it stays there unchanged. With -o - a file goes to standard output, from its
beginning, as it comes.`,
		Example: `  moot get report.pdf
  moot get holiday/2026 -o ~/photos
  moot get 'photos/2026/*.jpg' notes.txt -o here
  moot get --via peers huge.iso
  moot get talk.webm -o - | mpv -`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if to == "-" && len(args) > 1 {
				a.parsed = false
				return errors.New("-o - takes one NAME; 'moot cat' takes several")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				switch {
				case to == "-":
					return a.pour(ctx, s, "get", args[0])
				case len(args) > 1 || strings.Contains(args[0], "*"):
					return a.getAll(ctx, s, args, cmp.Or(to, "."))
				}
				bar := a.progress("get", args[0])
				f, err := s.Files.Get(ctx, args[0], to, bar.update)
				bar.done(err)
				if err != nil {
					return err
				}
				return a.got([]files.Result{f}, nil)
			})
		},
	}
	c.Flags().StringVarP(&to, "output", "o", "", "write to `PATH` (default: the last part of the name, here; -: to standard output)")
	return c
}

func (a *commandLine) getAll(ctx context.Context, s *app.Session, names []string, dir string) error {
	bar := a.progress("get", strings.Join(names, " "))
	list, err := s.Files.GetAll(ctx, names, dir, bar.update)
	bar.done(err)
	return a.got(list, err)
}

// got prints what was written; err is the first error.
func (a *commandLine) got(list []files.Result, err error) error {
	skipped := 0
	for _, f := range list {
		a.showResult(f.Path, f)
		skipped += len(f.Skipped)
	}
	return cmp.Or(err, incomplete("get", skipped))
}

func (a *commandLine) catCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "cat NAME|ID…",
		Short:   "Write files to standard output, one after the other",
		Example: "  moot cat notes.txt\n  moot cat log/2026-01 log/2026-02 | grep error",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				for _, n := range args {
					if err := a.pour(ctx, s, "cat", n); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

// pour writes a file to standard output.
func (a *commandLine) pour(ctx context.Context, s *app.Session, what, name string) error {
	in, _, err := s.Files.Open(ctx, name, moot.Whole)
	if err == nil {
		_, err = io.Copy(a.out, in)
		err = errors.Join(err, in.Close())
	}
	return moot.Wrap(what+" "+name, err)
}
