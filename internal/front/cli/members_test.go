package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/policy"
)

// TestUnconfirmed fails if a deed that ends a membership or this device is done unasked.
func TestUnconfirmed(t *testing.T) {
	for _, line := range []string{"leave", "revoke ann", "device rm laptop", "device rm " + laptop.String()} {
		f := newFake()
		f.expect(t, line, "y\n", Failed, "", "use --yes if it is meant")
		for _, c := range f.calls {
			if c == "leave" || strings.HasPrefix(c, "revoke") || strings.HasPrefix(c, "remove") {
				t.Errorf("%s: called %s", line, c)
			}
		}
	}
}

// TestLastCopies: whose devices alone hold files is not removed unasked.
func TestLastCopies(t *testing.T) {
	for line, want := range map[string]string{
		"leave":                  `this ends your own membership of "friends", on all your devices; 12 files (2.0 KiB) are on no device but yours, as far as is known`,
		"revoke bob":             "moot: 12 files (2.0 KiB) are on no device but those of bob, as far as is known: use --yes if it is meant",
		"device rm phone":        "moot: 12 files (2.0 KiB) are on no device but phone, as far as is known: use --yes",
		"device rm laptop":       "this removes the device that you are using, for good; 12 files (2.0 KiB) are on no device but laptop",
		"device rm aya --of bob": "12 files (2.0 KiB) are on no device but aya",
	} {
		f := newFake()
		f.only = app.FileCount{Files: 12, Bytes: 2048}
		f.expect(t, line, "", Failed, "", want)
		f.calls = nil
		if status, _, errs := f.runLine(t, line+" --yes", ""); status != Done || strings.Contains(f.recorded(), "only on") {
			t.Errorf("%s --yes: status %d, errors %q, called %s", line, status, errs, f.recorded())
		}
	}
	f := newFake()
	f.only = app.FileCount{Files: 1, Bytes: 1}
	f.expect(t, "revoke bob", "", Failed, "", "1 file (1 B) is on no device but")
}

// TestLinkIsRead reads links from where they do not show on a command line.
func TestLinkIsRead(t *testing.T) {
	file := filepath.Join(t.TempDir(), "link")
	if err := os.WriteFile(file, []byte("Join us:\n\n  moot://link\n█▀▀\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ line, in string }{{"join --file " + file, ""}, {"join -", " moot://link\n"}, {"join -", "moot://link\n\n█▀▀"}} {
		f := newFake()
		f.expect(t, c.line, c.in, Done, "joined", "")
		if got := f.recorded(); got != "join /home {Link:moot://link As: Label:}" {
			t.Errorf("%s: called %q", c.line, got)
		}
	}
	newFake().expect(t, "join --file "+file+".not", "", Failed, "", "read the link: open ")
	newFake().expect(t, "join -", " \n", Failed, "", "the link is empty")
	newFake().expect(t, "join -", strings.Repeat("x", maxSecret+1), Failed, "", "the link is longer than 64 KiB")
	newFake().expect(t, "account enable --password-stdin", "", Failed, "", "the password is empty")
	newFake().expect(t, "device rm phone --recovery -", "", Failed, "", "the recovery code is empty")
	f := newFake()
	f.expect(t, "account add zoe --invite -", "moot://link\n", Done, "bob", "")
	if got := f.recorded(); !strings.HasPrefix(got, `add account zoe "moot://link"`) {
		t.Errorf("called %q", got)
	}
}

// TestJoined is what a newcomer is told.
func TestJoined(t *testing.T) {
	f := newFake()
	f.joined = app.NewHome{Added: true}
	f.expect(t, "join moot://x", "", Done, `this is now a device of "ann" in "friends": laptop`+"\n", "")
	f.joined = app.NewHome{}
	f.expect(t, "join moot://x --as Anna", "", Done, `another member is called "Anna"`, "")
	f.joined = app.NewHome{Waiting: true}
	f.expect(t, "join moot://x", "", Done, "you wait for a server, admin or owner", "")
	f.expect(t, "join moot://x --json", "", Done, `"waiting":true`, "")
}

// TestInitWithoutCode says nothing of a recovery code that was not made.
func TestInitWithoutCode(t *testing.T) {
	f := newFake()
	f.code = ""
	if _, out, _ := f.runLine(t, "init", ""); strings.Contains(out, "recovery") {
		t.Error(out)
	}
	if _, out, _ := f.runLine(t, "init --json", ""); strings.Contains(out, "recovery") {
		t.Error(out)
	}
}

func TestOpenOfStatus(t *testing.T) {
	f := newFake()
	f.status.Membership = app.Membership{CatchUp: &app.CatchUp{Asked: 3, Answered: 1, Missing: 7}}
	f.expect(t, "status", "", Done, "as version 0.1.0 left them", "")
	f.expect(t, "status", "", Done, "1 of 3 nodes have answered, 7 entries are missing", "")
	f.expect(t, "status --json", "", Done, `"adopted":false,"invitations":0,"catching_up":{"asked":3,"answered":1,"missing":7}`, "")
}

func TestAccountStates(t *testing.T) {
	for want, acct := range map[string]app.Account{"this home's own": {Own: true}, "removed": {Revoked: true}, "a device kept here, waiting": {Waiting: true},
		"a device kept here, FORKED": {Forked: true}, "a device kept here": {}} {
		if got := accountState(acct); got != want {
			t.Errorf("%+v is shown as %q, want %q", acct, got, want)
		}
	}
}

// TestNames shortens the IDs of those who are not known.
func TestNames(t *testing.T) {
	n := newNames([]policy.Member{
		{ID: ann, Name: "ann", Devices: []policy.Device{{Key: laptop, Name: "laptop"}, {Key: phone}}},
		{ID: bob, Name: "bob", Devices: []policy.Device{{Key: tower, Name: "tower"}}},
	})
	for got, want := range map[string]string{n.member(ann): "ann", n.member(cyd): cyd.Short(), n.device(laptop): "ann (laptop)", n.device(phone): "ann",
		n.device(tower): "bob", n.device(moot.Key{9}): moot.Key{9}.Short()} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNoInvitation(t *testing.T) {
	f := newFake()
	f.noInvitations = true
	f.expect(t, "invite --list", "", Done, "no invitation is open: 'moot invite' makes one", "")
	f.expect(t, "invite --list --json", "", Done, "", "")
}
