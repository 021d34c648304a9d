package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) joinCommand() *cobra.Command {
	var o app.JoinOptions
	var file string
	c := &cobra.Command{
		Use:   "join LINK|- [--as NAME] [--device LABEL]",
		Short: "Make this home a member of the space that the link invites to, or one more device of yours",
		Long: `Make this home a member of the space that a link of 'moot invite' invites to, or, with a
link of 'moot device add', one more device of the member who made it. Others on this
machine can read command lines: '-' reads the link from standard input.`,
		Example: "  moot join moot://… --as ann\n  moot join moot://… --as phone       with a link of 'moot device add'\n  moot join - < link.txt",
		Args: func(c *cobra.Command, args []string) error {
			if given := c.Flags().Changed("file"); given == (len(args) == 1) || len(args) > 1 {
				return fmt.Errorf("want one LINK, '-' or --file")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.Link, err = a.readLink(args, file); err != nil {
				return err
			}
			home, err := a.program.Join(c.Context(), a.home, o)
			if err != nil {
				return err
			}
			a.showJoined(home, o.As)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.As, "as", "", "`NAME` that you are called by in the space, or, with a link for a device, what this device is called (default: your login name, this host's name)")
	f.StringVar(&o.Label, "device", "", "what this device is called, as `LABEL` (default: this host's name)")
	f.StringVar(&file, "file", "", "read the link from `FILE`")
	return c
}

// readLink returns the link that was given, or the first in what it is read from.
func (a *commandLine) readLink(args []string, file string) (string, error) {
	in := a.in
	switch {
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return "", moot.Errorf(moot.Invalid, "read the link: %w", err)
		}
		defer f.Close()
		in = f
	case args[0] != "-":
		return args[0], nil
	}
	text, err := a.readSecret(in, "link")
	for word := range strings.FieldsSeq(text) {
		if strings.HasPrefix(word, "moot://") {
			return word, nil
		}
	}
	return text, err
}

// showJoined tells a newcomer what became of the join and of the name that was asked for.
func (a *commandLine) showJoined(home app.NewHome, asked string) {
	if a.json {
		a.print(home)
		return
	}
	if home.Added {
		a.say("this is now a device of %q in %q: %s", name(home.As), name(home.Name), name(home.Label))
	} else {
		a.say("joined %q as %q (%s)", name(home.Name), name(home.As), home.Member)
	}
	if asked != "" && asked != home.As && !home.Added && !home.Waiting {
		a.say("another member is called %q, or a name that mail programs take for it: choose one with 'moot rename NAME'", name(asked))
	}
	if home.Waiting {
		a.say("you wait for a server, admin or owner: start 'moot up', the first who sees it lets you in")
	}
}
