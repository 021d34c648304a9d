package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/mail"
)

func (a *commandLine) inboxCommand() *cobra.Command {
	q := mail.Query{}
	var folders bool
	c := &cobra.Command{
		Use:     "inbox [FOLDER]",
		Short:   "List messages, of the inbox or another folder",
		Example: "  moot inbox\n  moot inbox --unread\n  moot inbox Channels/general\n  moot inbox --folders",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMail(c.Context(), func(ctx context.Context, _ *app.Session, m mail.Mailbox) error {
				list, err := m.Folders(ctx)
				if err != nil {
					return err
				}
				if folders {
					a.showFolders(list)
					return nil
				}
				q.Folder = strings.Join(append(args, mail.Inbox)[:1], "")
				at := slices.IndexFunc(list, func(f mail.Folder) bool { return strings.EqualFold(f.Name, q.Folder) })
				if at < 0 {
					return moot.Errorf(moot.NotFound, "there is no folder %.80q: see 'moot inbox --folders'", q.Folder)
				}
				q.Folder = list[at].Name
				items, err := m.List(ctx, q)
				if err != nil {
					return err
				}
				a.showItems(items)
				if n := list[at].Awaited; n > 0 && !a.json {
					fmt.Fprintf(a.err, "%d more announced, but nobody who has them can be reached now\n", n)
				}
				return nil
			})
		},
	}
	f := c.Flags()
	f.BoolVar(&q.Unseen, "unread", false, "only those that were not read")
	f.IntVar(&q.Limit, "limit", 100, "the newest `N`; 0 for all")
	f.BoolVar(&folders, "folders", false, "list the folders instead")
	return c
}

func (a *commandLine) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch",
		Short: "Print messages as they come, until interrupted",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withMail(c.Context(), func(ctx context.Context, _ *app.Session, m mail.Mailbox) error {
				changes := m.Watch(ctx)
				seen, err := newest(ctx, m)
				if err != nil {
					return err
				}
				for range changes {
					items, err := m.List(ctx, mail.Query{Since: seen})
					if err != nil {
						return err
					}
					for _, it := range items {
						seen = max(seen, it.ModSeq)
					}
					a.showItems(slices.DeleteFunc(items, func(it mail.Item) bool { return slices.Contains(it.Flags, mail.Seen) }))
				}
				if ctx.Err() == nil {
					return moot.Errorf(moot.Unavailable, "the node went away")
				}
				return nil
			})
		},
	}
}

// newest returns the last change of all.
func newest(ctx context.Context, m mail.Mailbox) (modseq uint64, err error) {
	list, err := m.Folders(ctx)
	for _, f := range list {
		modseq = max(modseq, f.ModSeq)
	}
	return modseq, err
}

func (a *commandLine) readCommand() *cobra.Command {
	var raw, unread, thread bool
	c := &cobra.Command{
		Use:   "read ID",
		Short: "Show a message, and who was given it and has read it",
		Long: `Show a message whose ID begins so. Its author is told that it was read, unless
'moot policy --hide-reading' was said.`,
		Example: "  moot read 3fa9\n  moot read 3fa9 --raw > message.eml\n  moot read 3fa9 --thread",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMessage(c.Context(), args[0], func(ctx context.Context, s *app.Session, m mail.Mailbox, it mail.Item) error {
				if thread {
					items, err := m.List(ctx, mail.Query{Thread: it.Thread})
					if err == nil {
						a.showItems(items)
					}
					return err
				}
				if !unread {
					if _, err := m.Change(ctx, mail.Change{Folder: it.Folder, UID: it.UID, Set: []mail.Flag{mail.Seen}}); err != nil {
						return err
					}
				}
				if raw {
					return a.showRaw(ctx, m, it)
				}
				return a.showMessage(ctx, s, m, it)
			})
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "print the whole MIME message")
	c.Flags().BoolVar(&unread, "keep-unread", false, "do not mark it as read")
	c.Flags().BoolVar(&thread, "thread", false, "list its thread instead")
	c.MarkFlagsMutuallyExclusive("raw", "thread")
	return c
}

