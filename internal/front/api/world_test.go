package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// world is a member's node with two handlers: one for programs on its machine, one for
// those with tokens.
type world struct {
	t          *testing.T
	space      moot.SpaceID
	self       moot.MemberID
	device     moot.Key
	node       *store.Store
	box        *mail.Account
	tokens     *accounts.Tokens
	control    *control
	jobs       *submitter
	copies     copies
	folders    *synced
	files      app.Files // replaced where a test wants others
	local, web *httptest.Server
	people     *members.Members
	session    *app.Session // through local
	checker    *checker

	mu     sync.Mutex
	opened []moot.Architecture
	closed int
}

// gate admits entries by a roster.
type gate struct{ *policy.Roster }

func (g gate) Admit(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) error {
	return g.Roster.Admit(e, at, begins, policy.Held(held))
}

func (g gate) Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) []moot.Key {
	return g.Roster.Apply(e, at, begins, policy.Held(held))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t testing.TB, what string, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Errorf("%s: %v (%q), want kind %q", what, err, moot.KindOf(err), kind)
	}
}

// newWorld founds a space with one member, whose node answers.
func newWorld(t *testing.T) *world {
	t.Helper()
	key := seal.NewKey()
	begun, err := members.Founding("friends", "laptop", key, time.Now)
	must(t, err)
	w := &world{t: t, space: moot.SpaceID(begun.ID), self: moot.MemberID(begun.ID), device: seal.Public(key), jobs: &submitter{}}
	roster := policy.NewRoster(w.space, time.Now)
	w.node, err = store.Open(t.Context(), store.Config{Gate: gate{roster}})
	must(t, err)
	t.Cleanup(func() { w.node.Close() })
	must(t, w.node.Append(t.Context(), moot.Merge, begun))
	signer, err := sign.New(t.Context(), sign.Config{Self: w.device, Author: feed.NewAuthor(w.space, key, feed.NewClock(time.Now, 0), nil), Local: w.node})
	must(t, err)
	names := files.NewIndex(w.node, files.IndexConfig{})
	write := signer.Through(files.Linear(w.node, names))
	w.people = members.New(members.Config{Space: w.space, Self: w.device, Node: w.node, Write: write, Roster: roster})
	must(t, w.people.Found(t.Context(), "ann"))
	index, err := mail.OpenIndex(t.Context(), "")
	must(t, err)
	t.Cleanup(func() { index.Close() })
	w.box, err = mail.New(t.Context(), mail.Config{Node: w.node, Member: w.self, Write: write, Key: key, Index: index,
		Directory: func(context.Context) (mail.Directory, error) { return mail.Directory{Roster: roster}, nil }})
	must(t, err)
	w.tokens, err = accounts.OpenTokens(memory{}, time.Now, nil)
	must(t, err)
	w.control = &control{tokens: w.tokens}
	w.files = files.New(w.node, write, files.Options{Index: names, Linker: w.node, Member: roster.Owner})
	open := func(_ context.Context, via moot.Architecture) (*app.Session, error) {
		if via.IsZero() {
			via.Peers = true
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.opened = append(w.opened, via)
		return &app.Session{
			Identity: app.Identity{Space: w.space, Name: "friends", Member: w.self, As: "ann", Device: w.device, Label: "laptop", Home: "/home"}, Via: via,
			Files: w.files, Folders: w.folders, Members: memberList{w.people}, Jobs: w.jobs, Copies: &w.copies, Aliases: aliases{}, Control: w.control,
			Mail: func(ctx context.Context) (mail.Mailbox, error) { return w.box, w.box.Sync(ctx) },
			Close: func() error {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.closed++
				return nil
			},
		}, nil
	}
	w.checker, w.folders = &checker{t: t}, &synced{}
	w.local = w.serve(api.Config{Open: open, Heartbeat: 5 * time.Millisecond, Version: "1",
		Authenticate: func(*http.Request) (api.Access, error) { return api.Access{Local: true}, nil }})
	w.web = w.serve(api.Config{Open: open, Authenticate: w.authenticate})
	w.session, err = api.Dial(t.Context(), w.local.Client(), w.local.URL, moot.Architecture{})
	must(t, err)
	return w
}

func (w *world) serve(cfg api.Config) *httptest.Server {
	srv := httptest.NewServer(w.checker.check(api.Handler(cfg)))
	w.t.Cleanup(srv.Close)
	return srv
}

func (w *world) authenticate(r *http.Request) (api.Access, error) {
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return api.Access{}, errors.New("a token is missing")
	}
	token, revoked, err := w.tokens.Check(secret)
	return api.Access{ReadOnly: token.ReadOnly, Revoked: revoked, Expires: token.Expires}, err
}

// ask sends a request and returns the response with its body read.
func (w *world) ask(srv *httptest.Server, token, method, path, body string, header ...string) (*http.Response, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, srv.URL+path, strings.NewReader(body))
	must(w.t, err)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := srv.Client().Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp, string(text)
}

// token makes a token.
func (w *world) token(name string, readOnly bool) string {
	w.t.Helper()
	made, err := w.session.Control.AddToken(w.t.Context(), app.TokenOptions{Name: name, ReadOnly: readOnly})
	must(w.t, err)
	return made.Token
}

// put uploads a file.
func (w *world) put(name, text string) files.File {
	w.t.Helper()
	f, err := w.session.Files.Write(w.t.Context(), name, strings.NewReader(text), files.WriteOptions{})
	must(w.t, err)
	return f
}

// memory is an accounts.State.
type memory map[string][]byte

func (m memory) Load(name string, v any) error {
	if b, ok := m[name]; ok {
		return json.Unmarshal(b, v)
	}
	return moot.NotFound
}

func (m memory) Save(name string, v any) (err error) {
	m[name], err = json.Marshal(v)
	return err
}
