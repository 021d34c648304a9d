package daemon

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/listen"
	"github.com/mootspace/moot/internal/policy"
)

var (
	viaServer = moot.Architecture{Server: true}
	viaPeers  = moot.Architecture{Peers: true}
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless err has the kind and the hint, and the text is part of it.
func wantError(t *testing.T, err error, kind moot.ErrorKind, hint moot.Hint, text string) {
	t.Helper()
	if moot.KindOf(err) != kind || moot.HintOf(err) != hint || !strings.Contains(err.Error(), text) {
		t.Fatalf("error %q of kind %q with hint %q, want %q with %q", err, moot.KindOf(err), moot.HintOf(err), kind, hint)
	}
}

// founded returns a new home with a space in it.
func founded(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "home")
	id, err := Program{}.Init(t.Context(), dir, app.InitOptions{Space: "club", As: "ann"})
	must(t, err)
	if id.Name != "club" || id.As != "ann" || id.Member != moot.MemberID(id.Space) || id.Recovery == "" {
		t.Fatalf("a founded space has the identity %+v", id)
	}
	return dir
}

// run runs a node in a home until stop, or the test, ends.
func run(t *testing.T, dir string, o app.RunOptions) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan []string, 1), make(chan error, 1)
	go func() {
		ended <- Program{Version: "test", Listen: listen.Open}.Run(ctx, dir, o, func(addrs []string) { ready <- addrs })
	}()
	stopped := false
	stop = func() {
		t.Helper()
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the node in %s ended: %v", dir, err)
		}
	}
	select {
	case addrs := <-ready:
		if len(addrs) == 0 && !o.NoPeer {
			t.Error("a running node says nowhere where it is")
		}
	case err := <-ended:
		cancel()
		t.Fatalf("the node did not start: %v", err)
	}
	t.Cleanup(stop)
	return stop
}

func peerOptions() app.RunOptions { return app.RunOptions{Listen: []string{"/ip4/127.0.0.1/tcp/0"}} }

func serverOptions() app.RunOptions {
	return app.RunOptions{Serve: true, NoPeer: true, Listen: []string{"127.0.0.1:0"}}
}

// in runs f with a session of a home, and closes the session.
func in(t *testing.T, dir string, via moot.Architecture, f func(ctx context.Context, s *app.Session)) {
	t.Helper()
	s, err := Program{Version: "test"}.Open(t.Context(), dir, via)
	must(t, err)
	defer func() { must(t, s.Close()) }()
	f(t.Context(), s)
}

func invite(t *testing.T, dir string) (link string) {
	t.Helper()
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		l, err := s.Members.Invite(ctx, app.InviteOptions{Role: policy.RoleMember, Uses: 1, Expires: time.Hour})
		must(t, err)
		link = l.Link
	})
	return link
}

func join(t *testing.T, link string) (dir string) {
	t.Helper()
	const as = "ben"
	dir = filepath.Join(t.TempDir(), as)
	id, err := Program{}.Join(t.Context(), dir, app.JoinOptions{Link: link, As: as})
	must(t, err)
	if id.As != as || id.Name != "club" || id.Member.IsZero() || id.Added || id.Waiting {
		t.Fatalf("joined as %+v", id)
	}
	return dir
}

func write(ctx context.Context, s *app.Session, name, text string) error {
	_, err := s.Files.Write(ctx, name, strings.NewReader(text), files.WriteOptions{})
	return err
}

func read(t *testing.T, s *app.Session, name string) string {
	t.Helper()
	rc, _, err := s.Files.Open(t.Context(), name, moot.Whole)
	must(t, err)
	defer rc.Close()
	b, err := io.ReadAll(rc)
	must(t, err)
	return string(b)
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return err == nil
}
