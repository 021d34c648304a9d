package node

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sandbox"
	"github.com/mootspace/moot/internal/seal"
)

var (
	viaServer = moot.Architecture{Server: true}
	viaPeers  = moot.Architecture{Peers: true}
	viaBoth   = moot.Architecture{Server: true, Peers: true}

	annKey = seal.FromSeed([32]byte{1})
	benKey = seal.FromSeed([32]byte{2})
	eveKey = seal.FromSeed([32]byte{3})
	ann    = seal.Public(annKey) // the founder's device
	ben    = seal.Public(benKey)
	eve    = seal.Public(eveKey)
)

// founding returns the act that begins the space of the tests, always the same.
func founding(t *testing.T) moot.Entry {
	t.Helper()
	e, err := members.Founding("club", "laptop", annKey, func() time.Time { return time.Unix(1_700_000_000, 0) })
	must(t, err)
	return e
}

func TestMain(m *testing.M) {
	if sandbox.IsChild() {
		sandbox.Serve()
		return
	}
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind moot.ErrorKind) {
	t.Helper()
	if moot.KindOf(err) != kind {
		t.Fatalf("error of kind %q, want %q: %v", moot.KindOf(err), kind, err)
	}
}

// newNode returns a node with a store in memory; it is closed with the test.
func newNode(t *testing.T, cfg Config) *Node {
	t.Helper()
	if cfg.Key == nil {
		cfg.Key = annKey
	}
	if cfg.Data == nil {
		cfg.Data = Dir(t.TempDir())
	}
	if cfg.Space.IsZero() {
		e := founding(t)
		cfg.Space = feed.SpaceOf(&e)
	}
	cfg.Names.Space = "club"
	n, err := New(t.Context(), cfg)
	must(t, err)
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// founder returns the node of the space's owner.
func founder(t *testing.T, cfg Config) *Node {
	t.Helper()
	n := newNode(t, cfg)
	_, err := n.Found(t.Context(), founding(t), "ann")
	must(t, err)
	return n
}

// admit makes another node the device of a new member of the first node's space, on both.
func admit(t *testing.T, owner, n *Node, role policy.Role) {
	t.Helper()
	l := invitation(t, owner, role)
	e, err := members.Enter(l, n.Key(), "ben", "laptop", n.cfg.Now)
	must(t, err)
	must(t, owner.store.Append(t.Context(), moot.Merge, e))
	must(t, owner.witness.admit(t.Context()))
	must(t, n.Learn(t.Context(), owner.store, l))
	if n.Waits() {
		t.Fatal("the join was not admitted")
	}
}

// learn has a node take in what another one holds.
func learn(t *testing.T, n, from *Node) {
	t.Helper()
	must(t, n.Learn(t.Context(), from.store, members.Link{}))
}

// own returns the people of the space as a node's member changes them.
func own(n *Node) *members.Members {
	return n.members(n.store, n.signer.Through(n.store), n.network.roster)
}

func invitation(t *testing.T, owner *Node, role policy.Role) members.Link {
	t.Helper()
	l, err := own(owner).Invite(t.Context(), members.Invitation{Role: role, Uses: 1, Expires: time.Hour})
	must(t, err)
	return l
}

// connect links a node with peers on the loopback interface, and answers them.
func connect(t *testing.T, n *Node, answer bool) moot.Peer {
	t.Helper()
	must(t, n.Connect(t.Context(), []string{"/ip4/127.0.0.1/tcp/0"}, false))
	if answer {
		n.tasks.start(func(ctx context.Context) { _ = n.ServePeers(ctx) })
	}
	return moot.Peer{ID: n.Self(), Addrs: n.Addrs()}
}

// start runs a node's services, and answers peers if it is connected.
func start(t *testing.T, n *Node) {
	t.Helper()
	must(t, n.Start(t.Context(), func() {
		if n.network.Host() != nil {
			n.tasks.start(func(ctx context.Context) { _ = n.ServePeers(ctx) })
		}
	}))
}

// session returns a session of a node, which is linked with peers if it asks them.
func session(t *testing.T, n *Node, via moot.Architecture) *app.Session {
	t.Helper()
	if via.Peers && n.network.Host() == nil {
		must(t, n.Connect(t.Context(), nil, false))
	}
	s, err := n.Session(t.Context(), via)
	must(t, err)
	return s
}

func write(t *testing.T, s *app.Session, name, text string) files.File {
	t.Helper()
	f, err := s.Files.Write(t.Context(), name, strings.NewReader(text), files.WriteOptions{})
	must(t, err)
	return f
}

func read(ctx context.Context, s *app.Session, name string) (string, error) {
	rc, _, err := s.Files.Open(ctx, name, moot.Whole)
	if err != nil {
		return "", err
	}
	defer rc.Close()
	b, err := io.ReadAll(rc)
	return string(b), err
}

// folder makes a folder of files on this machine, by name and text in turn.
func folder(t *testing.T, namesAndTexts ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "folder")
	must(t, os.Mkdir(dir, 0o700))
	for i := 0; i < len(namesAndTexts); i += 2 {
		must(t, os.WriteFile(filepath.Join(dir, namesAndTexts[i]), []byte(namesAndTexts[i+1]), 0o600))
	}
	return dir
}

// until polls a condition for at most a quarter of a minute.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	deadline := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-poll.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// callAs answers one request to a handler as a caller's.
func callAs(ctx context.Context, h http.Handler, caller moot.Key, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil).WithContext(moot.WithCaller(ctx, caller)))
	return w
}

// announced puts a server's addresses into its space, as its own node does.
func announced(t *testing.T, n *Node, addrs ...string) {
	t.Helper()
	must(t, own(n).Serve(t.Context(), addrs, ""))
}

func ids(peers []moot.Peer) (keys []moot.Key) {
	for _, p := range peers {
		keys = append(keys, p.ID)
	}
	return keys
}
