package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

func (a *commandLine) backupCommand() *cobra.Command {
	var o app.BackupOptions
	var list bool
	c := &cobra.Command{
		Use:   "backup DIR",
		Short: "Back up all of this home to a directory, which has former backups",
		Long: `Back up all of this home to DIR while the node may be running: keys, settings, entries,
blobs, messages, accounts, jobs, and the files of synced folders. DIR is made if there is
none. Only what is new since the backups in it is written, and each of them can be restored.
An interrupted backup leaves those before it as they were.

DIR holds private keys that nothing protects but its permissions: keep it safe, and on
another disk.`,
		Example: "  moot backup /mnt/usb/moot\n  moot backup /mnt/usb/moot --keep 30\n  moot backup --list /mnt/usb/moot",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if list {
				return a.listBackups(c.Context(), args[0])
			}
			if o.Keep < 0 {
				return moot.Errorf(moot.Invalid, "--keep is %d: want 1 or more", o.Keep)
			}
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				bar := a.progress("backup", args[0])
				o.Progress = bar.update
				b, err := s.Control.Backup(ctx, args[0], o)
				bar.done(err)
				if err != nil {
					return err
				}
				return a.reportBackup(b)
			})
		},
	}
	c.Flags().IntVar(&o.Keep, "keep", 0, "drop all backups in DIR but the newest `N`, and what only they needed (default: none)")
	c.Flags().BoolVar(&list, "list", false, "list the backups in DIR")
	c.MarkFlagsMutuallyExclusive("keep", "list")
	return c
}

func (a *commandLine) reportBackup(b app.Backup) error {
	if a.json {
		a.print(b)
	}
	a.say("made %s: %s, %d blobs (%d new), wrote %s", b.ID, size(b.Size), b.New+b.Known, b.New, size(b.Bytes))
	if b.Dropped > 0 {
		a.say("dropped %d older, and freed %s", b.Dropped, size(b.Freed))
	}
	for _, dir := range b.Folders {
		a.say("without the files of %s, which cannot be read", name(dir))
	}
	if len(b.Unread) > 0 {
		return moot.Errorf(moot.Corrupt, "the rest was backed up, but these blobs of this home are damaged: %s", blobNames(b.Unread))
	}
	return nil
}

func blobNames(ids []moot.BlobID) string {
	var list []string
	for _, id := range ids {
		list = append(list, id.String())
	}
	return strings.Join(list, " ")
}

func (a *commandLine) listBackups(ctx context.Context, dir string) error {
	list, err := a.program.Backups(ctx, dir)
	var rows [][]string
	for _, b := range list {
		if a.json {
			a.print(b)
			continue
		}
		rows = append(rows, []string{b.ID, clock(b.Time), fmt.Sprint(b.Blobs), size(b.Size)})
	}
	a.table("ID\tTIME\tBLOBS\tSIZE", rows)
	return err
}

func (a *commandLine) restoreCommand() *cobra.Command {
	var o app.RestoreOptions
	var verify bool
	c := &cobra.Command{
		Use:   "restore DIR",
		Short: "Make this home from a backup; others bring it up to date",
		Long: `Make this home from the newest backup in DIR, or from the one that --at names. The home must
not exist. Start the node then: it comes back by itself, and learns from others what it has
written since.

With --verify nothing is restored: every byte of the backups in DIR is read and compared
with its name, every list with its signature. What is damaged is named, and the exit status
is 1. Remove those files from DIR: the next backup writes them again.`,
		Example: "  moot restore /mnt/usb/moot\n  moot restore /mnt/usb/moot --at '2026-01-31 18:00'\n  moot restore /mnt/usb/moot --verify",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if verify {
				return a.verifyBackup(c.Context(), args[0], o.At)
			}
			bar := a.progress("restore", args[0])
			o.Progress = bar.update
			r, err := a.program.Restore(c.Context(), a.home, args[0], o)
			bar.done(err)
			if err != nil {
				return err
			}
			return a.reportRestored(r)
		},
	}
	c.Flags().StringVar(&o.At, "at", "", "the `ID` of a backup, or a time: the newest that is not younger")
	c.Flags().BoolVar(&verify, "verify", false, "only look for damage in the backup")
	return c
}

func (a *commandLine) reportRestored(r app.Restored) error {
	if a.json {
		a.print(r)
	}
	a.say("restored %s: start the node, and the others bring it up to date", r.Home)
	if len(r.Damaged)+len(r.Packs) > 0 {
		return moot.Errorf(moot.Corrupt, "what is damaged in the backup was left out, and is fetched again if somebody has it: %s",
			strings.TrimSpace(blobNames(r.Damaged)+" "+strings.Join(r.Packs, " ")))
	}
	return nil
}

func (a *commandLine) verifyBackup(ctx context.Context, dir, at string) error {
	bar := a.progress("verify", dir)
	list, err := a.program.VerifyBackup(ctx, dir, at, bar.update)
	bar.done(err)
	if err != nil {
		return err
	}
	var bytes int64
	for _, b := range list {
		if a.json {
			a.print(b)
		}
		bytes = max(bytes, b.Size)
	}
	a.say("no damage in %d backups, the largest of %s", len(list), size(bytes))
	return nil
}
