package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/front/jobapi"
	"github.com/mootspace/moot/internal/front/mailapi"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/wire"
)

// The socket in the home speaks HTTP: every architecture as a whole node below
// /via/…, and beside it what only the home's owner may ask. Both sides of each
// question are in this file. The socket's file mode is its access control.

// controlHandler answers the owner's commands.
func (n *node) controlHandler() http.Handler {
	mux := http.NewServeMux()
	for _, via := range []cli.Via{cli.ViaServer, cli.ViaPeers, cli.ViaBoth} {
		prefix := "/via/" + string(via)
		mux.Handle(prefix+"/", http.StripPrefix(prefix, n.viaHandler(via)))
		mux.HandleFunc("POST "+prefix+"/author", n.serveAuthor(via))
		mux.Handle("/jobs/"+string(via)+"/", http.StripPrefix("/jobs/"+string(via), jobapi.Handler(func(*http.Request) (jobs.Desk, error) { return n.work.desk(via), nil })))
		mux.Handle("/mail/"+string(via)+"/", http.StripPrefix("/mail/"+string(via), n.mail.handler(via)))
	}
	mux.HandleFunc("GET /session", n.serveSession)
	mux.HandleFunc("GET /status/{via}", func(w http.ResponseWriter, r *http.Request) {
		st, err := local{node: n, current: cli.Via(r.PathValue("via"))}.Status(r.Context())
		reply(w, st, err)
	})
	mux.HandleFunc("GET /peers", func(w http.ResponseWriter, r *http.Request) {
		peers, err := local{node: n}.Peers(r.Context())
		reply(w, peers, err)
	})
	mux.HandleFunc("GET /addresses", func(w http.ResponseWriter, r *http.Request) {
		servers, peers, err := local{node: n}.Addresses(r.Context())
		reply(w, addresses{servers, peers}, err)
	})
	mux.HandleFunc("GET /wishes", func(w http.ResponseWriter, _ *http.Request) { reply(w, *n.wished.Load(), nil) })
	mux.HandleFunc("PUT /wishes", func(w http.ResponseWriter, r *http.Request) {
		var in policy.Preferences
		if readRequest(w, r, &in) {
			reply(w, struct{}{}, local{node: n}.SetPreferences(r.Context(), in))
		}
	})
	n.serveAccounts(mux)
	mux.HandleFunc("POST /link", n.serveLink)
	mux.HandleFunc("POST /fetch", n.serveFetch)
	mux.HandleFunc("GET /backup", func(w http.ResponseWriter, r *http.Request) {
		if err := n.backup(r.Context(), w); err != nil {
			n.log.Error("backup", "err", err)
			panic(http.ErrAbortHandler) // the reader must not take half for the whole
		}
	})
	return mux
}

// viaHandler is this node through an architecture, made when it is first asked for:
// the servers of the space may not be known before.
func (n *node) viaHandler(via cli.Via) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through, err := n.via(r.Context(), via)
		if err != nil {
			wire.WriteProblem(w, err)
			return
		}
		wire.Handler(through, everything{}, wire.Options{Log: n.log, Version: cli.Version}).ServeHTTP(w, r)
	})
}

type addresses struct {
	Servers []moot.Peer `json:"servers"`
	Peers   []moot.Peer `json:"peers"`
}

type sessionReply struct {
	cli.Identity
	Via cli.Via `json:"via"`
}

func (n *node) serveSession(w http.ResponseWriter, r *http.Request) {
	via := cli.Via(r.URL.Query().Get("via"))
	if via == cli.ViaDefault {
		via = n.prefers(r.Context())
	}
	_, err := n.via(r.Context(), via)
	reply(w, sessionReply{n.identity(), via}, err)
}

// writeRequest is what the owner's command wants signed; the key stays in the node.
type writeRequest struct {
	Mode       moot.Mode        `json:"mode"`
	Statements []sign.Statement `json:"statements"`
}

func (n *node) serveAuthor(via cli.Via) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in writeRequest
		if !readRequest(w, r, &in) {
			return
		}
		through, err := n.via(r.Context(), via)
		if err != nil {
			wire.WriteProblem(w, err)
			return
		}
		e, err := n.signer.Through(through).Append(r.Context(), in.Mode, in.Statements...)
		reply(w, e, err)
	}
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		wire.WriteProblem(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // the owner's command went away: nobody to tell
}

