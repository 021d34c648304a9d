package cli

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
)

func (a *commandLine) shareCommand() *cobra.Command {
	var o files.ShareOptions
	c := &cobra.Command{
		Use:   "share PATH… [--as NAME] [--in-place]",
		Short: "Share files or folders; print name, size and blob ID",
		Long: `Share files or folders. A folder goes into the one of its name, if there is one: files of
the same name get a new version, others stay. What cannot be shared is named, and the
exit status is 1 then.`,
		Example: `  moot share report.pdf
  moot share photos --as holiday/2026
  moot share --in-place huge.iso`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if o.As != "" && len(args) > 1 {
				a.parsed = false
				return moot.Errorf(moot.Invalid, "--as names one thing, and there are %d paths", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error { return a.share(ctx, s, args, o) })
		},
	}
	c.Flags().StringVar(&o.As, "as", "", "share under `NAME` (default: the file's own)")
	c.Flags().BoolVar(&o.InPlace, "in-place", false, "refer to the file where it is instead of copying it; it is checked before it is served")
	c.Flags().BoolVar(&o.Force, "force", false, "share even if somebody else changed the name meanwhile: both versions stay")
	return c
}

func (a *commandLine) share(ctx context.Context, s *app.Session, paths []string, o files.ShareOptions) error {
	skipped := 0
	for _, at := range paths {
		bar := a.progress("share", at)
		o.Progress = bar.update
		f, err := s.Files.Share(ctx, at, o)
		bar.done(err)
		if err != nil {
			return err
		}
		a.showResult(f.Name, f)
		skipped += len(f.Skipped)
	}
	return incomplete("share", skipped)
}

// incomplete is the error of a command that left out some of what was asked for, which has
// been named. Kind Invalid.
func incomplete(what string, skipped int) error {
	if skipped == 0 {
		return nil
	}
	return moot.Errorf(moot.Invalid, "%s: left out or changed: %s", what, plural(skipped, "item"))
}

func (a *commandLine) rmCommand() *cobra.Command {
	var o files.RemoveOptions
	c := &cobra.Command{
		Use:   "rm [-r] NAME…",
		Short: "Remove names from the space (their history stays)",
		Long: `Remove names from the space, for everybody. Their history stays for a time: 'moot undo'
brings them back. With --now the bytes are not retained, and nothing brings them back.`,
		Example: "  moot rm report.pdf\n  moot rm -r photos/2019\n  moot rm --now secret.txt",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				for _, n := range args {
					err := s.Files.Remove(ctx, n, o)
					if errors.Is(err, moot.Conflict) && !o.Recursive {
						err = moot.WithHint(err, moot.HintRecursive)
					}
					if err != nil {
						return err
					}
					a.done("removed", n)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVarP(&o.Recursive, "recursive", "r", false, "also folders, with all that is in them")
	c.Flags().BoolVar(&o.Now, "now", false, "do not retain the bytes, nor those of older versions")
	return c
}

func (a *commandLine) moveFileCommand() *cobra.Command {
	var o files.MoveOptions
	c := &cobra.Command{
		Use:     "mv NAME NEWNAME",
		Short:   "Give a file or folder another name",
		Example: "  moot mv draft.txt final.txt\n  moot mv photos archive/photos",
		Args:    cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				f, err := s.Files.Move(ctx, args[0], args[1], o)
				if err != nil {
					return err
				}
				a.showResult(f.Name, files.Result{File: f})
				return nil
			})
		},
	}
	c.Flags().BoolVar(&o.Force, "force", false, "also onto a name that exists: its versions stay in the history")
	return c
}

// showResult prints what was shared or fetched, where, and names what was left out.
func (a *commandLine) showResult(where string, f files.Result) {
	if a.json {
		a.print(f)
		return
	}
	switch {
	case f.Folder && !f.Frozen:
		a.say("%s  %s  %s", display(where, f.File), size(f.Size()), count(f.File))
	case f.Link != "":
		a.say("%s", display(where, f.File))
	default:
		a.say("%s  %s  %s", name(where), size(f.Size()), f.Blob.ID)
	}
	for _, left := range f.Skipped {
		if f.Folder { // paths in it
			left.Path = path.Join(where, left.Path)
		}
		fmt.Fprintf(a.err, "moot: %s: %s\n", name(left.Path), name(left.Why))
	}
}
