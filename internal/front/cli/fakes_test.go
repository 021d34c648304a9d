package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/folders"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/rules"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	os.Exit(m.Run())
}

var (
	now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	ann = moot.MemberID{1}
	bob = moot.MemberID{2}
	cyd = moot.MemberID{3}

	laptop = moot.Key{4} // ann's, at work
	phone  = moot.Key{5}
	tower  = moot.Key{6} // bob's
)

// zeroFields are options that were not given.
var zeroFields = regexp.MustCompile(`"[A-Za-z]+":(""|false|null|0),?`)

// fake is a program with one session, which records calls and answers with the same values.
type fake struct {
	calls  []string
	failAt int   // number of the call, from 1, that fails
	fail   error // with this; if failAt is 0, all calls do

	preferences policy.Preferences
	lookups     map[string]files.File
	events      []jobs.Event
	folders     []mail.Folder
	synced      []folders.Status
	after       folders.Status // Once
	skipped     []files.Skipped
	damaged     []moot.BlobID // in backups
	found       []files.File  // in folders; nil: some
	items       []mail.Item
	sent        mail.Sent
	mime        string // of the messages, and of the last that was sent
	offers      []jobs.Offer
	status      app.Status
	joined      app.NewHome
	code        string // for recovery
	closeErr    error

	noInvitations bool

	rules []rules.Rule
	only  app.FileCount
}

// newFake returns a program in which ann is at work.
func newFake() *fake {
	text := "From: bob\r\nSubject: Lunch\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\nAt noon?\r\n--b\r\nContent-Disposition: attachment; filename=map.txt\r\n\r\nX\r\n--b--\r\n"
	job := jobs.Job{ID: "k3f9abcdef", Name: "count", As: "counts", By: ann, Coordinator: tower, Via: moot.Architecture{Server: true}, Submitted: now,
		State: jobs.Running, Progress: jobs.Progress{Tasks: 2, Done: 1, Running: 1}}
	over := job
	over.State, over.Progress = jobs.Done, jobs.Progress{Tasks: 2, Done: 2, Cached: 1, Wall: 1500 * time.Millisecond, Workers: map[moot.Key]int{laptop: 1, tower: 1}}
	summary := mail.Summary{Author: bob, Arrived: now, Date: now, From: `"bob" <bob@moot.alt>`, To: []string{"ann@moot.alt", "cyd@moot.alt"}, Subject: "Lunch", Thread: "1@moot.alt",
		MessageID: "1@moot.alt", Attachments: []mail.Attachment{{Name: "map.txt", Type: "text/plain", Size: 1}}, Text: "At no"}
	return &fake{
		folders: []mail.Folder{{Name: mail.Inbox, Messages: 1, Unseen: 1, Size: 2048, ModSeq: 7}, {Name: "Work", Messages: 2}},
		items:   []mail.Item{{ID: moot.BlobID{0xab, 0xcd}, Folder: mail.Inbox, UID: 4, ModSeq: 7, Summary: summary}},
		sent:    mail.Sent{ID: moot.BlobID{0xef}, Members: []moot.MemberID{bob}, Holders: 2},
		mime:    text,
		lookups: map[string]files.File{"mod.wasm": file("mod.wasm", 9, 100), "texts": {Name: "texts", Folder: true, Content: 7, Blob: moot.Blob{ID: moot.BlobID{8}, Size: 70}}},
		events:  []jobs.Event{{Job: job}, {Job: job, Log: &jobs.Log{Task: "one", Stream: 1, Text: []byte("hello\n")}}, {Job: over}},
		offers:  []jobs.Offer{{Device: laptop, Member: ann, Terms: jobs.Terms{CPUs: 2, To: []moot.MemberID{bob}}}, {Device: tower, Member: bob, Terms: jobs.Terms{CPUs: 4, Memory: 1 << 30, Hours: "22:00-06:00"}, Server: true}},
		status: app.Status{Identity: identity("/home"), Via: moot.Architecture{Server: true, Peers: true}, Running: true, Role: policy.RoleOwner, Peers: 1, Addrs: []string{"https://a:1"},
			Servers:    []app.ServerStatus{{Peer: moot.Peer{ID: laptop, Addrs: []string{"https://a:1"}}, Reachable: true}, {Peer: moot.Peer{Addrs: []string{"https://b:2"}}, Why: "asleep"}},
			Holdings:   app.Holdings{Entries: 12, Authors: 2, Blobs: 3, Bytes: 5000, InForce: 3000, Old: 1000, InPlace: 2048, Conflicts: 1, Forks: 1},
			Membership: app.Membership{Adopted: true, Invitations: 2, Waiting: []app.WaitingStatus{{Member: cyd, Name: "cyd", Device: moot.Key{7}}, {Member: ann, Name: "ann", Device: moot.Key{8}, Label: "tablet", Joined: true}}, Forked: forked()}},
		synced: []folders.Status{
			{Dir: "/here/docs", Name: "docs", State: folders.Idle, Files: 2, Bytes: 2048},
			{Dir: "/music", Name: "m", State: folders.Waiting, Why: "nobody has them", ReadOnly: true, Except: []string{"live"}, Files: 1, Bytes: 10, ToFetch: 3, Changed: []string{"x\ty"}, Failing: 3,
				Problems: []folders.Problem{{Path: "a", Why: "no room", Kind: "full", Since: now, Next: now.Add(time.Minute)}, {Path: "b", Why: "a name", Kind: "invalid", Since: now}}},
		},
		after: folders.Status{State: folders.Idle},
		code:  "moot-recovery-1-2-3",
	}
}

