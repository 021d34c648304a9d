package api_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/front/api"
	"github.com/mootspace/moot/internal/policy"
)

func TestSession(t *testing.T) {
	w := newWorld(t)
	s := w.session
	if s.Member != w.self || s.Device != w.device || s.Label != "laptop" || s.Name != "friends" || s.As != "ann" || s.Home != "/home" || s.Via.String() != "peers" {
		t.Errorf("%+v %v", s.Identity, s.Via)
	}
	both, err := api.Dial(t.Context(), w.local.Client(), w.local.URL, moot.Architecture{Server: true, Peers: true})
	must(t, err)
	if _, err = both.Files.List(t.Context(), ""); err != nil || both.Via.String() != "both" {
		t.Errorf("%v, %v", both.Via, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.opened[len(w.opened)-1]; last != both.Via || w.closed != len(w.opened) {
		t.Errorf("opened through %v; %d of %d sessions closed", last, w.closed, len(w.opened))
	}
}

func TestControl(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.session.Control
	st, err := c.Status(ctx)
	want, _ := w.control.Status(ctx)
	if err != nil || !reflect.DeepEqual(st, want) {
		t.Errorf("%+v, %v", st, err)
	}
	peers, err := c.Peers(ctx)
	wantPeers, _ := w.control.Peers(ctx)
	if err != nil || !reflect.DeepEqual(peers, wantPeers) {
		t.Errorf("%+v, %v", peers, err)
	}
	p := policy.Preferences{Names: []string{"a"}, Deny: []moot.MemberID{{9}}, UploadRate: 5, LendCPUs: -1}
	must(t, c.SetPreferences(ctx, p))
	if got, err := c.Preferences(ctx); err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.session.Control
	if list, err := c.Accounts(ctx); err != nil || list == nil || len(list) > 0 {
		t.Errorf("%#v, %v; want an empty list", list, err)
	}
	if a, err := c.AddAccount(ctx, "bob", "+link"); err != nil || a.Name != "bob+link" || a.Member != (moot.MemberID{3}) {
		t.Errorf("%+v, %v", a, err)
	}
	if p, err := c.AddPassword(ctx, ""); err != nil || p != "secret of " {
		t.Errorf("%q, %v", p, err)
	}
	must(t, c.DropPasswords(ctx, "bob & ann"))
	must(t, c.DropPasswords(ctx, ""))
	if !reflect.DeepEqual(w.control.dropped, []string{"bob & ann", ""}) {
		t.Errorf("%q", w.control.dropped)
	}
	a, err := c.EnableAccount(ctx, app.EnableOptions{Password: "pw & more"})
	if want, _ := w.control.EnableAccount(ctx, app.EnableOptions{Password: "pw & more"}); err != nil || a != want {
		t.Errorf("%+v, %v", a, err)
	}
	must(t, c.SetPassword(ctx, "zoe/?", "a:b"))
	if w.control.chosen != "zoe/?:a:b" {
		t.Errorf("%q", w.control.chosen)
	}
	err = c.RemoveAccount(ctx, "zoe/?", false)
	if wantKind(t, "the only device", err, moot.Conflict); moot.HintOf(err) != moot.HintConfirm {
		t.Errorf("the hint is lost: %v", err)
	}
	must(t, c.RemoveAccount(ctx, "zoe/?", true))
	if got := w.control.dropped[2:]; !reflect.DeepEqual(got, []string{"zoe/?"}) {
		t.Errorf("%q", got)
	}
	_, err = c.MailRecords(ctx)
	if wantKind(t, "no domain", err, moot.NotFound); moot.HintOf(err) != moot.HintMailDomain {
		t.Errorf("the hint is lost: %v", err)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.session.Control
	made, err := c.AddToken(ctx, app.TokenOptions{Name: "../a/b", ReadOnly: true, Expires: time.Hour})
	if err != nil || made.Token == "" || !made.ReadOnly || !made.Expires.Equal(made.Made.Add(time.Hour)) {
		t.Errorf("%+v, %v", made, err)
	}
	_, err = c.AddToken(ctx, app.TokenOptions{Name: "../a/b"})
	wantKind(t, "two of one name", err, moot.Conflict)
	list, err := c.Tokens(ctx)
	if err != nil || len(list) != 1 || list[0].Token != "" || list[0].Name != "../a/b" {
		t.Errorf("%+v, %v", list, err)
	}
	must(t, c.RemoveToken(ctx, "../a/b"))
	for _, name := range []string{"../a/b", "..", "."} {
		wantKind(t, name, c.RemoveToken(ctx, name), moot.NotFound)
	}
}

func TestBackup(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "new")
	w.control.backup = func(got string, o app.BackupOptions) (b app.Backup, err error) {
		if got != dir || o.Keep != 3 {
			t.Errorf("%s, %+v", got, o)
		}
		o.Progress(5, 5)
		b.ID, b.Bytes, b.Folders = "2026", 7, []string{"/d"}
		return b, nil
	}
	var seen int64
	b, err := w.session.Control.Backup(t.Context(), dir, app.BackupOptions{Keep: 3, Progress: func(done, _ int64) { seen = done }})
	if err != nil || b.ID != "2026" || b.Bytes != 7 || len(b.Folders) != 1 || seen != 5 {
		t.Errorf("%+v, %v; progress %d", b, err, seen)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	w.control.backup = func(string, app.BackupOptions) (b app.Backup, err error) {
		return b, moot.Errorf(moot.Full, "no space")
	}
	_, err = w.session.Control.Backup(t.Context(), dir, app.BackupOptions{})
	wantKind(t, "a backup that fails", err, moot.Full)
	body := `{"path":"` + dir + `","proof":"` + dir + `/nosuch","token":"mine"}`
	if resp, _ := w.ask(w.local, "", "POST", "/api/local/backup", body); resp.StatusCode != 400 {
		t.Errorf("a directory that the node does not see: %d", resp.StatusCode)
	}
}
