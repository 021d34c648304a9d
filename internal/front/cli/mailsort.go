package cli

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

func (a *commandLine) moveCommand() *cobra.Command {
	return a.sortCommand("move ID… FOLDER", "Put messages into a folder, which is made if there is none", "  moot move 3fa9 Archive", 2,
		func(args []string) ([]string, mail.Change) {
			last := len(args) - 1
			return args[:last], mail.Change{Move: args[last]}
		})
}

func (a *commandLine) discardCommand() *cobra.Command {
	var forGood bool
	c := a.sortCommand("discard ID…", "Put messages into the trash, or remove them for good", "  moot discard 3fa9\n  moot discard --for-good 3fa9", 1,
		func(args []string) ([]string, mail.Change) {
			if forGood {
				return args, mail.Change{Remove: true}
			}
			return args, mail.Change{Move: mail.TrashFolder}
		})
	c.Flags().BoolVar(&forGood, "for-good", false, "remove them instead; others keep their copies")
	return c
}

func (a *commandLine) markCommand() *cobra.Command {
	var change mail.Change
	var set, unset []string
	c := a.sortCommand("mark ID… [--set FLAG] [--clear FLAG]", "Set and clear flags of messages", `  moot mark 3fa9 --set '\Flagged'`+"\n"+`  moot mark 3fa9 --clear '\Seen'`, 1,
		func(args []string) ([]string, mail.Change) {
			for _, f := range set {
				change.Set = append(change.Set, mail.Flag(f))
			}
			for _, f := range unset {
				change.Clear = append(change.Clear, mail.Flag(f))
			}
			return args, change
		})
	c.Flags().StringArrayVar(&set, "set", nil, `set the `+"`FLAG`"+`, as \Flagged or a word`)
	c.Flags().StringArrayVar(&unset, "clear", nil, `clear the `+"`FLAG`"+`, as \Seen`)
	c.MarkFlagsOneRequired("set", "clear")
	return c
}

// sortCommand is a command that changes messages and shows what became of them.
func (a *commandLine) sortCommand(use, what, example string, least int, parse func([]string) ([]string, mail.Change)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: what, Example: example, Args: cobra.MinimumNArgs(least),
		RunE: func(c *cobra.Command, args []string) error {
			ids, change := parse(args)
			return a.withMail(c.Context(), func(ctx context.Context, _ *app.Session, m mail.Mailbox) error {
				var changes []mail.Change
				for _, id := range ids {
					it, err := find(ctx, m, id)
					if err != nil {
						return err
					}
					change.Folder, change.UID = it.Folder, it.UID
					changes = append(changes, change)
				}
				items, err := m.Change(ctx, changes...)
				if err != nil {
					return err
				}
				for _, it := range items {
					if change.Remove {
						a.done("removed", short(it.ID))
						continue
					}
					full, err := m.List(ctx, mail.Query{Folder: it.Folder, ID: it.ID})
					if err != nil {
						return err
					}
					a.showItems(full)
				}
				return nil
			})
		},
	}
}

// showItems prints messages as a table or as JSON lines.
func (a *commandLine) showItems(items []mail.Item) {
	if a.json {
		for _, it := range items {
			a.print(it)
		}
		return
	}
	rows := make([][]string, len(items))
	for i, it := range items {
		note := ""
		if !slices.Contains(it.Flags, mail.Seen) {
			note = "new"
		}
		if n := len(it.Attachments); n > 0 {
			note += " +" + strconv.Itoa(n)
		}
		rows[i] = []string{short(it.ID), name(it.From), it.Arrived.Local().Format(time.DateTime), it.Folder, name(it.Subject), note}
	}
	a.table("ID\tFROM\tWHEN\tFOLDER\tSUBJECT\t", rows)
}

func (a *commandLine) showFolders(list []mail.Folder) {
	if a.json {
		for _, f := range list {
			a.print(f)
		}
		return
	}
	rows := make([][]string, len(list))
	for i, f := range list {
		rows[i] = []string{name(f.Name), strconv.Itoa(f.Messages), strconv.Itoa(f.Unseen), size(f.Size)}
	}
	a.table("FOLDER\tMESSAGES\tUNREAD\tSIZE", rows)
}
