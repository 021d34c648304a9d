// Package api is the HTTP interface for people's programs: [Handler] answers below /api
// for an app.Session, and [Dial] returns an app.Session that asks such a handler. Each
// operation is described once, as an op, for the server, the client and the OpenAPI
// document.
//
// It must not know an architecture, a node, where tokens are stored, or another front end.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/wire"
)

// Config is what a Handler is made of. Open and Authenticate are required.
type Config struct {
	// Open returns a session of the node's member; the handler closes it.
	Open func(ctx context.Context, via moot.Architecture) (*app.Session, error)
	// Authenticate returns what the caller may do. An error is answered with 401.
	Authenticate func(r *http.Request) (Access, error)
	Version      string // of the program
	Log          *slog.Logger
	Heartbeat    time.Duration // between heartbeats in a stream without events; default 10 s
}

// Access is what a caller may do.
type Access struct {
	Local    bool // name paths of the node's machine, and administer the node
	ReadOnly bool // change nothing
	// Revoked is closed when the caller loses its access; nil: never. Expires is when it
	// does by itself; zero: never. Requests that are being answered end then.
	Revoked <-chan struct{}
	Expires time.Time
}

// heartbeat is the default of Config.Heartbeat.
const heartbeat = 10 * time.Second

// server is a Handler under construction: operations register with it.
type server struct {
	Config
	mux *http.ServeMux
	doc *document
}

// Handler answers requests below /api.
func Handler(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Heartbeat <= 0 {
		cfg.Heartbeat = heartbeat
	}
	s := &server{Config: cfg, mux: http.NewServeMux(), doc: newDocument(cfg.Version)}
	s.addControl()
	s.addFiles()
	s.addLocal()
	s.addFolders()
	s.addCopies()
	s.addAliases()
	s.addMembers()
	s.addMail()
	s.addJobs()
	s.addEvents()
	s.mux.Handle("GET /api/openapi.json", s.doc.handler())
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, moot.Errorf(moot.NotFound, "there is no operation %s %.200s", r.Method, r.URL.Path))
	})
	return s.mux
}

// rights says who may use an operation.
type rights int

const (
	reads      rights = iota // everybody with a token
	writes                   // not read-only tokens
	localReads               // callers on the node's machine
	localWrites
)

// allow reports why a caller may not use an operation. Kind Denied.
func (a Access) allow(r rights) error {
	switch {
	case !a.Local && r >= localReads:
		return moot.Errorf(moot.Denied, "this is for programs on the node's own machine only")
	case a.ReadOnly && (r == writes || r == localWrites):
		return moot.Errorf(moot.Denied, "this token may only read")
	}
	return nil
}

// authenticate returns what the caller of an operation may do. Kinds: Stranger, Denied.
func (s *server) authenticate(r *http.Request, need rights) (Access, error) {
	access, err := s.Authenticate(r)
	if err != nil {
		return access, &moot.Error{Kind: moot.Stranger, Err: err}
	}
	return access, access.allow(need)
}

// open opens the session that a request asks for; with account the mail in it is that
// account's.
func (s *server) open(r *http.Request, access Access) (*app.Session, error) {
	asked := r.URL.Query()["via"]
	if len(asked) > 1 {
		return nil, moot.Errorf(moot.Invalid, "via is given %d times", len(asked))
	}
	via, err := moot.ParseArchitecture(strings.Join(asked, ""))
	if err != nil {
		return nil, err
	}
	m, err := s.Open(r.Context(), via)
	if account := r.URL.Query().Get("account"); err == nil && account != "" {
		if !access.Local {
			return m, moot.Errorf(moot.Denied, "mail of other accounts is for programs on the node's own machine only")
		}
		of := *m
		of.Mail = func(ctx context.Context) (mail.Mailbox, error) { return m.AccountMail(ctx, account) }
		return &of, nil
	}
	return m, err
}

// whileAllowed returns a context that ends when the caller loses its access.
func (a Access) whileAllowed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if !a.Expires.IsZero() {
		expiry := time.AfterFunc(time.Until(a.Expires), cancel)
		context.AfterFunc(ctx, func() { expiry.Stop() })
	}
	if a.Revoked == nil {
		return ctx, cancel
	}
	go func() {
		select {
		case <-a.Revoked:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// refuse answers a caller that may not use an operation. What is left of the request is
// not read: it could be sent as slowly as the caller likes.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now())
	s.fail(w, r, err)
}

// fail answers with a problem document (RFC 9457).
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelDebug
	if moot.KindOf(err) == moot.Internal {
		level = slog.LevelError
	}
	s.Log.Log(r.Context(), level, "request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	if moot.KindOf(err) == moot.Stranger {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	wire.WriteProblem(w, err)
}
