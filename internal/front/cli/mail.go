package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

// composition is a message to be sent, as flags and input describe it.
type composition struct {
	message mail.Message
	attach  []string
	text    string
	wait    time.Duration
	draft   bool
	confirm bool
}

func (l *composition) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&l.message.Cc, "cc", nil, "also send to `ADDRESS`, for all to see")
	f.StringArrayVar(&l.message.Bcc, "bcc", nil, "also send to `ADDRESS`, which the others do not see")
	f.StringArrayVar(&l.attach, "attach", nil, "attach `FILE`")
	f.StringVar(&l.text, "text", "", "its `TEXT` (default: standard input)")
	spanVar(f, &l.wait, "wait", 5*time.Second, "the `TIME` to wait, once the message is safe here, until others hold it")
	f.BoolVar(&l.confirm, "confirm", false, "send also to names that mean another member than when you last wrote to them")
	f.BoolVar(&l.draft, "draft", false, "keep it in the folder Drafts instead of sending it")
}

func (a *commandLine) sendCommand() *cobra.Command {
	var l composition
	var draft string
	c := &cobra.Command{
		Use:   "send TO… [--subject S] [--attach FILE]… < TEXT",
		Short: "Send a message to members, a #channel, or anybody if the space's server sends mail",
		Long: `Send a message. TO is a member's name or ID, a #channel, which all members read, or
an email address elsewhere if the space's server exchanges mail with the outside. The
message is sealed: nobody but those it is for can read it, also not the nodes that hold it.
With --from-draft a message of the folder Drafts is sent, to whom it names and to TO.`,
		Example: "  echo 'At noon?' | moot send bob --subject Lunch\n  moot send '#general' --subject News --text 'It rains.'\n  moot send ann bob --attach report.pdf --text 'As promised.'\n  moot send --from-draft 3fa9",
		Args: func(c *cobra.Command, args []string) error {
			if draft != "" {
				return nil
			}
			return cobra.MinimumNArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if draft != "" {
				return a.sendDraft(c.Context(), draft, args, &l)
			}
			l.message.To = args
			return a.withMail(c.Context(), func(ctx context.Context, _ *app.Session, m mail.Mailbox) error { return a.dispatch(ctx, m, &l) })
		},
	}
	c.Flags().StringVar(&l.message.Subject, "subject", "", "`SUBJECT` of the message")
	c.Flags().StringVar(&draft, "from-draft", "", "send the draft whose `ID` begins so, and remove it from Drafts")
	l.flags(c)
	for _, flag := range []string{"subject", "text", "attach", "cc", "bcc", "draft"} {
		c.MarkFlagsMutuallyExclusive("from-draft", flag)
	}
	return c
}

// sendDraft sends a message of the folder Drafts, and removes it there.
func (a *commandLine) sendDraft(ctx context.Context, id string, to []string, l *composition) error {
	return a.withMessage(ctx, id, func(ctx context.Context, _ *app.Session, m mail.Mailbox, it mail.Item) error {
		if !it.IsDraft() {
			return moot.Errorf(moot.Invalid, "%s is no draft: see 'moot inbox Drafts'", short(it.ID))
		}
		rc, err := m.Open(ctx, it.ID)
		if err != nil {
			return err
		}
		defer rc.Close()
		source, err := mail.FromDraft(rc, to...)
		if err != nil {
			return err
		}
		s, err := m.Send(ctx, mail.Outgoing{MIME: source, Wait: l.wait, Confirm: l.confirm})
		if err != nil {
			return err
		}
		if _, err := m.Change(ctx, mail.Change{Folder: it.Folder, UID: it.UID, Remove: true}); err != nil {
			return err
		}
		a.showSent(s)
		return nil
	})
}

func (a *commandLine) replyCommand() *cobra.Command {
	var l composition
	var all bool
	c := &cobra.Command{
		Use:     "reply ID [--all] [--attach FILE]… < TEXT",
		Short:   "Answer a message",
		Example: "  echo Yes. | moot reply 3fa9",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withMessage(c.Context(), args[0], func(ctx context.Context, _ *app.Session, m mail.Mailbox, it mail.Item) error {
				if it.IsDraft() {
					return moot.Errorf(moot.Invalid, "%s is a draft: 'moot send --from-draft %[1]s' sends it", short(it.ID))
				}
				l.message.InReplyTo = &it.Summary
				l.message.Subject = "Re: " + strings.TrimPrefix(it.Subject, "Re: ")
				l.message.To = []string{it.From}
				if it.Channel != "" {
					l.message.To = []string{it.Channel}
				} else if all {
					l.message.Cc = append(l.message.Cc, it.To...)
				}
				if err := a.dispatch(ctx, m, &l); err != nil || l.draft {
					return err
				}
				_, err := m.Change(ctx, mail.Change{Folder: it.Folder, UID: it.UID, Set: []mail.Flag{mail.Seen, mail.Answered}})
				return err
			})
		},
	}
	c.Flags().BoolVar(&all, "all", false, "answer to all whom the message was to")
	l.flags(c)
	return c
}

