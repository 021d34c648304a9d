package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mailfile"
)

func (a *commandLine) accountImportCommand() *cobra.Command {
	var folder, account string
	c := &cobra.Command{
		Use:   "import FILE|DIR [--folder FOLDER] [--account NAME]",
		Short: "Take in mail of other programs: mbox files, Maildirs, and trees of them",
		Long: `Take in the messages of an mbox file, a Maildir, or a directory of such, as Dovecot
(Maildir++), Thunderbird and mutt keep them, with their folders, flags and dates. Messages
that are in their folders already are left out, so that an import can be repeated, and go
on after it was interrupted. A message that cannot be read is named, and the others are
taken in.`,
		Example: "  moot account import ~/Maildir\n  moot account import old.mbox --folder Archive/2019\n  moot account import /var/mail/zoe --account zoe --folder INBOX",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			sources, err := mailfile.Find(args[0], folder)
			if err != nil {
				return err
			}
			return a.withAccount(c.Context(), account, func(ctx context.Context, m mail.Mailbox) error {
				i := &mailImport{box: m, folders: map[string]*folderContent{}, warn: func(err error) { fmt.Fprintf(a.err, "moot: %s\n", clean(err.Error())) }}
				for _, s := range sources {
					i.total += s.Size
				}
				i.bar = a.progress("import", args[0])
				err := i.run(ctx, sources)
				i.bar.done(err)
				a.showImport(i)
				return err
			})
		},
	}
	c.Flags().StringVar(&folder, "folder", "", "put them into `FOLDER`, and folders of theirs below it")
	accountVar(c, &account)
	return c
}

func accountVar(c *cobra.Command, account *string) {
	c.Flags().StringVar(account, "account", "", "of the member `NAME`, whose account this node keeps (default: your own)")
}

// withAccount opens a session and the mail of an account; "" is the member's own.
func (a *commandLine) withAccount(ctx context.Context, account string, do func(context.Context, mail.Mailbox) error) error {
	return a.with(ctx, func(ctx context.Context, s *app.Session) error {
		m, err := s.AccountMail(ctx, account)
		if err != nil {
			return err
		}
		return do(ctx, m)
	})
}

func (a *commandLine) showImport(i *mailImport) {
	if a.json {
		a.print(map[string]int{"imported": i.imported, "known": i.known, "damaged": i.damaged})
		return
	}
	text := fmt.Sprintf("imported %d messages", i.imported)
	if i.known > 0 {
		text += fmt.Sprintf(", %d were there already", i.known)
	}
	if i.damaged > 0 {
		text += fmt.Sprintf(", %d cannot be read", i.damaged)
	}
	a.say("%s", text)
}

// mailImport is an import under way.
type mailImport struct {
	box     mail.Mailbox
	folders map[string]*folderContent
	bar     *bar
	warn    func(error)

	done, total              int64 // bytes
	imported, known, damaged int
}

func (i *mailImport) run(ctx context.Context, sources []mailfile.Source) error {
	for _, s := range sources {
		for m, err := range s.Messages() {
			var damaged mailfile.Damaged
			switch {
			case errors.As(err, &damaged):
				i.warn(damaged)
				i.damaged++
				continue
			case err != nil:
				return err
			}
			if err := i.add(ctx, m); err != nil {
				return err
			}
			i.done += int64(len(m.MIME))
			i.bar.update(i.done, max(i.total, i.done))
		}
	}
	if i.damaged > 0 {
		return moot.Errorf(moot.Corrupt, "%d messages cannot be read; the others were taken in", i.damaged)
	}
	return nil
}

func (i *mailImport) add(ctx context.Context, m mailfile.Message) error {
	content, err := i.folder(ctx, m.Folder)
	if err != nil {
		return err
	}
	known, err := content.has(ctx, i.box, m.MIME)
	if err != nil {
		return err
	}
	if known {
		i.known++
		return nil
	}
	at := m.Time
	if at.IsZero() {
		at = time.Now()
	}
	if _, err := i.box.Save(ctx, content.name, m.Flags, at, bytes.NewReader(m.MIME)); err != nil {
		return err
	}
	content.known[sha256.Sum256(m.MIME)] = true
	i.imported++
	return nil
}

// folder returns what is in a folder, under the name that it has already in another case.
func (i *mailImport) folder(ctx context.Context, name string) (*folderContent, error) {
	if f := i.folders[name]; f != nil {
		return f, nil
	}
	list, err := i.box.Folders(ctx)
	if err != nil {
		return nil, err
	}
	f := &folderContent{name: name, sizes: map[int64][]mail.Item{}, known: map[[sha256.Size]byte]bool{}}
	at := slices.IndexFunc(list, func(known mail.Folder) bool { return strings.EqualFold(known.Name, name) })
	if at >= 0 {
		f.name = list[at].Name
		items, err := i.box.List(ctx, mail.Query{Folder: f.name, Brief: true})
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			f.sizes[it.Size] = append(f.sizes[it.Size], it)
		}
	}
	i.folders[name] = f
	return f, nil
}

