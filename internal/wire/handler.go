package wire

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
)

// Guard permits or denies requests. The caller is the zero Key if no key was proven.
// Both methods must be fast and may be called several times in a request.
type Guard interface {
	// Allow checks an action: "read" (subject: a blob's ID; "" for entries and
	// everything else), "upload" (subject ""), "write" (subject: an entry's key)
	// or "run" (subject: the member for whom a task is run). Its error is of kind
	// Stranger if the caller is no member; but "write" must be allowed to a stranger
	// who joins (the key names the caller).
	Allow(ctx context.Context, caller moot.Key, action, subject string) error

	// Accept checks one posted entry, after Allow, and before any is stored.
	Accept(ctx context.Context, caller moot.Key, e moot.Entry) error
}

// Options of a Handler; the zero value serves.
type Options struct {
	Log     *slog.Logger // nil: none
	Version string       // of the program, for members in the header Server
	BackOff bool         // ask many receivers of one blob to use other sources once they can
	Runner  moot.Runner  // nil: this node lends no computing power
	Jobs    http.Handler // serves pathJob to callers who may "read" ""; nil: this node coordinates no jobs
	// Accounts serves PathAccounts to callers who may "read" "": a member asks the server to
	// keep a device for it. nil: this node keeps none.
	Accounts http.Handler
}

// Handler serves the node. A stranger, according to the guard, gets the same small 401
// for every request but one with an entry that the guard accepts.
func Handler(n moot.Node, g Guard, opts Options) http.Handler {
	h := newHandler(n, g, opts)
	for _, route := range h.routes() {
		h.mux.Handle(route.pattern, h.serve(route.answer))
	}
	h.mux.Handle("/", h.serve(h.unknown))
	return h
}

type handler struct {
	node      moot.Node
	guard     Guard
	log       *slog.Logger
	server    string
	mux       *http.ServeMux
	buffers   sync.Pool // of *[]byte, copyBuffer long
	heartbeat time.Duration
	stall     time.Duration
	keepAlive time.Duration

	runner     moot.Runner
	jobs       http.Handler
	accounts   http.Handler
	backOff    bool
	exchanges  atomic.Int64 // going on now
	superSeeds superSeeds
	sends      sendQueue
}

func newHandler(n moot.Node, g Guard, opts Options) *handler {
	h := &handler{node: n, guard: g, log: opts.Log, server: "moot", backOff: opts.BackOff, runner: opts.Runner, jobs: opts.Jobs, accounts: opts.Accounts, mux: http.NewServeMux(), heartbeat: heartbeatEvery, stall: stallTimeout, keepAlive: keepAliveEvery}
	if opts.Version != "" {
		h.server += "/" + opts.Version
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	h.buffers.New = func() any { b := make([]byte, copyBuffer); return &b }
	return h
}

// answer serves a request or returns an error. After the first byte of the response an
// error breaks the connection, so that it is never taken for success.
type answer func(w *writer, r *http.Request) error

type route struct {
	pattern string
	answer  answer
}

func (h *handler) routes() []route {
	routes := []route{
		{"POST " + pathBlobs, h.put},
		{"POST " + pathGetMany, h.getMany},
		{"POST " + pathPutMany, h.putMany},
		{"POST " + pathHaveMany, h.haveMany},
		{"GET " + pathBlob, h.get},
		{"GET " + pathHolding, h.have},
		{"POST " + pathExchange, h.exchange},
		{"POST " + pathEntries, h.append},
		{"POST " + pathQuery, h.query},
		{"POST " + pathWatch, h.watch},
		{"GET " + PathVector, h.vector},
		{"POST " + pathTasks, h.run},
		{"GET " + pathOpenAPI, h.openAPI},
	}
	if h.jobs != nil {
		routes = append(routes, route{"GET " + pathJob, h.job})
	}
	if h.accounts != nil {
		routes = append(routes, route{"POST " + PathAccounts, h.account})
	}
	return routes
}

// ServeHTTP refuses strangers before any route is matched: also the mux's redirections
// would show them which paths exist.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := newWriter(w, h.stall)
	defer out.end()
	defer h.recoverPanic(out, r)
	r.Body = newReader(out.control, r.Body, h.stall)
	if strings.HasSuffix(r.URL.Path, "/exchange") {
		_ = out.control.EnableFullDuplex() // HTTP/1 else holds the response back until the body ends
	}
	if otherVersion(r.URL.Path) {
		h.serve(h.refuseVersion).ServeHTTP(out, r)
		return
	}
	posting := r.Method == http.MethodPost && r.URL.Path == pathEntries
	if !posting && h.fromStranger(r) {
		refuse(out)
		return
	}
	out.Header().Set("Server", h.server)
	out.Header().Set(headerProtocol, strconv.Itoa(version))
	if !clean(r.URL.Path) {
		h.serve(h.unknown).ServeHTTP(out, r)
		return
	}
	h.mux.ServeHTTP(out, r)
}

// clean reports whether the mux would take the path as it is.
func clean(p string) bool {
	return p == "/" || path.Clean(p) == strings.TrimSuffix(p, "/")
}

// serve adapts an answer to the mux.
func (h *handler) serve(answer answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		out := w.(*writer) // ServeHTTP made it
		h.fail(out, r, answer(out, r))
		h.log.Debug("answered", "method", r.Method, "path", r.URL.Path, "status", out.status,
			"caller", moot.Caller(r.Context()).Short(), "took", time.Since(began))
	})
}

// fail reports err, if any, to the caller.
func (h *handler) fail(w *writer, r *http.Request, err error) {
	if err == nil {
		return
	}
	if moot.KindOf(err) == moot.Internal || w.status != 0 {
		h.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	if moot.KindOf(err) == moot.Stranger && h.fromStranger(r) {
		refuse(w)
		return
	}
	newProblem(err).write(w)
}

// recoverPanic logs the stack and replies 500.
func (h *handler) recoverPanic(w *writer, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		h.log.Error("panic", "method", r.Method, "path", r.URL.Path, "value", v, "stack", string(debug.Stack()))
		if w.status == 0 {
			newProblem(moot.Internal).write(w)
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// unknown serves paths that no route matches.
func (h *handler) unknown(w *writer, r *http.Request) error {
	if err := h.allow(r, "read", ""); err != nil {
		return err
	}
	if methods := h.methods(r); len(methods) > 0 && clean(r.URL.Path) {
		w.Header().Set("Allow", strings.Join(methods, ", "))
		problem{
			Title:  http.StatusText(http.StatusMethodNotAllowed),
			Status: http.StatusMethodNotAllowed,
			Kind:   moot.Invalid,
		}.write(w)
		return nil
	}
	return moot.Errorf(moot.NotFound, "no such path: %.200q", r.URL.Path)
}

// methods returns those with which the request's path would have matched.
func (h *handler) methods(r *http.Request) (methods []string) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete} {
		other := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := h.mux.Handler(other); pattern != "/" && pattern != "" {
			methods = append(methods, method)
		}
	}
	return methods
}

func (h *handler) allow(r *http.Request, action, subject string) error {
	return h.guard.Allow(r.Context(), moot.Caller(r.Context()), action, subject)
}

func (h *handler) fromStranger(r *http.Request) bool {
	return moot.KindOf(h.allow(r, "read", "")) == moot.Stranger
}

// refuse sends the response to strangers, always the same, and ends the connection.
func refuse(w *writer) {
	clear(w.Header())
	w.Header().Set("Connection", "close")
	newProblem(moot.Stranger).write(w)
}
