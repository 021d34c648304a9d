package cli

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

func (a *commandLine) shareCommand() *cobra.Command {
	var as string
	var inPlace, force bool
	c := &cobra.Command{
		Use:   "share PATH… [--as NAME] [--in-place]",
		Short: "Share files or folders; print name, size and blob ID",
		Example: `  moot share report.pdf
  moot share photos --as holiday/2026
  moot share --in-place huge.iso`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if as != "" && len(args) > 1 {
				a.parsed = false
				return moot.Errorf(moot.Invalid, "--as names one thing, and there are %d paths", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				for _, path := range args {
					bar := a.progress("share", path)
					f, err := s.Files.Share(ctx, path, files.ShareOptions{As: as, InPlace: inPlace, Force: force, Progress: bar.update})
					bar.done(err)
					if err != nil {
						return err
					}
					a.showFile(f.Name, f.File)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&as, "as", "", "share under `NAME` (default: the file's own)")
	c.Flags().BoolVar(&inPlace, "in-place", false, "refer to the file where it is instead of copying it; it is checked before it is served")
	c.Flags().BoolVar(&force, "force", false, "share even if somebody else changed the name meanwhile: both versions are kept")
	return c
}

func (a *commandLine) getCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "get NAME|ID [-o PATH]",
		Short: "Fetch a file or folder, verified",
		Long: `Fetch a file or folder by its name or blob ID. Every byte is verified before it
is written. An interrupted get, run again, fetches only what is missing. A large file
is kept once: this home goes on serving it from where it was written, while it stays
there unchanged. With -o - a file goes to standard output, from its beginning, as it comes.`,
		Example: "  moot get report.pdf\n  moot get holiday/2026 -o ~/photos\n  moot get --via peers huge.iso\n  moot get talk.webm -o - | mpv -",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if to == "-" {
					return a.pour(ctx, s, args[0])
				}
				bar := a.progress("get", args[0])
				f, err := s.Files.Get(ctx, args[0], to, bar.update)
				bar.done(err)
				if err != nil {
					return err
				}
				a.showFile(f.Path, f.File)
				return nil
			})
		},
	}
	c.Flags().StringVarP(&to, "output", "o", "", "write to `PATH` (default: the last part of the name, here; -: to standard output)")
	return c
}

// pour writes a file to standard output.
func (a *commandLine) pour(ctx context.Context, s *app.Session, name string) error {
	in, _, err := s.Files.Open(ctx, name, moot.Whole)
	if err == nil {
		_, err = io.Copy(a.out, in)
		err = errors.Join(err, in.Close())
	}
	return moot.Wrap("get "+name, err)
}

func (a *commandLine) rmCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm NAME…",
		Short: "Remove names from the space (their history stays)",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				for _, n := range args {
					if err := s.Files.Remove(ctx, n, files.RemoveOptions{}); err != nil {
						return err
					}
					a.done("removed", n)
				}
				return nil
			})
		},
	}
}

func (a *commandLine) moveFileCommand() *cobra.Command {
	var o files.MoveOptions
	c := &cobra.Command{
		Use:     "mv NAME NEWNAME",
		Short:   "Give a file or folder another name",
		Example: "  moot mv draft.txt final.txt",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				f, err := s.Files.Move(ctx, args[0], args[1], o)
				if err != nil {
					return err
				}
				a.showFile(f.Name, f)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&o.Force, "force", false, "also onto a name that exists: its versions stay in the history")
	return c
}

// showFile prints what was shared or fetched, where.
func (a *commandLine) showFile(where string, f files.File) {
	if a.json {
		a.print(f)
		return
	}
	a.say("%s  %s  %s", name(where), size(f.Size()), f.Blob.ID)
}