// folderContent tells which messages are in a folder, by their content.
type folderContent struct {
	name  string
	sizes map[int64][]mail.Item // not looked at yet
	known map[[sha256.Size]byte]bool
}

// maxPreface bounds the bytes that were put before a message on its arrival.
const maxPreface = 512

// has reports whether a message is in the folder. It reads those that may be the same,
// each once.
func (f *folderContent) has(ctx context.Context, box mail.Mailbox, text []byte) (bool, error) {
	sum := sha256.Sum256(text)
	for more := int64(0); more <= maxPreface && !f.known[sum]; more++ {
		size := int64(len(text)) + more
		for _, it := range f.sizes[size] {
			h := sha256.New()
			if err := readSource(ctx, box, it, h); err != nil {
				return false, err
			}
			f.known[[sha256.Size]byte(h.Sum(nil))] = true
		}
		delete(f.sizes, size)
	}
	return f.known[sum], nil
}

// readSource writes a message as it came.
func readSource(ctx context.Context, box mail.Mailbox, it mail.Item, w io.Writer) error {
	rc, err := box.Open(ctx, it.ID)
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = io.Copy(w, mail.Source(rc))
	return err
}

func (a *commandLine) accountExportCommand() *cobra.Command {
	var folder, account string
	c := &cobra.Command{
		Use:   "export DIR|FILE.mbox [--folder FOLDER] [--account NAME]",
		Short: "Write mail for other programs: a Maildir of all folders, or an mbox file of one",
		Long: `Write all messages into a Maildir with subfolders (Maildir++), which mutt, Dovecot and
others read, with their flags and dates; or those of one folder (default INBOX) into an
mbox file, if the name ends with .mbox. What is in the Maildir already is left out, so that
an export can be repeated, and go on after it was interrupted.`,
		Example: "  moot account export ~/backup/mail\n  moot account export inbox.mbox\n  moot account export /srv/zoe --account zoe",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withAccount(c.Context(), account, func(ctx context.Context, m mail.Mailbox) error {
				n, err := a.exportMail(ctx, m, args[0], folder)
				if err != nil {
					return err
				}
				if a.json {
					a.print(map[string]int{"exported": n})
				}
				a.say("exported %d messages", n)
				return nil
			})
		},
	}
	c.Flags().StringVar(&folder, "folder", "", "only `FOLDER`")
	accountVar(c, &account)
	return c
}

// exportMail writes messages to a Maildir or an mbox file, and returns how many.
func (a *commandLine) exportMail(ctx context.Context, m mail.Mailbox, path, folder string) (n int, err error) {
	mbox := strings.HasSuffix(path, ".mbox")
	if mbox && folder == "" {
		folder = mail.Inbox
	}
	if folder, err = folderName(ctx, m, folder); err != nil {
		return 0, err
	}
	items, err := m.List(ctx, mail.Query{Folder: folder, Brief: true})
	if err != nil {
		return 0, err
	}
	b := a.progress("export", path)
	if mbox {
		n, err = exportMbox(ctx, m, items, path, b)
	} else {
		n, err = exportMaildir(ctx, m, items, path, b)
	}
	b.done(err)
	return n, err
}

func exportMaildir(ctx context.Context, box mail.Mailbox, items []mail.Item, dir string, b *bar) (n int, err error) {
	w, err := mailfile.NewMaildirWriter(dir)
	if err != nil {
		return 0, err
	}
	for i, it := range items {
		id := short(it.ID)
		known, err := w.Has(it.Folder, id, it.Arrived)
		if err != nil {
			return n, err
		}
		if !known {
			m, err := fileMessage(ctx, box, it)
			if err == nil {
				err = w.Write(m, id)
			}
			if err != nil {
				return n, err
			}
			n++
		}
		b.update(int64(i+1), int64(len(items)))
	}
	return n, nil
}

// exportMbox writes a new file, which is there whole or not at all.
func exportMbox(ctx context.Context, box mail.Mailbox, items []mail.Item, path string, b *bar) (n int, err error) {
	if _, err := os.Lstat(path); err == nil {
		return 0, moot.Errorf(moot.Conflict, "%s is there already: name another file", path)
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, moot.Errorf(moot.Invalid, "write %s: %w", path, err)
	}
	for i, it := range items {
		m, err := fileMessage(ctx, box, it)
		if err == nil {
			err = mailfile.WriteMbox(f, m)
		}
		if err != nil {
			return n, errors.Join(err, f.Close(), os.Remove(part))
		}
		n++
		b.update(int64(i+1), int64(len(items)))
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return 0, errors.Join(err, os.Remove(part))
	}
	return n, os.Rename(part, path)
}

// fileMessage returns a message for a file.
func fileMessage(ctx context.Context, box mail.Mailbox, it mail.Item) (mailfile.Message, error) {
	var text bytes.Buffer
	err := readSource(ctx, box, it, &text)
	return mailfile.Message{Folder: it.Folder, Flags: it.Flags, Time: it.Arrived, MIME: text.Bytes()}, err
}
