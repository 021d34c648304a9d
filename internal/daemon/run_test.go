package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/listen"
	"github.com/mootspace/moot/internal/policy"
)

func TestRunningNodeAnswersItsOwner(t *testing.T) {
	dir := founded(t)
	stop := run(t, dir, peerOptions())
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		st, err := s.Control.Status(ctx)
		must(t, err)
		if !st.Running || st.Via != viaPeers || len(st.Addrs) == 0 || !strings.HasPrefix(st.Addrs[0], "/ip4/127.0.0.1/tcp/") {
			t.Errorf("status %+v", st)
		}
		must(t, write(ctx, s, "a.txt", "one"))
	})
	err := Program{Listen: listen.Open}.Run(t.Context(), dir, peerOptions(), func([]string) { t.Error("a second node runs in one home") })
	wantError(t, err, moot.Invalid, moot.HintStopNode, "runs in")
	stop()
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		if st, err := s.Control.Status(ctx); err != nil || st.Running {
			t.Errorf("after the node ended: %+v, %v", st, err)
		}
		if got := read(t, s, "a.txt"); got != "one" {
			t.Errorf("read %q", got)
		}
	})
}

func TestSocketIsItsOwnersAlone(t *testing.T) {
	dir := founded(t)
	must(t, os.WriteFile(filepath.Join(dir, socketFile), nil, 0o644)) // as a crash leaves one
	run(t, dir, peerOptions())
	info, err := os.Stat(filepath.Join(dir, socketFile))
	must(t, err)
	if info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("the socket has the mode %v", info.Mode())
	}
}

func TestHomeInADeepDirectory(t *testing.T) {
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 90), strings.Repeat("e", 90))
	must(t, os.MkdirAll(deep, 0o700))
	t.Chdir(deep)
	dir := filepath.Join(deep, "home")
	_, err := Program{}.Init(t.Context(), dir, app.InitOptions{Space: "club", As: "ann"})
	must(t, err)
	run(t, dir, peerOptions())
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		if st, err := s.Control.Status(ctx); err != nil || !st.Running {
			t.Errorf("status %+v, %v", st, err)
		}
	})
}

func TestRunRefuses(t *testing.T) {
	dir := founded(t)
	plain := filepath.Join(dir, "plain.pem")
	must(t, os.WriteFile(plain, []byte("none"), 0o600))
	cases := map[string]app.RunOptions{
		"an address without a port": {Listen: []string{"nowhere"}},
		"a web address without one": {NoPeer: true, Web: "nowhere"},
		"a damaged certificate":     {Serve: true, NoPeer: true, Listen: []string{"127.0.0.1:0"}, CertFile: plain, KeyFile: plain},
		"one for mail programs":     {NoPeer: true, Mail: app.MailOptions{IMAP: "127.0.0.1:0", CertFile: plain}},
	}
	for name, o := range cases {
		err := Program{Listen: listen.Open}.Run(t.Context(), dir, o, func([]string) { t.Errorf("%s: the node runs", name) })
		if moot.KindOf(err) != moot.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	run(t, dir, peerOptions()) // the home is free again
}

func TestMemberMayNotServe(t *testing.T) {
	server := founded(t)
	run(t, server, serverOptions())
	member := join(t, invite(t, server))
	err := Program{Listen: listen.Open}.Run(t.Context(), member, serverOptions(), func([]string) {})
	wantError(t, err, moot.Denied, "", "must be an owner")
}

func TestServerAndClient(t *testing.T) {
	server := founded(t)
	stop := run(t, server, serverOptions())
	client := join(t, invite(t, server))
	h, err := openHome(client)
	must(t, err)
	if !h.settings.NoPeer || len(h.settings.Servers) != 1 {
		t.Errorf("an invitation to a server alone leaves the settings %+v", h.settings)
	}
	in(t, client, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		if s.Via != viaServer {
			t.Errorf("the client asks %v", s.Via)
		}
		must(t, write(ctx, s, "ben.txt", "hi"))
	})
	in(t, server, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		if got := read(t, s, "ben.txt"); got != "hi" {
			t.Errorf("the server reads %q", got)
		}
		st, err := s.Control.Status(ctx)
		must(t, err)
		if st.Received == 0 || len(st.Addrs) != 1 {
			t.Errorf("status %+v", st)
		}
	})
	stop()
	s, err := Program{}.Open(t.Context(), client, moot.Architecture{})
	must(t, err)
	defer s.Close()
	if err := write(t.Context(), s, "late.txt", "x"); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("a write without the server: %v", err)
	}
}

func TestPeersShare(t *testing.T) {
	ann := founded(t)
	stop := run(t, ann, peerOptions())
	ben := join(t, invite(t, ann))
	in(t, ann, moot.Architecture{}, func(ctx context.Context, s *app.Session) { must(t, write(ctx, s, "a.txt", "from ann")) })
	in(t, ben, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		if got := read(t, s, "a.txt"); got != "from ann" {
			t.Errorf("ben reads %q", got)
		}
		must(t, write(ctx, s, "b.txt", "from ben"))
	}) // Close hands over what was written
	in(t, ann, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		f, err := s.Files.Lookup(ctx, "b.txt")
		must(t, err)
		if f.Blob.Size != 8 {
			t.Errorf("ann sees %+v", f)
		}
		_, err = s.Members.SetRole(ctx, "ben", policy.RoleGuest)
		must(t, err)
	})
	stop()
	var seen []moot.Peer
	h, err := openHome(ben)
	must(t, err)
	must(t, h.Load("peers.json", &seen))
	if len(seen) == 0 || seen[0].Name != "ann" {
		t.Errorf("ben remembers %v", seen)
	}
}
