package api_test

import (
	"context"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/policy"
)

// control is an app.Control with real tokens.
type control struct {
	tokens      *accounts.Tokens
	preferences policy.Preferences
	dropped     []string
	chosen      string
	backup      func(dir string, o app.BackupOptions) (app.Backup, error)
}

func (c *control) Status(context.Context) (app.Status, error) {
	return app.Status{Identity: app.Identity{As: "ann"}, Via: moot.Architecture{Peers: true}, Running: true, Role: policy.RoleOwner,
		Servers: []app.ServerStatus{{Peer: moot.Peer{ID: moot.Key{1}, Addrs: []string{"https://a:1"}}, Why: "asleep"}}, Holdings: app.Holdings{Entries: 1 << 60}, Membership: openMembership()}, nil
}

// openMembership has everything that a status may tell about members.
func openMembership() app.Membership {
	return app.Membership{
		Invitations: 2, CatchUp: &app.CatchUp{Asked: 3, Answered: 1, Missing: 4},
		Waiting: []app.WaitingStatus{{Member: moot.MemberID{7}, Name: "zoe", Device: moot.Key{8}}},
		Forked: []app.ForkStatus{{Member: moot.MemberID{7}, Name: "zoe", Device: moot.Key{8}, Label: "phone", Since: time.Unix(1e9, 0).UTC(),
			Branches: []app.Branch{{Head: moot.EntryID{1}, Entries: 3, Last: 5}, {Head: moot.EntryID{2}}}}},
	}
}

func (c *control) Peers(context.Context) ([]app.PeerStatus, error) {
	return []app.PeerStatus{{Peer: moot.Peer{ID: moot.Key{2}, Name: "bob"}, Member: moot.MemberID{4}, Role: policy.RoleMember, Connected: true}}, nil
}

func (c *control) Preferences(context.Context) (policy.Preferences, error) { return c.preferences, nil }

func (c *control) SetPreferences(_ context.Context, p policy.Preferences) error {
	c.preferences = p
	return nil
}

func (c *control) Backup(_ context.Context, dir string, o app.BackupOptions) (app.Backup, error) {
	return c.backup(dir, o)
}

func (c *control) Collect(_ context.Context, o app.GarbageOptions) (app.Garbage, error) {
	if o.DryRun {
		return app.Garbage{Blobs: 1, Bytes: 2, Needed: 3, Leased: 4}, nil
	}
	return app.Garbage{}, moot.Errorf(moot.Unavailable, "another collection is running")
}

func (c *control) Accounts(context.Context) ([]app.Account, error) { return nil, nil }

func (c *control) AddAccount(_ context.Context, name, link string) (app.Account, error) {
	return app.Account{Member: moot.MemberID{3}, Name: name + link}, nil
}

func (c *control) EnableAccount(_ context.Context, o app.EnableOptions) (app.Account, error) {
	return app.Account{Member: moot.MemberID{3}, Device: moot.Key{4}, Name: "ann", Label: "account", Passwords: 1, Password: "not " + o.Password, Server: "https://a:1"}, nil
}

func (c *control) RemoveAccount(_ context.Context, name string, only bool) error {
	if !only {
		return moot.WithHint(moot.Errorf(moot.Conflict, "it is the only device of %s", name), moot.HintConfirm)
	}
	c.dropped = append(c.dropped, name)
	return nil
}

func (c *control) SetPassword(_ context.Context, name, password string) error {
	c.chosen = name + ":" + password
	return nil
}

func (c *control) AddPassword(_ context.Context, name string) (string, error) {
	return "secret of " + name, nil
}

func (c *control) DropPasswords(_ context.Context, name string) error {
	c.dropped = append(c.dropped, name)
	return nil
}

func (c *control) MailRecords(context.Context) ([]string, error) {
	return nil, moot.WithHint(moot.Errorf(moot.NotFound, "the space has no mail domain"), moot.HintMailDomain)
}

func (c *control) MailSettings(context.Context) (app.MailSettings, error) {
	return app.MailSettings{Domain: "club.example", Services: []app.MailService{{Protocol: app.IMAP, Host: "mx", Port: 993, Security: app.ImplicitTLS}}}, nil
}

func (c *control) Tokens(context.Context) (list []app.Token, _ error) {
	for _, t := range c.tokens.List() {
		list = append(list, app.Token(t))
	}
	return list, nil
}

func (c *control) AddToken(_ context.Context, o app.TokenOptions) (app.Token, error) {
	t, err := c.tokens.Add(accounts.TokenOptions(o))
	return app.Token(t), err
}

func (c *control) RemoveToken(_ context.Context, name string) error { return c.tokens.Remove(name) }

// submitter takes jobs that end at once.
type submitter struct {
	jobs   []jobs.Job
	calls  []string
	follow func(ctx context.Context, yield func(jobs.Event, error) bool)
}

func (d *submitter) Submit(_ context.Context, s jobs.Spec) (jobs.Job, error) {
	if len(s.Stages) == 0 {
		return jobs.Job{}, moot.Errorf(moot.Invalid, "the job has no stages")
	}
	j := jobs.Job{ID: "j1", Name: s.Name, State: jobs.Done, Progress: jobs.Progress{Workers: map[moot.Key]int{{4}: 2}}}
	d.jobs = append(d.jobs, j)
	return j, nil
}

func (d *submitter) Jobs(context.Context) ([]jobs.Job, error) { return d.jobs, nil }

func (d *submitter) Follow(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return func(yield func(jobs.Event, error) bool) {
		switch {
		case d.follow != nil:
			d.follow(ctx, yield)
		case id != "j1":
			yield(jobs.Event{}, moot.Errorf(moot.NotFound, "there is no job %s", id))
		case !logs || yield(jobs.Event{Job: d.jobs[0], Log: &jobs.Log{Stream: 1, Text: []byte("hi")}}, nil):
			yield(jobs.Event{Job: d.jobs[0]}, nil)
		}
	}
}

func (d *submitter) Cancel(_ context.Context, id string) error {
	d.calls = append(d.calls, "cancel "+id)
	return nil
}

func (d *submitter) Retry(_ context.Context, id string) error {
	d.calls = append(d.calls, "retry "+id)
	return nil
}

func (d *submitter) Remove(_ context.Context, id string) error {
	d.calls = append(d.calls, "remove "+id)
	return nil
}

func (d *submitter) Trust(_ context.Context, member moot.MemberID) error {
	d.calls = append(d.calls, "trust "+member.String())
	return nil
}

func (d *submitter) Offers(context.Context) ([]jobs.Offer, error) {
	return []jobs.Offer{{Device: moot.Key{4}, Member: moot.MemberID{4}, Terms: jobs.Terms{CPUs: 2}}}, nil
}

// half yields some bytes and fails.
func half(text string, err error) io.Reader {
	return io.MultiReader(strings.NewReader(text), failing{err})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
