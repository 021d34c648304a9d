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
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
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

// begin authenticates a request and opens the session that it asks for.
func (s *server) begin(r *http.Request, need rights) (*app.Session, error) {
	access, err := s.Authenticate(r)
	if err != nil {
		return nil, &moot.Error{Kind: moot.Stranger, Err: err}
	}
	if err := access.allow(need); err != nil {
		return nil, err
	}
	via, err := moot.ParseArchitecture(r.URL.Query().Get("via"))
	if err != nil {
		return nil, err
	}
	return s.Open(r.Context(), via)
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