func readRequest(w http.ResponseWriter, r *http.Request, v any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(v)
	if err != nil {
		wire.WriteProblem(w, moot.Errorf(moot.Invalid, "bad request: %w", err))
	}
	return err == nil
}

// remote is the control of the node that runs in another process.
type remote struct {
	http *http.Client
	via  cli.Via
}

// dialControl speaks to the home's running node. NotFound: none runs.
func dialControl(ctx context.Context, socket string, via cli.Via) (*cli.Session, error) {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", shortSocket(socket))
	}}
	r := &remote{http: &http.Client{Transport: transport}}
	var id sessionReply
	if err := r.get(ctx, "/session?via="+string(via), &id); err != nil {
		transport.CloseIdleConnections()
		var down *net.OpError
		if errors.As(err, &down) && down.Op == "dial" {
			return nil, moot.Errorf(moot.NotFound, "no node runs in this home")
		}
		return nil, err
	}
	r.via = id.Via
	node := wire.NewClient(transport, "http://home/via/"+string(id.Via)).Own()
	return &cli.Session{
		Identity: id.Identity, Via: id.Via,
		Files:   files.New(node, r, files.Options{Linker: r, Fetcher: r}),
		Members: members.New(id.Space, node, r),
		Mail: func(context.Context) (mail.Mailbox, error) {
			return mailapi.NewClient(r.http, "http://home/mail/"+string(id.Via)), nil
		},
		Jobs:    jobapi.NewClient(r.http, "http://home/jobs/"+string(id.Via)),
		Control: r,
	}, nil
}

func (r *remote) Close() error {
	r.http.CloseIdleConnections()
	return nil
}

// Append has the running node sign and store statements.
func (r *remote) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) (list []moot.Entry, err error) {
	err = r.call(ctx, http.MethodPost, "/via/"+string(r.via)+"/author", writeRequest{mode, statements}, &list)
	return list, err
}

// Link has the running node share a file in place.
func (r *remote) Link(ctx context.Context, path string) (b moot.Blob, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return b, err
	}
	err = r.call(ctx, http.MethodPost, "/link", linkRequest{path, r.via}, &b)
	return b, err
}

func (r *remote) Status(ctx context.Context) (st cli.Status, err error) {
	err = r.get(ctx, "/status/"+string(r.via), &st)
	return st, err
}

func (r *remote) Peers(ctx context.Context) (list []cli.PeerStatus, err error) {
	err = r.get(ctx, "/peers", &list)
	return list, err
}

func (r *remote) Addresses(ctx context.Context) (servers, peers []moot.Peer, err error) {
	var a addresses
	err = r.get(ctx, "/addresses", &a)
	return a.Servers, a.Peers, err
}

func (r *remote) Preferences(ctx context.Context) (w policy.Preferences, err error) {
	err = r.get(ctx, "/wishes", &w)
	return w, err
}

func (r *remote) SetPreferences(ctx context.Context, w policy.Preferences) error {
	return r.call(ctx, http.MethodPut, "/wishes", w, &struct{}{})
}

func (r *remote) Backup(ctx context.Context, w io.Writer) error {
	resp, err := r.send(ctx, http.MethodGet, "/backup", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(w, resp.Body)
	return err
}

func (r *remote) get(ctx context.Context, path string, out any) error {
	return r.call(ctx, http.MethodGet, path, nil, out)
}

func (r *remote) call(ctx context.Context, method, path string, in, out any) error {
	resp, err := r.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	return api.Answer(resp, out)
}

func (r *remote) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	return api.Send(ctx, r.http.Do, method, "http://home"+path, body)
}

// maxSocketPath is the longest path that a Unix socket address holds.
const maxSocketPath = 100

// shortSocket returns a path short enough for a socket address: if the home lies
// deep, one relative to the working directory, or a link in the temporary directory.
func shortSocket(path string) string {
	if len(path) <= maxSocketPath {
		return path
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) <= maxSocketPath {
			return rel
		}
	}
	return path
}
