package api

import (
	"context"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

type selectMessages struct {
	Folder   string      `query:"folder"`
	ID       moot.BlobID `query:"id"`
	Prefix   string      `query:"prefix" doc:"Of the ID, in hexadecimal."`
	Words    string      `query:"words" doc:"What subject, people, text or attachments' names contain, by the beginnings of words; phrases in quotes."`
	From     string      `query:"from" doc:"As words, in who wrote it."`
	To       string      `query:"to" doc:"As words, in To, Cc and the channel."`
	Subject  string      `query:"subject" doc:"As words, in the subject."`
	After    time.Time   `query:"after" doc:"Arrived then or later."`
	Before   time.Time   `query:"before" doc:"Arrived earlier."`
	Attached bool        `query:"attached" doc:"With attachments."`
	Thread   string      `query:"thread"`
	Since    uint64      `query:"since" doc:"Changed after this modseq."`
	First    uint32      `query:"first" doc:"The lowest UID."`
	Last     uint32      `query:"last" doc:"The highest UID; all from first if absent."`
	Begin    bool        `query:"begin" doc:"With the first bytes of each message, all or about 16 KiB, if they are at hand."`
	Unseen   bool        `query:"unseen"`
	Limit    int         `query:"limit" doc:"The newest so many; all if absent."`
	Brief    bool        `query:"light" doc:"Without what the headers say."`
}

type setFolder struct {
	Body struct {
		From string `json:"from,omitempty" doc:"What is in this folder moves, and it is removed."`
		To   string `json:"to,omitempty" doc:"The folder to make; if empty, from is removed with what is in it."`
	}
}

type subscribe struct {
	Body struct {
		Folder string `json:"folder"`
		On     bool   `json:"on" doc:"False: mail programs do not show it."`
	}
}

type quota struct {
	Used  int64 `json:"used"`
	Limit int64 `json:"limit,omitempty"` // 0: none
}

type changeMessages struct{ Body []mail.Change }

type messageID struct {
	ID moot.BlobID `path:"id"`
}

// Operations on messages. Those with a message as their body are in message.go.
var (
	foldersOp       = op[none, []mail.Folder]{at: "GET /api/mail/folders", does: "Mail folders", may: reads}
	setFolderOp     = op[setFolder, none]{at: "POST /api/mail/folders", does: "Make, rename or remove a mail folder", may: writes}
	subscriptionsOp = op[none, map[string]bool]{at: "GET /api/mail/subscriptions", does: "Mail folders that were subscribed or not", may: reads}
	subscribeOp     = op[subscribe, none]{at: "POST /api/mail/subscriptions", does: "Subscribe a mail folder, or not", may: writes}
	quotaOp         = op[none, quota]{at: "GET /api/mail/quota", does: "How many bytes of messages there are, and may be", may: reads}
	messagesOp      = op[selectMessages, []mail.Item]{at: "GET /api/mail/messages", does: "List or find messages", may: reads}
	changeOp        = op[changeMessages, []mail.Item]{at: "PATCH /api/mail/messages", does: "Move, mark and remove messages", may: writes}
	readOp          = op[messageID, mail.Item]{at: "GET /api/mail/messages/{id}", does: "A message with all its text", may: reads}
	receiptsOp      = op[messageID, []mail.Receipt]{at: "GET /api/mail/messages/{id}/receipts", does: "Who has received and read a message", may: reads}
	watchOp         = op[none, line[[]string, none]]{at: "GET /api/mail/watch", does: "Folders that change; the first line has none", may: reads, gives: typeLines}
)

// maxChanges is how many messages one request may change.
const maxChanges = 5000

func (s *server) addMail() {
	foldersOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, _ none) ([]mail.Folder, error) { return m.Folders(ctx) }))
	setFolderOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, in setFolder) (none, error) {
		return none{}, m.SetFolder(ctx, in.Body.From, in.Body.To)
	}))
	subscriptionsOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, _ none) (map[string]bool, error) {
		return m.Subscriptions(ctx)
	}))
	subscribeOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, in subscribe) (none, error) {
		return none{}, m.Subscribe(ctx, in.Body.Folder, in.Body.On)
	}))
	quotaOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, _ none) (q quota, err error) {
		q.Used, q.Limit, err = m.Quota(ctx)
		return q, err
	}))
	messagesOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, in selectMessages) ([]mail.Item, error) {
		return m.List(ctx, mail.Query(in))
	}))
	changeOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, in changeMessages) ([]mail.Item, error) {
		if len(in.Body) > maxChanges {
			return nil, moot.Errorf(moot.TooLarge, "%d changes are more than the %d of one request", len(in.Body), maxChanges)
		}
		return m.Change(ctx, in.Body...)
	}))
	readOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, in messageID) (mail.Item, error) {
		return readMessage(ctx, m, in.ID)
	}))
	receiptsOp.serve(s, withMail(func(ctx context.Context, m mail.Mailbox, in messageID) ([]mail.Receipt, error) {
		return m.Receipts(ctx, in.ID)
	}))
	stream(s, watchOp, func(ctx context.Context, m *app.Session, _ none, emit func([]string) error) (none, error) {
		box, err := m.Mail(ctx)
		if err != nil {
			return none{}, err
		}
		changes := box.Watch(ctx)
		if err := emit([]string{}); err != nil {
			return none{}, err
		}
		for folders := range changes {
			if err := emit(folders); err != nil {
				return none{}, err
			}
		}
		return none{}, ctx.Err()
	})
	s.addMessages()
}

