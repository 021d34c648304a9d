package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/mootspace/moot"
)

// addProgramCommands registers the commands about the program itself, which need no home.
func (a *commandLine) addProgramCommands(root *cobra.Command) {
	const group = "program"
	root.AddGroup(&cobra.Group{ID: group, Title: "This program:"})
	a.addGroup(root, group, a.versionCommand(), a.docsCommand())
	root.SetHelpCommand(a.helpCommand(root))
	root.SetHelpCommandGroupID(group)
	root.SetCompletionCommandGroupID(group)
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() != "completion" {
			continue
		}
		c.Short = "Print a completion script for bash, zsh, fish or PowerShell"
		c.Long = "Print a script with which a shell completes commands and flags.\nThe help of each subcommand says how to load it."
		c.Example = "  source <(moot completion bash)\n  moot completion zsh > \"${fpath[1]}/_moot\"\n  moot completion fish > ~/.config/fish/completions/moot.fish"
		c.PersistentPreRunE = a.prepareWithoutHome
		requireSubcommand(c)
	}
}

// helpCommand is cobra's, but that an unknown topic is a usage error.
func (a *commandLine) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		Args: func(_ *cobra.Command, topic []string) error {
			if _, rest, err := root.Find(topic); err != nil || len(rest) > 0 {
				return fmt.Errorf("unknown help topic %q", strings.Join(topic, " "))
			}
			return nil
		},
		PersistentPreRunE: a.prepareWithoutHome,
		ValidArgsFunction: func(_ *cobra.Command, topic []string, begun string) (names []string, _ cobra.ShellCompDirective) {
			if c, _, err := root.Find(topic); err == nil {
				for _, sub := range c.Commands() {
					if sub.IsAvailableCommand() && strings.HasPrefix(sub.Name(), begun) {
						names = append(names, sub.Name())
					}
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, topic []string) error {
			c, _, err := root.Find(topic)
			if err != nil {
				return err
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// prepareWithoutHome replaces prepare for commands that open no home.
func (a *commandLine) prepareWithoutHome(*cobra.Command, []string) error {
	a.parsed = true
	return nil
}

// requireSubcommand makes an unknown or missing subcommand a usage error; cobra prints the help
// and succeeds.
func requireSubcommand(c *cobra.Command) {
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		}
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return fmt.Errorf("%s: want one of %s", c.Name(), strings.Join(names, ", "))
	}
	c.RunE = func(*cobra.Command, []string) error { return nil } // cobra looks at Args only if there is one
}

func (a *commandLine) docsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:               "docs",
		Short:             "Write the manual: man pages or Markdown, one page a command",
		Example:           "  moot docs man /usr/local/share/man/man1\n  moot docs markdown manual",
		PersistentPreRunE: a.prepareWithoutHome,
	}
	requireSubcommand(c)
	c.AddCommand(
		a.docsFormatCommand("man", "Write man pages (section 1); the date is $SOURCE_DATE_EPOCH if it is set", func(root *cobra.Command, dir string) error {
			return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "moot " + Version, Manual: "Moot"}, dir)
		}),
		a.docsFormatCommand("markdown", "Write Markdown pages", doc.GenMarkdownTree),
	)
	return c
}

func (a *commandLine) docsFormatCommand(format, short string, generate func(root *cobra.Command, dir string) error) *cobra.Command {
	return &cobra.Command{
		Use:   format + " DIR",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			dir, root := args[0], c.Root()
			root.DisableAutoGenTag = true
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return moot.Errorf(moot.Invalid, "make the directory of the manual: %w", err)
			}
			if err := generate(root, dir); err != nil {
				return moot.Errorf(moot.Invalid, "write the manual: %w", err)
			}
			if a.json {
				a.print(map[string]string{"format": format, "directory": dir})
				return nil
			}
			a.say("wrote the manual to %s", name(dir))
			return nil
		},
	}
}