func (a *commandLine) showRaw(ctx context.Context, m mail.Mailbox, it mail.Item) error {
	rc, err := m.Open(ctx, it.ID)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(a.out, rc)
	return err
}

func (a *commandLine) showMessage(ctx context.Context, s *app.Session, m mail.Mailbox, it mail.Item) error {
	receipts, err := m.Receipts(ctx, it.ID)
	if err != nil {
		return err
	}
	body, err := wholeText(ctx, m, it)
	if err != nil {
		return err
	}
	if a.json {
		it.Text = body
		a.print(struct {
			mail.Item
			Receipts []mail.Receipt `json:"receipts"`
		}{it, receipts})
		return nil
	}
	a.say("From: %s\nTo: %s\nDate: %s\nSubject: %s", name(it.From), name(strings.Join(it.To, ", ")), it.Date.Local().Format(time.DateTime), name(it.Subject))
	for _, at := range it.Attachments {
		a.say("Attached: %s, %s", name(at.Name), size(at.Size))
	}
	a.say("\n%s", strings.TrimRight(clean(body), "\n"))
	a.showReceipts(ctx, s, it, receipts)
	return nil
}

// wholeText returns what a message says: a list holds only its beginning.
func wholeText(ctx context.Context, m mail.Mailbox, it mail.Item) (string, error) {
	rc, err := m.Open(ctx, it.ID)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	return mail.Text(rc)
}

func (a *commandLine) showReceipts(ctx context.Context, s *app.Session, it mail.Item, receipts []mail.Receipt) {
	if it.Author != s.Member || len(receipts) == 0 {
		return
	}
	who := a.names(ctx, s)
	a.say("")
	for _, r := range receipts {
		state := "not delivered yet"
		switch {
		case !r.Read.IsZero():
			state = "read " + r.Read.Local().Format(time.DateTime)
		case !r.Delivered.IsZero():
			state = "delivered " + r.Delivered.Local().Format(time.DateTime)
		}
		a.say("%s: %s", name(who.member(r.Reader)), state)
	}
}

func (a *commandLine) attachmentsCommand() *cobra.Command {
	var dir, share string
	c := &cobra.Command{
		Use:     "attachments ID [-o DIR] [--share PREFIX]",
		Short:   "Save the attachments of a message as files, or share them in the space",
		Example: "  moot attachments 3fa9 -o ~/downloads\n  moot attachments 3fa9 --share reports/",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMessage(c.Context(), args[0], func(ctx context.Context, s *app.Session, m mail.Mailbox, it mail.Item) error {
				rc, err := m.Open(ctx, it.ID)
				if err != nil {
					return err
				}
				defer rc.Close()
				return mail.Extract(rc, func(at mail.Attachment, r io.Reader) error { return a.keepAttachment(ctx, s, at.Name, r, dir, share) })
			})
		},
	}
	c.Flags().StringVarP(&dir, "output", "o", ".", "`DIR` to save them in")
	c.Flags().StringVar(&share, "share", "", "share them under names that begin with `PREFIX` instead")
	return c
}

func (a *commandLine) keepAttachment(ctx context.Context, s *app.Session, as string, r io.Reader, dir, share string) error {
	if share != "" {
		tmp, err := os.MkdirTemp("", "moot-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		path, err := saveAs(tmp, as, r)
		if err != nil {
			return err
		}
		f, err := s.Files.Share(ctx, path, files.ShareOptions{As: share + as})
		if err == nil {
			a.showResult(f.Name, f)
		}
		return err
	}
	path, err := saveAs(dir, as, r)
	if err != nil {
		return err
	}
	if a.json {
		a.print(map[string]any{"path": path})
	}
	a.say("%s", clean(path))
	return nil
}

// saveAs writes a new file, under another name if there is one of that name.
func saveAs(dir, as string, r io.Reader) (string, error) {
	path := filepath.Join(dir, as)
	for n := 2; ; n++ {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) && n < 1000 {
			ext := filepath.Ext(as)
			path = filepath.Join(dir, fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(as, ext), n, ext))
			continue
		}
		if err != nil {
			return "", moot.Errorf(moot.Invalid, "save %s: %w", as, err)
		}
		_, err = io.Copy(f, r)
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
		return path, err
	}
}