func identity(home string) app.Identity {
	return app.Identity{Space: moot.SpaceID{1}, Name: "friends", Member: ann, As: "ann", Device: laptop, Label: "laptop", Home: home}
}

func forked() []app.ForkStatus {
	return []app.ForkStatus{{Member: ann, Name: "ann", Device: phone, Label: "phone", Since: now, Branches: []app.Branch{
		{Head: moot.EntryID{0xab}, Entries: 3, Last: moot.TimeAt(now)}, {Head: moot.EntryID{0xcd}, Entries: 1, Last: moot.TimeAt(now)}}}}
}

func file(name string, id byte, size int64) files.File {
	return files.File{Name: name, Blob: moot.Blob{ID: moot.BlobID{id, 0xff}, Size: size}, Content: size, By: ann, Author: laptop, Mode: 0o644, ModTime: now, Time: moot.TimeAt(now), Version: files.VersionID{id, 1}}
}

// call records a call, and says whether it fails.
func (f *fake) call(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	if f.fail != nil && (f.failAt == 0 || f.failAt == len(f.calls)) {
		return f.fail
	}
	return nil
}

func (f *fake) Init(_ context.Context, home string, o app.InitOptions) (app.NewHome, error) {
	return app.NewHome{Identity: identity(home), Recovery: f.code}, f.call("init %s %+v", home, o)
}

func (f *fake) Join(_ context.Context, home string, o app.JoinOptions) (app.NewHome, error) {
	joined := f.joined
	joined.Identity = identity(home)
	return joined, f.call("join %s %+v", home, o)
}

func (f *fake) Run(_ context.Context, home string, o app.RunOptions, ready func([]string)) error {
	if reflect.DeepEqual(o.Mail.Limits, app.MailLimits{PerMinute: 300, PerAddress: 20, Connections: 200, Recipients: 100, Message: 64 << 20, Queue: 10_000}) {
		o.Mail.Limits = app.MailLimits{} // the defaults
	}
	text, _ := json.Marshal(o)
	err := f.call("run %s %s", home, zeroFields.ReplaceAllString(string(text), ""))
	if err == nil {
		ready([]string{"https://a:1", "/ip4/1.2.3.4/tcp/5"})
	}
	return err
}

func (f *fake) Open(_ context.Context, home string, via moot.Architecture) (*app.Session, error) {
	s := &app.Session{Identity: identity(home), Via: via, Files: fakeFiles{f}, Folders: fakeFolders{f}, Members: fakeMembers{f}, Jobs: fakeJobs{f}, Copies: fakeCopies{f}, Aliases: fakeAliases{f}, Control: fakeControl{f}, Close: func() error { return f.closeErr },
		AccountMail: func(_ context.Context, name string) (mail.Mailbox, error) {
			return fakeMailbox{f}, f.call("mail of %q", name)
		},
		Mail: func(context.Context) (mail.Mailbox, error) { return fakeMailbox{f}, f.call("mail") }}
	return s, f.call("open %s %s", home, via)
}

func (f *fake) Restore(_ context.Context, home, from string, o app.RestoreOptions) (app.Restored, error) {
	if o.Progress != nil {
		o.Progress(1, 2)
	}
	return app.Restored{Home: home, ID: "2026-01-31", Blobs: 7, Damaged: f.damaged}, f.call("restore %s %s %q", home, from, o.At)
}

func (f *fake) Backups(_ context.Context, dir string) ([]app.BackupInfo, error) {
	return backups(), f.call("backups %s", dir)
}

func backups() []app.BackupInfo {
	return []app.BackupInfo{{ID: "2026-01-31", Time: time.Date(2026, 1, 31, 1, 2, 3, 0, time.Local), Device: laptop, Blobs: 7, Size: 2048}}
}