// dispatch writes the message while it is sent: attachments may be of any size.
func (a *commandLine) dispatch(ctx context.Context, m mail.Mailbox, l *composition) error {
	if err := l.read(a.in); err != nil {
		return err
	}
	pr, pw := io.Pipe()
	go func() {
		_, err := l.message.WriteTo(pw)
		pw.CloseWithError(err)
	}()
	defer pr.Close()
	if l.draft {
		it, err := m.Save(ctx, mail.DraftsFolder, []mail.Flag{mail.Draft, mail.Seen}, time.Now(), pr)
		if err == nil {
			a.showItems([]mail.Item{it})
		}
		return err
	}
	s, err := m.Send(ctx, mail.Outgoing{MIME: pr, Wait: l.wait, Confirm: l.confirm})
	if err == nil {
		a.showSent(s)
	}
	return err
}

func (a *commandLine) showSent(s mail.Sent) {
	if a.json {
		a.print(s)
		return
	}
	to := ""
	if n := len(s.Members) + len(s.Relayed); n > 0 { // none for a message to oneself
		to = fmt.Sprintf(" to %d, held by %d more", n, s.Holders)
	}
	a.say("sent %s%s", short(s.ID), to)
	if s.Holders == 0 && len(s.Members) > 0 {
		a.say("it waits here until somebody can be reached: keep 'moot up' running")
	}
}

// read takes in the text and looks at the attachments.
func (l *composition) read(in io.Reader) error {
	for _, path := range l.attach {
		if info, err := os.Stat(path); err != nil || info.IsDir() {
			return moot.Errorf(moot.Invalid, "attach %s: %w", path, cmpErr(err, errors.New("it is a folder: share it instead")))
		}
		l.message.Attach = append(l.message.Attach, mail.File{Name: filepath.Base(path), Open: func() (io.ReadCloser, error) { return os.Open(path) }})
	}
	l.message.Text = l.text
	if l.text != "" {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(in, maxTyped+1))
	if err == nil && len(text) > maxTyped {
		err = moot.Errorf(moot.TooLarge, "the text is larger than %d MiB: attach it", maxTyped>>20)
	}
	l.message.Text = string(text)
	return err
}

// maxTyped is the size in bytes of the longest text that is no attachment.
const maxTyped = 16 << 20

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// withMail opens a session and its mail.
func (a *commandLine) withMail(ctx context.Context, do func(context.Context, *app.Session, mail.Mailbox) error) error {
	return a.with(ctx, func(ctx context.Context, s *app.Session) error {
		m, err := s.Mail(ctx)
		if err != nil {
			return err
		}
		return do(ctx, s, m)
	})
}

// withMessage opens a session and one message.
func (a *commandLine) withMessage(ctx context.Context, prefix string, do func(context.Context, *app.Session, mail.Mailbox, mail.Item) error) error {
	return a.withMail(ctx, func(ctx context.Context, s *app.Session, m mail.Mailbox) error {
		it, err := find(ctx, m, prefix)
		if err != nil {
			return err
		}
		return do(ctx, s, m, it)
	})
}

// find returns the one message whose ID begins so.
func find(ctx context.Context, m mail.Mailbox, prefix string) (mail.Item, error) {
	items, err := m.List(ctx, mail.Query{Prefix: prefix})
	if err != nil {
		return mail.Item{}, err
	}
	if len(items) == 0 {
		return mail.Item{}, moot.WithHint(moot.Errorf(moot.NotFound, "there is no message %.70q", prefix), moot.HintListMessages)
	}
	if slices.ContainsFunc(items, func(it mail.Item) bool { return it.ID != items[0].ID }) {
		return mail.Item{}, moot.Errorf(moot.Invalid, "several messages begin with %.70q: give more of the ID", prefix)
	}
	at := slices.IndexFunc(items, func(it mail.Item) bool { return it.Folder == mail.Inbox })
	return items[max(at, 0)], nil
}

func short(id moot.BlobID) string { return id.String()[:12] }
