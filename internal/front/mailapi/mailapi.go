// Package mailapi serves a mailbox over HTTP: [Handler] serves a mail.Mailbox, and
// [Client] is a mail.Mailbox over such a handler. Both sides of each request are in one
// file. It must not know how a mailbox is made, nor who may use it: access is checked
// before the handler.
package mailapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/mail"
)

// maxRequest is the limit of a request body that is not a message, in bytes.
const maxRequest = 8 << 20

// Handler serves the mailbox that open returns for a request.
func Handler(open func(*http.Request) (mail.Mailbox, error)) http.Handler {
	mux := api.NewMux(open)
	mux.Handle("POST /send", send)
	mux.Handle("POST /save", save)
	mux.Handle("GET /folders", folders)
	mux.Handle("POST /folder", setFolder)
	mux.Handle("POST /list", list)
	mux.Handle("POST /change", change)
	mux.Handle("GET /message/{id}", message)
	mux.Handle("GET /receipts/{id}", receipts)
	mux.Handle("GET /watch", watch)
	return mux
}

// Client is a remote mailbox.
type Client struct{ api.Client }

var _ mail.Mailbox = (*Client)(nil)

// NewClient returns the mailbox that a Handler serves below the URL base.
func NewClient(c *http.Client, base string) *Client {
	return &Client{api.Client{HTTP: c, Base: base}}
}

func send(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	wait, _ := time.ParseDuration(q.Get("wait"))
	s, err := m.Send(r.Context(), mail.Outgoing{To: q["to"], MIME: r.Body, Wait: wait})
	return api.Reply(w, s, err)
}

// Send implements mail.Mailbox.
func (c *Client) Send(ctx context.Context, o mail.Outgoing) (s mail.Sent, err error) {
	q := url.Values{"to": o.To, "wait": {o.Wait.String()}}
	resp, err := c.Do(ctx, http.MethodPost, "/send?"+q.Encode(), o.MIME)
	if err != nil {
		return s, err
	}
	return s, api.Answer(resp, &s)
}

func save(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	at, _ := strconv.ParseInt(q.Get("at"), 10, 64)
	var flags []mail.Flag
	for _, f := range q["flag"] {
		flags = append(flags, mail.Flag(f))
	}
	it, err := m.Save(r.Context(), q.Get("folder"), flags, time.UnixMilli(at), r.Body)
	return api.Reply(w, it, err)
}

// Save implements mail.Mailbox.
func (c *Client) Save(ctx context.Context, folder string, flags []mail.Flag, at time.Time, mime io.Reader) (it mail.Item, err error) {
	q := url.Values{"folder": {folder}, "at": {strconv.FormatInt(at.UnixMilli(), 10)}}
	for _, f := range flags {
		q.Add("flag", string(f))
	}
	resp, err := c.Do(ctx, http.MethodPost, "/save?"+q.Encode(), mime)
	if err != nil {
		return it, err
	}
	return it, api.Answer(resp, &it)
}

func folders(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	list, err := m.Folders(r.Context())
	return api.Reply(w, list, err)
}

// Folders implements mail.Mailbox.
func (c *Client) Folders(ctx context.Context) (list []mail.Folder, err error) {
	return list, c.Ask(ctx, http.MethodGet, "/folders", nil, &list)
}

type renaming struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func setFolder(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	var in renaming
	if err := api.Read(w, r, maxRequest, &in); err != nil {
		return err
	}
	return api.Reply(w, struct{}{}, m.SetFolder(r.Context(), in.From, in.To))
}

// SetFolder implements mail.Mailbox.
func (c *Client) SetFolder(ctx context.Context, from, to string) error {
	return c.Ask(ctx, http.MethodPost, "/folder", renaming{from, to}, &struct{}{})
}

func list(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	var q mail.Query
	if err := api.Read(w, r, maxRequest, &q); err != nil {
		return err
	}
	items, err := m.List(r.Context(), q)
	return api.Reply(w, items, err)
}

// List implements mail.Mailbox.
func (c *Client) List(ctx context.Context, q mail.Query) (items []mail.Item, err error) {
	return items, c.Ask(ctx, http.MethodPost, "/list", q, &items)
}

func change(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	var in []mail.Change
	if err := api.Read(w, r, maxRequest, &in); err != nil {
		return err
	}
	items, err := m.Change(r.Context(), in...)
	return api.Reply(w, items, err)
}

// Change implements mail.Mailbox.
func (c *Client) Change(ctx context.Context, changes ...mail.Change) (items []mail.Item, err error) {
	return items, c.Ask(ctx, http.MethodPost, "/change", changes, &items)
}
