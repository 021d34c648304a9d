// Package mailapi is a mailbox over HTTP: [Handler] answers for a mail.Mailbox, and
// [Client] is a mail.Mailbox that asks such a handler. Both sides of each question are
// in one file. It must not know how a mailbox is made, nor who may ask: that is decided
// before the handler is reached.
package mailapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/wire"
)

// maxRequest is the size in bytes of the largest question that is no message.
const maxRequest = 8 << 20

// Handler answers for the mailbox that open returns for a request.
func Handler(open func(*http.Request) (mail.Mailbox, error)) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(mail.Mailbox, http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			m, err := open(r)
			if err == nil {
				err = answer(m, w, r)
			}
			if err != nil {
				wire.WriteProblem(w, err)
			}
		})
	}
	handle("POST /send", send)
	handle("POST /save", save)
	handle("GET /folders", folders)
	handle("POST /folder", setFolder)
	handle("POST /list", list)
	handle("POST /change", change)
	handle("GET /message/{id}", message)
	handle("GET /receipts/{id}", receipts)
	handle("GET /watch", watch)
	return mux
}

// Client is a mailbox at the other end of a connection.
type Client struct {
	http *http.Client
	base string
}

var _ mail.Mailbox = (*Client)(nil)

// NewClient returns the mailbox that a Handler below the URL base answers for.
func NewClient(c *http.Client, base string) *Client { return &Client{c, base} }

func (c *Client) do(ctx context.Context, method, path string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "%w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, &moot.Error{Kind: moot.Unavailable, Err: err}
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		return nil, wire.ReadProblem(resp)
	}
	return resp, nil
}

// ask sends in as JSON, unless it is nil, and reads the answer into out.
func (c *Client) ask(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return moot.Errorf(moot.Invalid, "%w", err)
		}
		body = bytes.NewReader(b)
	}
	resp, err := c.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	return answer(resp, out)
}

func answer(resp *http.Response, out any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return moot.Errorf(moot.Unavailable, "the node went away: %w", err)
	}
	return nil
}

func reply(w http.ResponseWriter, v any, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // who asked and has gone is not there to be told
	return nil
}

func read(w http.ResponseWriter, r *http.Request, v any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(v); err != nil {
		return moot.Errorf(moot.Invalid, "bad request: %w", err)
	}
	return nil
}

func send(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	wait, _ := time.ParseDuration(q.Get("wait"))
	s, err := m.Send(r.Context(), mail.Outgoing{To: q["to"], MIME: r.Body, Wait: wait})
	return reply(w, s, err)
}

// Send implements mail.Mailbox.
func (c *Client) Send(ctx context.Context, o mail.Outgoing) (s mail.Sent, err error) {
	q := url.Values{"to": o.To, "wait": {o.Wait.String()}}
	resp, err := c.do(ctx, http.MethodPost, "/send?"+q.Encode(), o.MIME)
	if err != nil {
		return s, err
	}
	return s, answer(resp, &s)
}

func save(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	at, _ := strconv.ParseInt(q.Get("at"), 10, 64)
	var flags []mail.Flag
	for _, f := range q["flag"] {
		flags = append(flags, mail.Flag(f))
	}
	it, err := m.Save(r.Context(), q.Get("folder"), flags, time.UnixMilli(at), r.Body)
	return reply(w, it, err)
}

// Save implements mail.Mailbox.
func (c *Client) Save(ctx context.Context, folder string, flags []mail.Flag, at time.Time, mime io.Reader) (it mail.Item, err error) {
	q := url.Values{"folder": {folder}, "at": {strconv.FormatInt(at.UnixMilli(), 10)}}
	for _, f := range flags {
		q.Add("flag", string(f))
	}
	resp, err := c.do(ctx, http.MethodPost, "/save?"+q.Encode(), mime)
	if err != nil {
		return it, err
	}
	return it, answer(resp, &it)
}

func folders(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	list, err := m.Folders(r.Context())
	return reply(w, list, err)
}

// Folders implements mail.Mailbox.
func (c *Client) Folders(ctx context.Context) (list []mail.Folder, err error) {
	return list, c.ask(ctx, http.MethodGet, "/folders", nil, &list)
}

type renaming struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func setFolder(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	var in renaming
	if err := read(w, r, &in); err != nil {
		return err
	}
	return reply(w, struct{}{}, m.SetFolder(r.Context(), in.From, in.To))
}

// SetFolder implements mail.Mailbox.
func (c *Client) SetFolder(ctx context.Context, from, to string) error {
	return c.ask(ctx, http.MethodPost, "/folder", renaming{from, to}, &struct{}{})
}

func list(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	var q mail.Query
	if err := read(w, r, &q); err != nil {
		return err
	}
	items, err := m.List(r.Context(), q)
	return reply(w, items, err)
}

// List implements mail.Mailbox.
func (c *Client) List(ctx context.Context, q mail.Query) (items []mail.Item, err error) {
	return items, c.ask(ctx, http.MethodPost, "/list", q, &items)
}

func change(m mail.Mailbox, w http.ResponseWriter, r *http.Request) error {
	var in []mail.Change
	if err := read(w, r, &in); err != nil {
		return err
	}
	items, err := m.Change(r.Context(), in...)
	return reply(w, items, err)
}

// Change implements mail.Mailbox.
func (c *Client) Change(ctx context.Context, changes ...mail.Change) (items []mail.Item, err error) {
	return items, c.ask(ctx, http.MethodPost, "/change", changes, &items)
}
