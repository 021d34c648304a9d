package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/folders"
)

func (a *commandLine) syncCommand() *cobra.Command {
	var o folders.Options
	var once bool
	c := &cobra.Command{
		Use:   "sync DIR [--name NAME] [--once]",
		Short: "Keep a directory and a folder of the space in step",
		Long: `Keep a directory and a folder of the space in step, both ways, and print what happens,
until interrupted. The directory is remembered: a node that runs ('moot up' or 'moot serve')
goes on with it, until 'moot sync rm DIR'. Several directories are kept in step at once.

If a file was changed on both sides, the newest version has the name everywhere; the others
lie beside it as "name (conflict WHO DATE TIME ID)". Removing such a copy, or writing the file
again, ends the conflict.

What .mootignore files, with the syntax of .gitignore, exclude is neither sent nor removed;
nor is .git, unless "!.git/" says otherwise. A directory that is called like a subcommand is
given as ./ls. Before a disk with a synced directory is unmounted, 'moot sync pause DIR' lets
go of it.`,
		Example: `  moot sync photos
  moot sync ~/Documents --name papers --once
  moot sync music --read-only --except music/live
  moot sync add ~/Documents
  moot sync ls`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				st, err := a.remember(ctx, s, args[0], o, c.Flags())
				if err != nil {
					return err
				}
				if once {
					return a.syncOnce(ctx, s, st.Dir)
				}
				return s.Folders.Follow(ctx, st.Dir, a.showEvent)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&o.Name, "name", "", "the folder's `NAME` in the space (default: the directory's)")
	f.StringVar(&o.Name, "prefix", "", "")
	_ = f.MarkHidden("prefix") // what version 0.1.0 called it
	f.BoolVar(&once, "once", false, "bring both sides in step once and end; the exit status is 1 if something failed")
	f.StringArrayVar(&o.Ignore, "ignore", nil, "leave out what matches `PATTERN`, as in .mootignore")
	folderFlags(f, &o)
	c.MarkFlagsMutuallyExclusive("name", "prefix")
	c.AddCommand(a.syncAddCommand(), a.syncListCommand(), a.syncStatusCommand(), a.syncSelectCommand(),
		a.syncChangeCommand("pause", "paused", "Leave a synced folder as it is until 'moot sync resume'", app.Folders.Pause),
		a.syncChangeCommand("resume", "resumed", "Go on with a paused folder", app.Folders.Resume),
		a.syncChangeCommand("rm", "forgot", "Do not keep a directory in step any more; its files stay where they are", app.Folders.Remove),
		a.syncChangeCommand("revert", "reverted", "Give up what was changed in a read-only folder", app.Folders.Revert))
	return c
}

func folderFlags(f *pflag.FlagSet, o *folders.Options) {
	f.BoolVar(&o.ReadOnly, "read-only", false, "receive only: what is changed here is listed, and not sent")
	f.StringArrayVar(&o.Except, "except", nil, "leave out the `FOLDER` in it on this machine")
}

// remember adds a directory, unless it is remembered already. Kind Conflict if that was in
// another way.
func (a *commandLine) remember(ctx context.Context, s *app.Session, dir string, o folders.Options, f *pflag.FlagSet) (folders.Status, error) {
	list, err := s.Folders.List(ctx)
	if err != nil {
		return folders.Status{}, err
	}
	st, found := folderAt(list, dir)
	switch {
	case !found:
		st, err := s.Folders.Add(ctx, dir, o)
		if err == nil && a.json {
			a.print(map[string]string{"remembered": st.Dir})
		}
		if err == nil {
			a.say("remembered: ends with 'moot sync rm %s'", name(dir))
		}
		return st, err
	case st.State == folders.Paused:
		return st, moot.WithHint(moot.Errorf(moot.Conflict, "%s is paused", dir), moot.HintResume)
	case o.Name != "" && strings.Trim(o.Name, "/") != st.Name:
		return st, moot.Errorf(moot.Conflict, "%s is kept in step already, with %q", dir, st.Name)
	case f.Changed("read-only") && o.ReadOnly != st.ReadOnly, f.Changed("except") && !slices.Equal(o.Except, st.Except):
		return st, moot.Errorf(moot.Conflict, "%s is kept in step already, in another way", dir)
	case f.Changed("ignore"):
		fmt.Fprintln(a.err, "moot: --ignore counts when a directory is added; later, write patterns to .mootignore")
	}
	return st, nil
}

// folderAt returns the synced folder of a directory.
func folderAt(list []folders.Status, dir string) (folders.Status, bool) {
	at := []string{dir}
	if abs, err := filepath.Abs(dir); err == nil {
		at = append(at, abs)
		if target, err := filepath.EvalSymlinks(abs); err == nil {
			at = append(at, target)
		}
	}
	i := slices.IndexFunc(list, func(st folders.Status) bool { return slices.Contains(at, st.Dir) })
	if i < 0 {
		return folders.Status{}, false
	}
	return list[i], true
}

// syncOnce brings a folder in step. Kind Unavailable if it is not then.
func (a *commandLine) syncOnce(ctx context.Context, s *app.Session, dir string) error {
	st, err := s.Folders.Once(ctx, dir, a.showEvent)
	if err != nil {
		return err
	}
	if st.Failing > 0 {
		return moot.WithHint(moot.Errorf(moot.Unavailable, "%s: %s", dir, plural(st.Failing, "problem")), moot.HintFolderStatus)
	}
	if st.State != folders.Idle {
		err = errors.New(string(st.State))
		if st.Why != "" {
			err = errors.New(st.Why)
		}
		return moot.WithHint(moot.Errorf(moot.Unavailable, "%s is not in step yet (%d to send, %d to fetch): %w", dir, st.ToSend, st.ToFetch, err), moot.HintFolderStatus)
	}
	return nil
}

func (a *commandLine) showEvent(e folders.Event) {
	if a.json {
		a.print(e)
		return
	}
	text := e.What + " " + name(e.Path)
	if e.To != "" {
		text += " -> " + name(e.To)
	}
	if e.Why != "" {
		text += ": " + name(e.Why)
	}
	a.say("%s", text)
}