// withMail opens the session's mailbox for f.
func withMail[In, Out any](f func(context.Context, mail.Mailbox, In) (Out, error)) func(context.Context, *app.Session, In) (Out, error) {
	return func(ctx context.Context, m *app.Session, in In) (out Out, err error) {
		box, err := m.Mail(ctx)
		if err != nil {
			return out, err
		}
		return f(ctx, box, in)
	}
}

// readMessage returns a message's item with all its text.
func readMessage(ctx context.Context, m mail.Mailbox, id moot.BlobID) (mail.Item, error) {
	items, err := m.List(ctx, mail.Query{ID: id})
	if err != nil {
		return mail.Item{}, err
	}
	if len(items) == 0 {
		return mail.Item{}, moot.Errorf(moot.NotFound, "there is no message %v", id)
	}
	rc, err := m.Open(ctx, id)
	if err != nil {
		return mail.Item{}, err
	}
	defer rc.Close()
	items[0].Text, err = mail.Text(rc)
	return items[0], err
}

// mailClient is a mail.Mailbox.
type mailClient struct{ *client }

var _ mail.Mailbox = mailClient{}

func (c mailClient) Folders(ctx context.Context) ([]mail.Folder, error) {
	return foldersOp.call(ctx, c.client, none{})
}

func (c mailClient) SetFolder(ctx context.Context, from, to string) error {
	var in setFolder
	in.Body.From, in.Body.To = from, to
	return setFolderOp.run(ctx, c.client, in)
}

func (c mailClient) Subscriptions(ctx context.Context) (map[string]bool, error) {
	return subscriptionsOp.call(ctx, c.client, none{})
}

func (c mailClient) Subscribe(ctx context.Context, folder string, on bool) error {
	var in subscribe
	in.Body.Folder, in.Body.On = folder, on
	return subscribeOp.run(ctx, c.client, in)
}

func (c mailClient) Quota(ctx context.Context) (used, limit int64, err error) {
	q, err := quotaOp.call(ctx, c.client, none{})
	return q.Used, q.Limit, err
}

func (c mailClient) List(ctx context.Context, q mail.Query) ([]mail.Item, error) {
	return messagesOp.call(ctx, c.client, selectMessages(q))
}

func (c mailClient) Change(ctx context.Context, changes ...mail.Change) ([]mail.Item, error) {
	return changeOp.call(ctx, c.client, changeMessages{changes})
}

func (c mailClient) Receipts(ctx context.Context, id moot.BlobID) ([]mail.Receipt, error) {
	return receiptsOp.call(ctx, c.client, messageID{id})
}
