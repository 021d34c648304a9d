package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/folders"
)

func (a *commandLine) syncAddCommand() *cobra.Command {
	var o folders.Options
	var patterns string
	c := &cobra.Command{
		Use:   "add DIR [NAME] [--read-only] [--except FOLDER]…",
		Short: "Have the running node keep a directory in step from now on",
		Long: `Have the node keep a directory in step with the folder NAME of the space (default: the
directory's own name), whenever it runs.

A file of a synced folder is held once: others are served from where it lies. What is
overwritten here is therefore gone on this machine unless the file system clones; other
members and the server hold older versions. --keep holds a second copy here as well.`,
		Example: "  moot sync add ~/Documents\n  moot sync add /srv/music music --read-only\n  moot sync add src --ignore-file src/.gitignore --except build",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			o.Name = strings.Join(args[1:], "")
			more, err := readPatterns(patterns)
			if err != nil {
				return err
			}
			o.Ignore = append(o.Ignore, more...)
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error { return a.addFolder(ctx, s, args[0], o) })
		},
	}
	f := c.Flags()
	folderFlags(f, &o)
	f.StringArrayVar(&o.Ignore, "ignore", nil, "leave out what matches `PATTERN`, as in .mootignore")
	f.StringVar(&patterns, "ignore-file", "", "leave out what the patterns in `FILE` match")
	f.BoolVar(&o.Keep, "keep", false, "hold a second copy of what is sent, so that older versions stay here")
	return c
}

func (a *commandLine) addFolder(ctx context.Context, s *app.Session, dir string, o folders.Options) error {
	st, err := s.Folders.Add(ctx, dir, o)
	if err != nil {
		return err
	}
	node, err := s.Control.Status(ctx)
	if err != nil {
		return err
	}
	if a.json {
		a.print(struct {
			folders.Status
			Running bool `json:"running"` // the node that does it
		}{st, node.Running})
		return nil
	}
	a.say("%s is kept in step with %s", name(st.Dir), name(st.Name))
	if !node.Running {
		a.say("no node runs here: 'moot up' or 'moot serve' begins")
	}
	return nil
}

// readPatterns reads a file of patterns, one a line.
func readPatterns(path string) (list []string, err error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, moot.Errorf(moot.NotFound, "read the patterns: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		list = append(list, lines.Text())
	}
	if err := lines.Err(); err != nil {
		return nil, moot.Errorf(moot.Invalid, "read the patterns: %w", err)
	}
	return list, nil
}

func (a *commandLine) syncListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ls", Short: "List the synced folders of this node", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Folders.List(ctx)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, st := range list {
					if a.json {
						a.print(st)
						continue
					}
					rows = append(rows, []string{name(st.Dir), name(st.Name), stateOf(st), strconv.Itoa(st.Files), size(st.Bytes),
						strconv.Itoa(st.ToSend), strconv.Itoa(st.ToFetch), strconv.Itoa(st.Failing)})
				}
				a.table("DIR\tNAME\tSTATE\tFILES\tSIZE\tTO SEND\tTO FETCH\tPROBLEMS", rows)
				return nil
			})
		},
	}
}

func stateOf(st folders.Status) string {
	if st.ReadOnly {
		return string(st.State) + " (read-only)"
	}
	return string(st.State)
}

func (a *commandLine) syncStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status DIR",
		Short: "Show how far a synced folder is, and what is wrong with which files",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				list, err := s.Folders.List(ctx)
				if err != nil {
					return err
				}
				st, found := folderAt(list, args[0])
				for _, other := range list {
					if !found && other.Name == strings.Trim(args[0], "/") {
						st, found = other, true
					}
				}
				if !found {
					return moot.WithHint(moot.Errorf(moot.NotFound, "%s is not kept in step", args[0]), moot.HintListFolders)
				}
				a.showFolder(st)
				return nil
			})
		},
	}
}

func (a *commandLine) showFolder(st folders.Status) {
	if a.json {
		a.print(st)
		return
	}
	now := stateOf(st)
	if st.Why != "" {
		now += ": " + name(st.Why)
	}
	rows := [][]string{{"directory", name(st.Dir)}, {"name", name(st.Name)}, {"state", now},
		{"in step", fmt.Sprintf("%s, %s", plural(st.Files, "file"), size(st.Bytes))},
		{"to send", strconv.Itoa(st.ToSend)}, {"to fetch", strconv.Itoa(st.ToFetch)}}
	for _, folder := range st.Except {
		rows = append(rows, []string{"not here", name(folder) + "/"})
	}
	a.table("", rows)
	if st.Failing > 0 {
		a.say("\n%s:", plural(st.Failing, "problem"))
	}
	rows = nil
	for _, p := range st.Problems {
		next := "when it changes"
		if !p.Next.IsZero() {
			next = clock(p.Next)
		}
		rows = append(rows, []string{name(p.Path), name(p.Why), clock(p.Since), next})
	}
	a.table("PATH\tWHY\tSINCE\tNEXT TRY", rows)
	if more := st.Failing - len(st.Problems); more > 0 {
		a.say("and %d more", more)
	}
	if len(st.Changed) > 0 {
		a.say("\nchanged here and not sent ('moot sync revert' gives it up):")
	}
	for _, path := range st.Changed {
		a.say("  %s", name(path))
	}
}

func clock(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func (a *commandLine) syncSelectCommand() *cobra.Command {
	var except []string
	var all bool
	c := &cobra.Command{
		Use:   "select DIR --except FOLDER… | --all",
		Short: "Say which folders in a synced one are not wanted on this machine",
		Long: `Say which folders in a synced one are not wanted on this machine. They are removed here,
unless something in them was changed and not sent, and stay for everybody else.`,
		Example: "  moot sync select photos --except 2019 --except raw/old\n  moot sync select photos --all",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Folders.Select(ctx, args[0], except); err != nil {
					return err
				}
				if a.json {
					a.print(map[string]any{"selected": args[0], "except": append([]string{}, except...)})
				}
				if all {
					a.say("all of %s is wanted here", name(args[0]))
				}
				for _, folder := range except {
					a.say("%s in %s is not wanted here", name(folder), name(args[0]))
				}
				return nil
			})
		},
	}
	c.Flags().StringArrayVar(&except, "except", nil, "the `FOLDER` in it is not wanted")
	c.Flags().BoolVar(&all, "all", false, "everything is wanted")
	c.MarkFlagsMutuallyExclusive("except", "all")
	c.MarkFlagsOneRequired("except", "all")
	return c
}

// syncChangeCommand is a command that changes a synced folder.
func (a *commandLine) syncChangeCommand(verb, done, short string, do func(app.Folders, context.Context, string) error) *cobra.Command {
	return &cobra.Command{
		Use: verb + " DIR", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := do(s.Folders, ctx, args[0]); err != nil {
					return err
				}
				a.done(done, args[0])
				return nil
			})
		},
	}
}