func (f *fake) VerifyBackup(_ context.Context, dir, at string, progress func(done, total int64)) ([]app.BackupInfo, error) {
	progress(1, 2)
	return backups(), f.call("verify %s %q", dir, at)
}

type fakeMailbox struct{ *fake }

func (f fakeMailbox) Send(_ context.Context, o mail.Outgoing) (mail.Sent, error) {
	text, err := io.ReadAll(o.MIME)
	if err != nil {
		return mail.Sent{}, err
	}
	f.mime = string(text)
	return f.sent, f.call("send wait=%v", o.Wait)
}

func (f fakeMailbox) Save(_ context.Context, folder string, flags []mail.Flag, _ time.Time, mime io.Reader) (mail.Item, error) {
	text, err := io.ReadAll(mime)
	if err != nil {
		return mail.Item{}, err
	}
	f.mime = string(text)
	it := f.items[0]
	it.Folder, it.Flags = folder, flags
	return it, f.call("save %s %v", folder, flags)
}

func (f fakeMailbox) Folders(context.Context) ([]mail.Folder, error) {
	return f.folders, f.call("folders")
}

func (f fakeMailbox) Subscriptions(context.Context) (map[string]bool, error) {
	return map[string]bool{"Work": false}, f.call("subscriptions")
}

func (f fakeMailbox) Subscribe(_ context.Context, folder string, on bool) error {
	return f.call("subscribe %s %v", folder, on)
}

func (f fakeMailbox) Quota(context.Context) (used, limit int64, err error) {
	return 1 << 20, 5 << 30, f.call("quota")
}

func (f fakeMailbox) SetFolder(_ context.Context, from, to string) error {
	return f.call("folder %s %s", from, to)
}

func (f fakeMailbox) List(_ context.Context, q mail.Query) ([]mail.Item, error) {
	text, _ := json.Marshal(q)
	return f.items, f.call("messages %s", text)
}

func (f fakeMailbox) Open(context.Context, moot.BlobID) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f.mime)), f.call("message")
}

func (f fakeMailbox) Change(_ context.Context, changes ...mail.Change) ([]mail.Item, error) {
	text, _ := json.Marshal(changes)
	return f.items, f.call("change %s", text)
}

func (f fakeMailbox) Receipts(context.Context, moot.BlobID) ([]mail.Receipt, error) {
	return []mail.Receipt{{Reader: bob, Delivered: now, Read: now}, {Reader: ann, Delivered: now}, {Reader: cyd}}, f.call("receipts")
}

func (f fakeMailbox) Watch(context.Context) iter.Seq[[]string] {
	return func(yield func([]string) bool) { yield([]string{mail.Inbox}) }
}

type fakeJobs struct{ *fake }

func (f fakeJobs) Submit(_ context.Context, s jobs.Spec) (jobs.Job, error) {
	text, _ := json.Marshal(s)
	return f.events[0].Job, f.call("submit %s", text)
}

func (f fakeJobs) Jobs(context.Context) ([]jobs.Job, error) {
	waiting := f.events[0].Job
	waiting.State, waiting.Why = jobs.Waiting, "nobody\nlends"
	return []jobs.Job{waiting, f.events[len(f.events)-1].Job}, f.call("jobs")
}

