package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/rules"
	"github.com/mootspace/moot/internal/tree"
)

// expect runs a line and compares its status, and its output and errors in part.
func (f *fake) expect(t *testing.T, line, in string, status int, out, errs string) {
	t.Helper()
	got, o, e := f.runLine(t, line, in)
	if got != status || !strings.Contains(o, out) || !strings.Contains(e, errs) || out == "" && o != "" || errs == "" && e != "" {
		t.Errorf("%s: status %d, output %q, errors %q; want %d, %q, %q", line, got, o, e, status, out, errs)
	}
}

func TestDamageInBackups(t *testing.T) {
	f := newFake()
	f.damaged = []moot.BlobID{{0xab}}
	f.expect(t, "backup saved", "", Failed, "made 2026-01-31", "these blobs of this home are damaged: ab00")
	f.expect(t, "restore saved", "", Failed, "restored /home", "left out, and is fetched again if somebody has it: ab00")
	newFake().expect(t, "backup saved --keep=-1", "", Failed, "", "--keep is -1")
}

func TestGetToStandardOutput(t *testing.T) {
	newFake().expect(t, "get a.txt -o -", "", Done, "bytes of a.txt", "")
	f := newFake()
	f.fail, f.failAt = moot.Errorf(moot.Invalid, "a.txt is a folder"), 2
	f.expect(t, "get a.txt -o -", "", Failed, "", "get a.txt: a.txt is a folder")
}

// TestAttachments saves attachments under names that are free, or shares them.
func TestAttachments(t *testing.T) {
	dir := t.TempDir()
	for _, want := range []string{"map.txt", "map (2).txt", "map (3).txt"} {
		newFake().expect(t, "attachments abcd -o "+dir, "", Done, filepath.Join(dir, want), "")
		if text, err := os.ReadFile(filepath.Join(dir, want)); err != nil || string(text) != "X" {
			t.Errorf("%s is %q, %v", want, text, err)
		}
	}
	newFake().expect(t, "--json attachments abcd -o "+dir, "", Done, `{"path":"`+dir+`/map (4).txt"}`, "")
	newFake().expect(t, "attachments abcd -o "+dir+"/nosuch", "", Failed, "", "save map.txt")
	f := newFake()
	f.expect(t, "attachments abcd --share maps/", "", Done, "maps/map.txt  1.0 MiB", "")
	if last := f.calls[len(f.calls)-1]; !strings.Contains(last, "As:maps/map.txt") {
		t.Errorf("shared by %q", last)
	}
}

func TestWatchEnds(t *testing.T) {
	f := newFake()
	f.expect(t, "watch", "", Failed, "Lunch", "the node went away")
	if q := f.calls[len(f.calls)-1]; q != `messages {"since":7}` {
		t.Errorf("after a change asked for %s", q)
	}
	f = newFake()
	f.items[0].Flags = []mail.Flag{mail.Seen}
	f.expect(t, "watch", "", Failed, "", "the node went away")
}

func TestInboxAwaited(t *testing.T) {
	f := newFake()
	f.folders[0].Awaited = 3
	f.expect(t, "inbox", "", Done, "Lunch", "3 more announced, but nobody who has them can be reached now")
}

// TestFindMessage tries IDs that stand for no message, or for several.
func TestFindMessage(t *testing.T) {
	f := newFake()
	f.items = nil
	f.expect(t, "read ab", "", Failed, "", `there is no message "ab": see 'moot inbox'`)
	f = newFake()
	other := f.items[0]
	other.ID = moot.BlobID{0xab, 1}
	f.items = append(f.items, other)
	f.expect(t, "read ab", "", Failed, "", `several messages begin with "ab"`)

	f = newFake() // a message in two folders: that of the inbox
	copied := f.items[0]
	copied.Folder, copied.UID = "Sent", 9
	f.items = append([]mail.Item{copied}, f.items...)
	f.expect(t, "discard ab --for-good", "", Done, "removed", "")
	if !strings.Contains(f.recorded(), `change [{"folder":"INBOX","uid":4,"remove":true}]`) {
		t.Errorf("called %s", f.recorded())
	}
}

