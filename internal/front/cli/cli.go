// Package cli is the command line of Moot: one file a command, each translating
// words into calls of files, members and the running node, and results into text or
// JSON. It must not know an architecture, a store or a link: those come assembled,
// as a Program.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// Exit statuses.
const (
	Done   = 0
	Failed = 1
	Usage  = 2
)

// Version is what `moot version` prints.
const Version = "0.1.0"

// commandLine is what every command shares: the program and the flags that all have.
type commandLine struct {
	program app.Program
	home    string
	viaFlag string
	via     moot.Architecture
	json    bool
	parsed  bool // the command line made sense; from here on errors are not about usage
	in      io.Reader
	out     io.Writer
	err     io.Writer
}

// Main runs one command line and returns the exit status.
func Main(ctx context.Context, program app.Program, args []string, in io.Reader, out, errs io.Writer) int {
	a := &commandLine{program: program, in: in, out: out, err: errs}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	c, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return Done
	case !a.parsed:
		a.reportUsage(c, err)
		return Usage
	}
	a.report(err)
	return Failed
}

func (a *commandLine) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "moot",
		Short: "Share files, messages and computing power over a server, between peers, or both",
		Long: `Moot lets a group share files, messages and computing power over a client-server
architecture, over a peer-to-peer architecture, or over both at once, with the same
commands.

Start a space with 'moot init', run a node with 'moot up' (a peer) or 'moot serve'
(the space's server), and bring others in with 'moot invite' and 'moot join'.`,
		Example: `  moot tour                       see all of it in a minute, in a temporary home
  moot init --name friends
  moot serve &
  moot invite                     prints a link
  moot join moot://…  --as ann    on another machine
  moot device add                 prints a link for one more device of yours
  moot share holiday.mp4
  moot get holiday.mp4
  moot sync photos                keeps a folder in step`,
		Version:           Version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: a.prepare,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.home, "home", "", "directory of this node's key, database, blobs and settings (default $MOOT_HOME, or per XDG)")
	flags.StringVar(&a.viaFlag, "via", "", "ask the `architecture` server, peers or both (default: what the space and the home allow)")
	flags.BoolVar(&a.json, "json", false, "print JSON: one object, or one a line")
	root.AddGroup(&cobra.Group{ID: "node", Title: "Nodes:"}, &cobra.Group{ID: "files", Title: "Files:"}, &cobra.Group{ID: "mail", Title: "Messages:"},
		&cobra.Group{ID: "jobs", Title: "Computing power:"},
		&cobra.Group{ID: "people", Title: "People:"})
	a.addGroup(root, "node", a.initCommand(), a.upCommand(), a.serveCommand(), a.statusCommand(), a.peersCommand(),
		a.policyCommand(), a.tokenCommand(), a.backupCommand(), a.restoreCommand(), a.gcCommand(), a.tourCommand(), a.planCommand(), a.compareCommand())
	a.addGroup(root, "files", a.shareCommand(), a.findCommand(), a.lsCommand(), a.getCommand(), a.catCommand(), a.moveFileCommand(), a.rmCommand(),
		a.undoCommand(), a.historyCommand(), a.conflictsCommand(), a.resolveCommand(), a.syncCommand())
	a.addGroup(root, "mail", a.sendCommand(), a.inboxCommand(), a.readCommand(), a.replyCommand(), a.searchCommand(), a.watchCommand(),
		a.attachmentsCommand(), a.markCommand(), a.moveCommand(), a.discardCommand(), a.accountCommand())
	a.addGroup(root, "jobs", a.runCommand(), a.jobsCommand(), a.logsCommand(), a.cancelCommand(), a.retryCommand(), a.offerCommand())
	a.addGroup(root, "people", a.inviteCommand(), a.joinCommand(), a.membersCommand(), a.deviceCommand(), a.renameCommand(), a.roleCommand(),
		a.revokeCommand(), a.leaveCommand())
	a.addProgramCommands(root)
	return root
}

func (a *commandLine) addGroup(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// prepare runs before every command, once its words and flags made sense.
func (a *commandLine) prepare(c *cobra.Command, _ []string) error {
	err := c.ValidateFlagGroups() // cobra does so later
	if err != nil {
		return err
	}
	if a.via, err = moot.ParseArchitecture(a.viaFlag); err != nil {
		return fmt.Errorf("--via is %q: want server, peers or both", a.viaFlag)
	}
	a.parsed = true
	if a.home == "" {
		a.home = os.Getenv("MOOT_HOME")
	}
	if a.home == "" {
		dir, err := dataHome()
		if err != nil {
			return moot.Errorf(moot.Invalid, "no home: set MOOT_HOME or give --home: %w", err)
		}
		a.home = dir
	}
	home, err := filepath.Abs(a.home)
	a.home = home
	return err
}

// dataHome follows the XDG base directory specification.
func dataHome() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "moot"), nil
	}
	dir, err := os.UserHomeDir()
	return filepath.Join(dir, ".local", "share", "moot"), err
}

// with opens a session, does the work and closes the session.
func (a *commandLine) with(ctx context.Context, do func(context.Context, *app.Session) error) (err error) {
	s, err := a.program.Open(ctx, a.home, a.via)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(ctx, s)
}

// reportUsage says what is wrong with a command line, and how one looks.
func (a *commandLine) reportUsage(c *cobra.Command, err error) {
	text := strings.ReplaceAll(err.Error(), "\t", "  ") // cobra's suggestions
	fmt.Fprintf(a.err, "moot: %s\n", clean(strings.TrimSpace(text)))
	if c.HasParent() && !c.HasSubCommands() {
		fmt.Fprintf(a.err, "Usage: %s\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
	}
	fmt.Fprintf(a.err, "Try '%s --help'.\n", c.CommandPath())
}

// report prints an error for a person, or for a program.
func (a *commandLine) report(err error) {
	if a.json {
		a.print(struct {
			Error string         `json:"error"`
			Kind  moot.ErrorKind `json:"kind"`
			Hint  moot.Hint      `json:"hint,omitempty"`
		}{err.Error(), moot.KindOf(err), moot.HintOf(err)})
		return
	}
	text := strings.TrimPrefix(err.Error(), "moot: ")
	if h := advice(err); h != "" {
		text += ": " + h
	}
	fmt.Fprintf(a.err, "moot: %s\n", clean(text))
}
