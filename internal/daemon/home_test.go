package daemon

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/listen"
	"github.com/mootspace/moot/internal/members"
)

func TestFoundedHomeStoresWhatIsWritten(t *testing.T) {
	dir := founded(t)
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		must(t, write(ctx, s, "plan.txt", "walk"))
	})
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		if got := read(t, s, "plan.txt"); got != "walk" {
			t.Errorf("the next session reads %q", got)
		}
		st, err := s.Control.Status(ctx)
		must(t, err) // the other author is the recovery code
		if st.Running || st.Role != "owner" || st.Authors != 2 || st.Blobs != 1 || st.Bytes != 4 {
			t.Errorf("status %+v", st)
		}
	})
	_, err := Program{}.Init(t.Context(), dir, app.InitOptions{Space: "other", As: "ann"})
	wantError(t, err, moot.Invalid, moot.HintOtherHome, "already the home")
}

func TestInitRefusesBadNamesBeforeItMakesAHome(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	for _, names := range [][2]string{{"", "ann"}, {"club", "a\nb"}, {strings.Repeat("x", 1000), "ann"}} {
		_, err := Program{}.Init(t.Context(), dir, app.InitOptions{Space: names[0], As: names[1]})
		if moot.KindOf(err) != moot.Invalid {
			t.Errorf("space %.10q, member %.10q: %v", names[0], names[1], err)
		}
	}
	if exists(t, dir) {
		t.Error("a refused name left a home behind")
	}
}

func TestInitGoesOnAfterAnInterruption(t *testing.T) {
	dir := founded(t)
	h, err := openHome(dir)
	must(t, err)
	first, err := members.Founding("club", "laptop", h.key, time.Now)
	must(t, err)
	must(t, h.keepFirstAct(first))
	must(t, os.Remove(h.Path(settingsFile))) // as if the power had failed before the last step
	made, err := Program{}.Init(t.Context(), dir, app.InitOptions{Space: "club", As: "ann"})
	must(t, err)
	if made.Recovery == "" || made.Device == h.self() || exists(t, h.Path(firstFile)) {
		t.Errorf("the second attempt made %+v", made)
	}
	in(t, dir, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		list, err := s.Members.List(ctx)
		must(t, err)
		if st, err := s.Control.Status(ctx); err != nil || len(list) != 1 || st.Authors != 2 || st.Conflicts != 0 || st.Forks != 0 {
			t.Errorf("the space was made twice: %+v, %v", st, err)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	cases := map[string]struct {
		damage func(t *testing.T, dir string)
		kind   moot.ErrorKind
		hint   moot.Hint
		text   string
	}{
		"no home": {func(t *testing.T, dir string) { must(t, os.RemoveAll(dir)) }, moot.NotFound, moot.HintCreate, "not the home"},
		"damaged settings": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, settingsFile), []byte(`{"version":1,`), 0o600))
		}, moot.Corrupt, "", "damaged"},
		"newer settings": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, settingsFile), []byte(`{"version":3}`), 0o600))
		}, moot.Invalid, moot.HintUpdate, "newer version"},
		"no key": {func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, keyFile))) }, moot.NotFound, "", "read the home"},
		"damaged preferences": {func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "wishes.json"), []byte(`[]`), 0o600))
		}, moot.Corrupt, "", "damaged"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := founded(t)
			c.damage(t, dir)
			s, err := Program{}.Open(t.Context(), dir, moot.Architecture{})
			if err == nil {
				s.Close()
			}
			wantError(t, err, c.kind, c.hint, c.text)
			wantError(t, Program{Listen: listen.Open}.Run(t.Context(), dir, peerOptions(), func([]string) {}), c.kind, c.hint, c.text)
		})
	}
}

func TestReachWaitsForTheHome(t *testing.T) {
	dir := founded(t)
	h, err := openHome(dir)
	must(t, err)
	first, err := Program{}.open(t.Context(), h, arch.Peer())
	must(t, err)
	_, _, err = Program{}.reach(t.Context(), h, moot.Architecture{}, arch.Peer(), time.Millisecond)
	wantError(t, err, moot.Unavailable, "", "open the home")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err = (Program{}).reach(ctx, h, moot.Architecture{}, arch.Peer(), time.Hour); err == nil {
		t.Fatal("a cancelled wait got a home that another has")
	}
	ended := make(chan error, 1)
	go func() {
		s, err := Program{}.Open(t.Context(), dir, moot.Architecture{})
		if err == nil {
			err = s.Close()
		}
		ended <- err
	}()
	must(t, first.Close())
	must(t, <-ended)
}

func TestOptionsOfAServerAreRemembered(t *testing.T) {
	dir := founded(t)
	h, err := openHome(dir)
	must(t, err)
	before, err := os.Stat(h.Path(settingsFile))
	must(t, err)
	must(t, h.remember(app.RunOptions{Mail: app.MailOptions{Domain: "only.servers"}}))
	after, err := os.Stat(h.Path(settingsFile))
	must(t, err)
	if !os.SameFile(before, after) || h.settings.MailDomain != "" {
		t.Error("a peer saved options of a server")
	}
	must(t, h.remember(app.RunOptions{Serve: true, Database: "/d", Blobs: "/b", Mail: app.MailOptions{Domain: "club.example", Host: "mx", Quota: 7}}))
	must(t, h.remember(app.RunOptions{}))
	h, err = openHome(dir)
	must(t, err)
	s := h.settings
	if s.Database != "/d" || s.Blobs != "/b" || s.MailDomain != "club.example" || s.MailHost != "mx" || s.MailQuota != 7 || s.Version != settingsVersion {
		t.Errorf("remembered %+v", s)
	}
	must(t, h.remember(app.RunOptions{Serve: true}))
	if h.settings.MailDomain != "" || h.settings.Database != "/d" {
		t.Errorf("a server without a domain leaves %+v", h.settings)
	}
}

func TestRoleOfOptions(t *testing.T) {
	for want, o := range map[string]app.RunOptions{"server": {Serve: true}, "worker": {Worker: true}, "peer": {}} {
		if got := roleOf(o).Name; got != want {
			t.Errorf("role %q, want %q", got, want)
		}
	}
}

func TestLoginNameIsAlwaysAName(t *testing.T) {
	if loginName() == "" {
		t.Error("a member without a name")
	}
}