func (f fakeJobs) Follow(_ context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return func(yield func(jobs.Event, error) bool) {
		if err := f.call("follow %s logs=%t", id, logs); err != nil {
			yield(jobs.Event{}, err)
			return
		}
		for _, ev := range f.events {
			if ev.Log != nil && !logs {
				continue
			}
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func (f fakeJobs) Cancel(_ context.Context, id string) error { return f.call("cancel %s", id) }

func (f fakeJobs) Retry(_ context.Context, id string) error { return f.call("retry %s", id) }

func (f fakeJobs) Remove(_ context.Context, id string) error { return f.call("remove %s", id) }

func (f fakeJobs) Trust(_ context.Context, member moot.MemberID) error {
	return f.call("trust %s", member)
}

func (f fakeJobs) Offers(context.Context) ([]jobs.Offer, error) { return f.offers, f.call("offers") }

type fakeControl struct{ *fake }

func (f fakeControl) Status(context.Context) (app.Status, error) { return f.status, f.call("status") }

func (f fakeControl) Peers(context.Context) ([]app.PeerStatus, error) {
	return []app.PeerStatus{{Peer: moot.Peer{ID: tower, Name: "bob", Addrs: []string{"/ip4/1.2.3.4/tcp/5"}}, Member: bob, Role: policy.RoleMember, Connected: true}, {Peer: moot.Peer{ID: phone, Name: "ann (phone)"}, Member: ann, Role: policy.RoleOwner}}, f.call("peers")
}

func (f fakeControl) Preferences(context.Context) (policy.Preferences, error) {
	return f.preferences, f.call("preferences")
}

func (f fakeControl) SetPreferences(_ context.Context, p policy.Preferences) error {
	text, _ := json.Marshal(p)
	return f.call("set %s", text)
}

func (f fakeControl) Backup(_ context.Context, dir string, o app.BackupOptions) (b app.Backup, err error) {
	o.Progress(1, 2)
	b.ID, b.New, b.Known, b.Size, b.Bytes, b.Unread = "2026-01-31", 2, 5, 2048, 1000, f.damaged
	if o.Keep > 0 {
		b.Dropped, b.Freed, b.Folders = 1, 10, []string{"/docs"}
	}
	return b, f.call("backup %s %d", dir, o.Keep)
}

func (f fakeControl) Collect(_ context.Context, o app.GarbageOptions) (app.Garbage, error) {
	return app.Garbage{Blobs: 2, Bytes: 2048, Needed: 1 << 20, Leased: 10}, f.call("collect %+v", o)
}

func (f fakeControl) Accounts(context.Context) ([]app.Account, error) {
	return []app.Account{{Member: ann, Device: laptop, Name: "ann", Own: true, Address: "ann@friends.example", Login: "ann"},
		{Member: bob, Device: tower, Name: "bob", Passwords: 2, Address: "bob@friends.example", Login: "bob@friends.example", Bytes: 2048, LastLogin: now.Truncate(24 * time.Hour)}}, f.call("accounts")
}

func (f fakeControl) AddAccount(_ context.Context, name, link string) (app.Account, error) {
	return app.Account{Member: bob, Device: tower, Name: name}, f.call("add account %s %q", name, link)
}

func (f fakeControl) EnableAccount(_ context.Context, o app.EnableOptions) (app.Account, error) {
	acct := app.Account{Member: ann, Device: moot.Key{8}, Name: "ann", Passwords: 1, Server: "https://a:1"}
	if o.Password == "" {
		acct.Password = "pass-word"
	}
	return acct, f.call("enable %+v", o)
}

func (f fakeControl) RemoveAccount(_ context.Context, name string, only bool) error {
	return f.call("remove account %s only=%t", name, only)
}

func (f fakeControl) SetPassword(_ context.Context, name, password string) error {
	return f.call("set password %q %q", name, password)
}

func (f fakeControl) AddPassword(_ context.Context, name string) (string, error) {
	return "pass-word", f.call("add password %q", name)
}

func (f fakeControl) DropPasswords(_ context.Context, name string) error {
	return f.call("drop passwords %q", name)
}

func (f fakeControl) MailSettings(context.Context) (app.MailSettings, error) {
	return app.MailSettings{Domain: "friends.example", Autoconfig: 443, Certificate: "c0ffee", Services: []app.MailService{
		{Protocol: app.IMAP, Host: "mx.friends.example", Port: 993, Security: app.ImplicitTLS},
		{Protocol: app.Submission, Host: "mx.friends.example", Port: 587, Security: app.StartTLS},
	}}, f.call("settings")
}

func (f fakeControl) MailRecords(context.Context) ([]string, error) {
	return []string{"friends.example. MX 10 a.", "two"}, f.call("records")
}

func (f fakeControl) Tokens(context.Context) ([]app.Token, error) {
	return []app.Token{{Name: "ci", Made: now}, {Name: "dash", ReadOnly: true, Made: now, Expires: now.Add(48 * time.Hour), Used: now}}, f.call("tokens")
}

func (f fakeControl) AddToken(_ context.Context, o app.TokenOptions) (app.Token, error) {
	return app.Token{Name: o.Name, Token: "moot_secret", Made: now}, f.call("add token %+v", o)
}

func (f fakeControl) RemoveToken(_ context.Context, name string) error {
	return f.call("remove token %s", name)
}

// runLine runs a command line, whose words are separated by spaces, with the home /home.
func (f *fake) runLine(t testing.TB, line, in string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	args := append([]string{"--home", "/home"}, strings.Fields(line)...)
	for i := range args {
		args[i] = strings.ReplaceAll(strings.Trim(args[i], "'"), "·", " ")
	}
	status = Main(t.Context(), f, args, strings.NewReader(in), &o, &e)
	return status, plain(o.String()), plain(e.String())
}

// plain shortens keys and IDs.
func plain(s string) string {
	s = strings.NewReplacer(ann.String(), "ANN", bob.String(), "BOB", cyd.String(), "CYD", moot.Key{9}.String(), "NOBODY",
		laptop.String(), "LAPTOP", phone.String(), "PHONE", tower.String(), "TOWER", "\r", "").Replace(s)
	return zeros.ReplaceAllString(s, "00")
}

var zeros = regexp.MustCompile("0{30,}")
