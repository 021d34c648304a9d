package api

import (
	"bytes"
	"context"
	"io"
	"iter"
	"mime"
	"net/http"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
)

const typeMessage = "message/rfc822"

type sendMessage struct {
	To      []string `query:"to" doc:"Addresses; those in the message if absent."`
	Wait    duration `query:"wait" doc:"How long to wait until another node holds it, as 5s."`
	Confirm bool     `query:"confirm" doc:"Send also to names that mean another member than when they were last written to."`
}

// shortMessage is a message as programs can write it without knowing MIME.
type shortMessage struct {
	To      []string `json:"to"`
	Cc      []string `json:"cc,omitempty"`
	Bcc     []string `json:"bcc,omitempty"`
	Subject string   `json:"subject,omitempty"`
	Text    string   `json:"text,omitempty"`
}

type saveMessage struct {
	Folder string      `query:"folder"`
	Flags  []mail.Flag `query:"flag"`
	At     time.Time   `query:"at" doc:"When it arrived; now if absent."`
}

var (
	sendOp   = op[sendMessage, mail.Sent]{at: "POST /api/mail/messages", does: "Send a message", may: writes, takes: typeMessage, instead: shortMessage{}}
	saveOp   = op[saveMessage, mail.Item]{at: "POST /api/mail/saved", does: "Save a message in a folder, for nobody else", may: writes, takes: typeMessage}
	sourceOp = op[messageID, none]{at: "GET /api/mail/messages/{id}/source", does: "A message as it was sent (RFC 5322)", may: reads, gives: typeMessage}
)

func (s *server) addMessages() {
	sendOp.raw(s, func(m *app.Session, in sendMessage, w http.ResponseWriter, r *http.Request) error {
		source, err := messageBody(w, r)
		if err != nil {
			return err
		}
		sent, err := withMail(func(ctx context.Context, box mail.Mailbox, in sendMessage) (mail.Sent, error) {
			return box.Send(ctx, mail.Outgoing{To: in.To, MIME: source, Wait: in.Wait.Duration, Confirm: in.Confirm})
		})(r.Context(), m, in)
		return reply(w, sent, err)
	})
	saveOp.raw(s, func(m *app.Session, in saveMessage, w http.ResponseWriter, r *http.Request) error {
		if in.At.IsZero() {
			in.At = time.Now()
		}
		item, err := withMail(func(ctx context.Context, box mail.Mailbox, in saveMessage) (mail.Item, error) {
			return box.Save(ctx, in.Folder, in.Flags, in.At, r.Body)
		})(r.Context(), m, in)
		return reply(w, item, err)
	})
	sourceOp.raw(s, func(m *app.Session, in messageID, w http.ResponseWriter, r *http.Request) error {
		rc, err := withMail(func(ctx context.Context, box mail.Mailbox, in messageID) (io.ReadCloser, error) {
			return box.Open(ctx, in.ID)
		})(r.Context(), m, in)
		if err != nil {
			return err
		}
		defer rc.Close()
		w.Header().Set("Content-Security-Policy", "sandbox")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		out := &lateWriter{w: w, mediaType: typeMessage}
		_, err = io.Copy(out, rc)
		return out.end(err)
	})
}

// messageBody returns the message in a request, in MIME.
func messageBody(w http.ResponseWriter, r *http.Request) (io.Reader, error) {
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "application/json" {
		return r.Body, nil
	}
	var short shortMessage
	if err := decodeBody(w, r, &short, 32<<20); err != nil {
		return nil, err
	}
	var source bytes.Buffer
	_, err := mail.Message{To: short.To, Cc: short.Cc, Bcc: short.Bcc, Subject: short.Subject, Text: short.Text}.WriteTo(&source)
	return &source, err
}

// Send implements mail.Mailbox.
func (c mailClient) Send(ctx context.Context, o mail.Outgoing) (sent mail.Sent, err error) {
	resp, err := sendOp.open(ctx, c.client, sendMessage{o.To, duration{o.Wait}, o.Confirm}, io.NopCloser(o.MIME))
	if err != nil {
		return sent, err
	}
	return sent, read(resp, &sent)
}

// Save implements mail.Mailbox.
func (c mailClient) Save(ctx context.Context, folder string, flags []mail.Flag, at time.Time, source io.Reader) (item mail.Item, err error) {
	resp, err := saveOp.open(ctx, c.client, saveMessage{folder, flags, at}, io.NopCloser(source))
	if err != nil {
		return item, err
	}
	return item, read(resp, &item)
}

// Open implements mail.Mailbox.
func (c mailClient) Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	resp, err := sourceOp.open(ctx, c.client, messageID{id}, nil)
	if err != nil {
		return nil, err
	}
	return cutReader{resp.Body}, nil
}

// Watch implements mail.Mailbox. It ends, too, if the node does not answer any more.
func (c mailClient) Watch(ctx context.Context) iter.Seq[[]string] {
	l, err := follow(ctx, c.client, watchOp, none{})
	if err == nil {
		if _, err = l.next(); err != nil {
			l.close()
		}
	}
	return func(yield func([]string) bool) {
		if err != nil {
			return
		}
		defer l.close()
		for {
			folders, err := l.next()
			if err != nil || !yield(folders) {
				return
			}
		}
	}
}