// TestSentMessage looks at the message that send and reply write.
func TestSentMessage(t *testing.T) {
	attached := filepath.Join(t.TempDir(), "plan.txt")
	if err := os.WriteFile(attached, []byte("the plan"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"send bob cyd --subject Hi --cc eve":     {"bob", "cyd", "eve", "Subject: Hi", "typed text"},
		"send bob --text 'said·so'":              {"said so"},
		"send bob --attach " + attached:          {"plan.txt", "typed text"},
		"reply abcd":                             {"Subject: Re: Lunch", "In-Reply-To: <1@moot.alt>", "bob@moot.alt"},
		"reply abcd --all --text yes":            {"ann@moot.alt", "cyd@moot.alt", "yes"},
		"reply abcd --draft --text later":        {"later"},
		"send bob --draft --bcc eve --text psst": {"psst"},
	} {
		f := newFake()
		if status, _, errs := f.runLine(t, line, "typed text"); status != Done {
			t.Errorf("%s: status %d, %s", line, status, errs)
		}
		for _, part := range want {
			if !strings.Contains(f.mime, part) {
				t.Errorf("%s: the message lacks %q:\n%s", line, part, f.mime)
			}
		}
	}
	f := newFake()
	f.items[0].Channel = "#general"
	f.expect(t, "reply abcd --text yes", "", Done, "sent", "")
	if !strings.Contains(f.mime, "#general") && !strings.Contains(f.mime, "general") {
		t.Errorf("an answer in a channel goes to\n%s", f.mime)
	}
	f.expect(t, "send bob", strings.Repeat("x", maxTyped+1), Failed, "", "the text is larger than 16 MiB: attach it")
}

// TestSentTo looks at what is said of the replicas.
func TestSentTo(t *testing.T) {
	f := newFake()
	f.sent.Holders = 0
	f.expect(t, "send bob --text x", "", Done, "sent ef0000000000 to 1, held by 0 more\nit waits here until somebody can be reached: keep 'moot up' running\n", "")
	f = newFake()
	f.sent = mail.Sent{ID: f.sent.ID}
	f.expect(t, "send ann --text x", "", Done, "sent ef0000000000\n", "")
	f = newFake()
	f.sent.Relayed = []string{"x@example.org"}
	f.expect(t, "send bob x@example.org --text x", "", Done, "to 2, held by 2 more", "")
}

// TestReceipts are shown to the author only.
func TestReceipts(t *testing.T) {
	f := newFake()
	f.items[0].Author = ann
	f.expect(t, "read abcd", "", Done, "bob: read 2026-01-02 03:04:05\nann: delivered 2026-01-02 03:04:05\ncyd: not delivered yet\n", "")
	if _, out, _ := newFake().runLine(t, "read abcd", ""); strings.Contains(out, "delivered") {
		t.Errorf("receipts for a reader: %s", out)
	}
}

// TestJobEnds is how jobs end that do not succeed.
func TestJobEnds(t *testing.T) {
	ended := func(change func(*jobs.Job)) *fake {
		f := newFake()
		change(&f.events[len(f.events)-1].Job)
		return f
	}
	for _, line := range []string{"jobs k3f -f", "retry k3f", "run mod.wasm --count 2"} {
		ended(func(j *jobs.Job) { j.State, j.Why = jobs.Failed, "task one: exit status 1" }).
			expect(t, line, "", Failed, "", "moot: the job k3f9ab failed: task one: exit status 1\n")
		ended(func(j *jobs.Job) { j.State = jobs.Failed }).expect(t, line, "", Failed, "", "the job k3f9ab failed: nobody knows why")
		ended(func(j *jobs.Job) { j.State = jobs.Cancelled }).expect(t, line, "", Failed, "", "the job k3f9ab was cancelled")
		ended(func(j *jobs.Job) { j.State = jobs.Running }).expect(t, line, "", Failed, "", "the job's coordinator went away: see 'moot jobs k3f9ab'")
		ended(func(j *jobs.Job) {
			j.Why, j.Disagreed = "one task is missing\nmore", []jobs.Disagreement{{Worker: tower, Task: "one"}}
		}).
			expect(t, line, "", Done, "one task is missing\nthe result of bob was not that of the others: task one\n", "")
	}
	ended(func(j *jobs.Job) { j.Disagreed, j.Why = []jobs.Disagreement{{Worker: tower, Task: "one"}}, "late" }).
		expect(t, "jobs k3f", "", Done, "because              late\n", "")
}

// TestJobWithoutCoordinator shows what the space knows of a job when its coordinator does not answer.
func TestJobWithoutCoordinator(t *testing.T) {
	f := newFake()
	f.events = f.events[:1]
	f.expect(t, "jobs k3f", "", Done, "state           running\n", "")
}

func TestInterruptedJob(t *testing.T) {
	f := newFake()
	ctx, cancel := context.WithCancel(t.Context())
	a := &commandLine{program: f, out: os.Stdout, err: os.Stderr}
	s, err := f.Open(ctx, "/home", moot.Architecture{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := a.follow(ctx, s, "k3f", false, false); moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("an interrupted job: %v", err)
	}
}

// TestLogs of several tasks are prefixed, of one are its own.
func TestLogs(t *testing.T) {
	f := newFake()
	f.events[1].Log = &jobs.Log{Task: "one", Stream: 2, Text: []byte("a\tb\nsecond\x1b"), Restarted: true}
	f.expect(t, "run mod.wasm --count 2 --logs", "", Done, "counts", "-- one begins anew\none: a    b\none: second�\n")
	f.expect(t, "run mod.wasm", "", Done, "", "-- one begins anew\na\tb\nsecond\x1b")
}

// TestInputsHere brings what exists here into the space instead of looking there.
func TestInputsHere(t *testing.T) {
	here := filepath.Join(t.TempDir(), "here.wasm")
	if err := os.WriteFile(here, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFake()
	f.expect(t, "run "+here+" --in texts", "", Done, "hello", "")
	if calls := f.recorded(); !strings.HasPrefix(calls, "store bare=true\nlookup texts\n") || !strings.Contains(calls, `"name":"here"`) {
		t.Errorf("called %s", calls)
	}
}

func TestPlanOutput(t *testing.T) {
	f := newFake()
	f.expect(t, "plan --members 4 --up 2x5,2x10 --size 10MB --copies 3 --pieces 2", "", Done, "Recommended: ", "")
	f.expect(t, "plan --servers 0 --lifetime 2w --source-up 5 --online 0.01", "", Done, "peer", "")
	f.expect(t, "plan --up unlimited --down unlimited --server-down 10 --control", "", Done, "client-server", "")
	_, out, _ := f.runLine(t, "plan --json --lifetime 1d", "")
	var got struct {
		Group struct {
			Lifetime float64 `json:"lifetime_seconds"`
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Group.Lifetime != 86400 {
		t.Errorf("plan --json: %+v, %v", got, err)
	}
	if len(f.calls) > 0 {
		t.Errorf("plan called %v", f.calls)
	}
}

func TestHome(t *testing.T) {
	f := newFake()
	t.Setenv("MOOT_HOME", "/env")
	run := func(args ...string) string {
		f.calls = nil
		Main(t.Context(), f, args, strings.NewReader(""), &strings.Builder{}, &strings.Builder{})
		return strings.Join(f.calls[:1], "")
	}
	for _, c := range []struct {
		set  func()
		want string
	}{
		{func() {}, "/env"},
		{func() { t.Setenv("MOOT_HOME", ""); t.Setenv("XDG_DATA_HOME", "/xdg") }, "/xdg/moot"},
		{func() { t.Setenv("XDG_DATA_HOME", "relative"); t.Setenv("HOME", "/user") }, "/user/.local/share/moot"},
	} {
		c.set()
		if got := run("ls", "--via", "both"); got != "open "+c.want+" both" {
			t.Errorf("%s, want home %s", got, c.want)
		}
	}
	t.Setenv("HOME", "")
	newFake().expect(t, "version", "", Done, "moot "+Version, "")
}

func TestCloseFails(t *testing.T) {
	f := newFake()
	f.closeErr = moot.Errorf(moot.Full, "cannot flush")
	f.expect(t, "ls", "", Failed, "a.txt", "cannot flush")
}

func TestStatusOfStoppedNode(t *testing.T) {
	f := newFake()
	f.synced = nil
	f.status.Running, f.status.Conflicts, f.status.Membership = false, 0, app.Membership{Adopted: true}
	f.expect(t, "status", "", Done, "not running: each command makes a node for itself ('moot up' runs one)", "")
	if _, out, _ := f.runLine(t, "status", ""); strings.Contains(out, "conflicts") || strings.Contains(out, "forked") || strings.Contains(out, "waiting") || strings.Contains(out, "invitations") {
		t.Errorf("status shows none: %s", out)
	}
}

func TestNoOffers(t *testing.T) {
	f := newFake()
	f.offers = nil
	f.expect(t, "offer", "", Done, "nobody lends computing power", "")
	f.expect(t, "offer --json", "", Done, "", "")
}

func TestRemoveRestrictions(t *testing.T) {
	f := newFake()
	f.preferences.Deny, f.preferences.Names, f.preferences.UploadRate = []moot.MemberID{bob}, []string{"p/"}, 5
	f.expect(t, "policy --allow bob --names '' --rate 0", "", Done, "members\n", "")
	if !strings.HasSuffix(f.recorded(), "set {}\nrules") {
		t.Errorf("called %s", f.recorded())
	}
	f.preferences.LendTo = []moot.MemberID{bob}
	f.expect(t, "offer --to '' --hours ''", "", Done, "ann", "")
}

// TestFileRules shows those in force, that for all files first.
func TestFileRules(t *testing.T) {
	f := newFake()
	f.rules = []rules.Rule{{Prefix: "a\x1b", Copies: 2, Retention: tree.Retention{All: day, Removed: 30 * day, Least: 1}}, {Prefix: "b", Copies: 1}}
	f.expect(t, "policy", "", Done, "files     all: 1 copy, old versions for 30d, the newest 10 of each file\n"+
		"files     at and below a�: 2 copies, old versions for 1d, removed files for 30d\nfiles     at and below b: 1 copy, no old versions\n", "")
	f.expect(t, "policy --json", "", Done, `{"rules":[{"names":"a\u001b","copies":2,"retain":{"all":86400000000000,"daily":0,"least":1,"removed":2592000000000000,"brief":0}},{`, "")
	f.expect(t, "policy --space 1G", "", Done, "lends     1.0 GiB for copies of files\n", "")
	f.expect(t, "policy --space none", "", Done, "lends     nothing for copies of files\n", "")
	if calls := f.recorded(); !strings.Contains(calls, `set {"space":1073741824}`) || !strings.HasSuffix(calls, "set {\"space\":-1}\nrules") {
		t.Errorf("called %s", calls)
	}
	f.rules = []rules.Rule{{Copies: 3}}
	f.expect(t, "policy --copies 3", "", Done, "files  all: 3 copies, no old versions\n", "")
	f.expect(t, "policy --copies 3 --json", "", Done, `{"rules":[{"names":"","copies":3,`, "")
}

// TestSizesAndSpans is how sizes and durations are written.
func TestSizesAndSpans(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1 << 20: "1.0 MiB", 3 << 29: "1.5 GiB", 1 << 62: "4.0 EiB"} {
		if got := size(n); got != want {
			t.Errorf("%d bytes are written %s, want %s", n, got, want)
		}
	}
	for s, want := range map[string]int64{"0": 0, "500K": 500 << 10, "2m": 2 << 20, "1G": 1 << 30, "64MB": 64e6, "3kb": 3e3, "1GB": 1e9, "": -1, "-1": -1, "1.5M": -1, "9999999G": -1} {
		got, err := parseSize(s)
		if want < 0 && moot.KindOf(err) != moot.Invalid || want >= 0 && (err != nil || got != want) {
			t.Errorf("%q is %d bytes, %v; want %d", s, got, err, want)
		}
	}
	for text, want := range map[string]string{"7d": "7d", "2w": "14d", "90m": "1h30m0s", "0": ""} {
		var s span
		if err := s.Set(text); err != nil || s.String() != want {
			t.Errorf("%q is written %q, %v; want %q", text, s.String(), err, want)
		}
	}
	for bits, want := range map[float64]string{0: "0 bit/s", 2500: "2.5 kbit/s", 3e6: "3 Mbit/s", 4e9: "4 Gbit/s"} {
		if got := bitRate(bits); got != want {
			t.Errorf("%v is written %q, want %q", bits, got, want)
		}
	}
}

// TestClean keeps what others wrote from steering a terminal.
func TestClean(t *testing.T) {
	for s, want := range map[string]string{"plain ü €": "plain ü €", "a\x1b[31m": "a�[31m", "a\u202eb": "a�b", "two\nlines": "two\nlines", "tab\t": "tab�"} {
		if got := clean(s); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
	if got := name("a\nb"); got != "a�b" {
		t.Errorf("a name of two lines becomes %q", got)
	}
	f := newFake()
	f.lookups = map[string]files.File{}
	f.fail = moot.Errorf(moot.Invalid, "evil \x1b]0;title\x07")
	f.expect(t, "ls", "", Failed, "", "evil �]0;title�")
}
