package daemon

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func TestJoinGoesOnAfterAnInterruption(t *testing.T) {
	server := founded(t)
	stop := run(t, server, serverOptions())
	link := invite(t, server)
	stop()
	dir := filepath.Join(t.TempDir(), "ben")
	_, err := Program{}.Join(t.Context(), dir, app.JoinOptions{Link: link, As: "ben"})
	wantError(t, err, moot.Unavailable, "", "join club")
	statement, err := os.ReadFile(filepath.Join(dir, firstFile))
	must(t, err)
	if exists(t, filepath.Join(dir, settingsFile)) {
		t.Fatal("an attempt that failed made a home")
	}
	l, err := members.ParseLink(link, time.Now())
	must(t, err)
	h, _, err := createHome(dir)
	must(t, err)
	resumed, err := h.prepareJoin(l, "another name", "laptop")
	must(t, err)
	again, _, err := h.firstAct()
	must(t, err)
	if !resumed || again.Author != h.self() || !bytes.Equal(statement, feed.Encode(again)) {
		t.Error("the second attempt signs another entry with the same number")
	}
}

func TestJoinWhoseAcknowledgementWasLost(t *testing.T) {
	server := founded(t)
	run(t, server, serverOptions())
	link := invite(t, server)
	l, err := members.ParseLink(link, time.Now())
	must(t, err)
	dir := filepath.Join(t.TempDir(), "ben")
	h, _, err := createHome(dir)
	must(t, err)
	_, err = h.prepareJoin(l, "ben", "laptop")
	must(t, err)
	_, err = h.submitJoin(t.Context(), l) // admitted, and then the power fails
	must(t, err)
	id, err := Program{}.Join(t.Context(), dir, app.JoinOptions{Link: link, As: "ben"})
	must(t, err)
	if id.Device != h.self() || exists(t, h.Path(firstFile)) {
		t.Errorf("joined as %v, the statement is left behind: %v", id.Device, exists(t, h.Path(firstFile)))
	}
	in(t, server, moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		list, err := s.Members.List(ctx)
		must(t, err)
		if st, err := s.Control.Status(ctx); err != nil || len(list) != 2 || st.Forks != 0 {
			t.Errorf("%d members, status %+v, %v", len(list), st, err)
		}
	})
	eve := filepath.Join(t.TempDir(), "eve")
	for range 2 { // the second attempt resumes one that was never admitted
		_, err = Program{}.Join(t.Context(), eve, app.JoinOptions{Link: link, As: "eve"})
		wantError(t, err, moot.UsedUp, "", "join club")
	}
	_, err = Program{}.Join(t.Context(), dir, app.JoinOptions{Link: link, As: "ben"})
	wantError(t, err, moot.Invalid, moot.HintOtherHome, "already the home")
}

func TestJoinRefuses(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	nobody := members.Link{Version: 2, Name: "club", Role: policy.RoleMember, Invite: moot.EntryID{1}, Expires: time.Now().Add(time.Hour).Unix()}
	old := nobody
	old.Expires = 1
	for _, c := range []struct {
		link, as string
		kind     moot.ErrorKind
	}{
		{"https://example.org", "ben", moot.Invalid},
		{old.String(), "ben", moot.Expired},
		{nobody.String(), "a\x00b", moot.Invalid},
		{nobody.String(), "ben", moot.Unavailable},
	} {
		if _, err := (Program{}).Join(t.Context(), dir, app.JoinOptions{Link: c.link, As: c.as}); moot.KindOf(err) != c.kind {
			t.Errorf("%.20q as %q: %v", c.link, c.as, err)
		}
	}
}

func TestInvitationNamesNobodyWhileNobodyRuns(t *testing.T) {
	in(t, founded(t), moot.Architecture{}, func(ctx context.Context, s *app.Session) {
		_, err := s.Members.Invite(ctx, app.InviteOptions{Role: policy.RoleMember, Expires: time.Hour})
		wantError(t, err, moot.Unavailable, moot.HintStartNode, "nobody could use")
	})
}
