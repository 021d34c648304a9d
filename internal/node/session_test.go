package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
)

func TestInvitationNamesServersAndPeers(t *testing.T) {
	n := founder(t, Config{Role: arch.Server(), Timing: Timing{Repair: time.Hour}})
	s := session(t, n, viaPeers)
	ask := app.InviteOptions{Role: policy.RoleMember, Expires: time.Hour}
	_, err := s.Members.Invite(t.Context(), ask)
	wantKind(t, err, moot.Unavailable)
	if moot.HintOf(err) != moot.HintStartNode {
		t.Errorf("hint %q", moot.HintOf(err))
	}
	n.SetWebAddrs([]string{"https://127.0.0.1:1"})
	start(t, n)
	for options, want := range map[app.InviteOptions][2]int{
		ask: {1, 1},
		{Role: policy.RoleMember, Expires: time.Hour, ServersOnly: true}: {1, 0},
		{Role: policy.RoleMember, Expires: time.Hour, PeersOnly: true}:   {0, 1},
	} {
		made, err := s.Members.Invite(t.Context(), options)
		must(t, err)
		l, err := members.ParseLink(made.Link, time.Now())
		must(t, err)
		if len(l.Servers) != want[0] || len(l.Peers) != want[1] || made.Role != policy.RoleMember || made.Expires.Unix() != l.Expires {
			t.Errorf("%+v: the link names %d servers and %d peers, want %v", options, len(l.Servers), len(l.Peers), want)
		}
	}
}

func TestInvitationStaysShort(t *testing.T) {
	var many []moot.Peer
	for i := range 9 {
		many = append(many, moot.Peer{ID: moot.Key{byte(i), 1}, Addrs: strings.Split(strings.Repeat("/ip4/127.0.0.1/tcp/1 ", 9), " ")})
	}
	n := founder(t, Config{Known: Known{Peers: many}})
	_, peers := n.addresses(t.Context())
	if len(peers) != maxLinkPeers || len(peers[0].Addrs) != maxLinkAddrs || len(many[0].Addrs) <= maxLinkAddrs {
		t.Errorf("a link names %d peers with %d addresses", len(peers), len(peers[0].Addrs))
	}
}

func TestOneShotSessionHandsOverWhatItWrote(t *testing.T) {
	owner := founder(t, Config{})
	at := connect(t, owner, true)
	data := Dir(t.TempDir())
	other, err := New(t.Context(), Config{Space: owner.cfg.Space, Key: benKey, Data: data, Known: Known{Peers: []moot.Peer{at}}})
	must(t, err)
	admit(t, owner, other, policy.RoleMember)
	write(t, session(t, owner, viaPeers), "a", "before")
	s, err := other.OneShot(t.Context(), moot.Architecture{})
	must(t, err)
	if got, err := read(t.Context(), s, "a"); err != nil || got != "before" {
		t.Errorf("a session answers %q from the past (%v)", got, err)
	}
	write(t, s, "b", "after")
	must(t, s.Members.Rename(t.Context(), "bernard"))
	must(t, s.Close())
	if _, err := session(t, owner, viaPeers).Files.Lookup(t.Context(), "b"); err != nil {
		t.Errorf("nobody has what the session wrote: %v", err)
	}
	if m, err := owner.network.roster.Acting(ben); err != nil || m.Name != "bernard" {
		t.Errorf("the member is named %q", m.Name)
	}
	var seen []moot.Peer
	must(t, data.Load(peersFile, &seen))
	if len(seen) != 1 || seen[0].ID != ann || len(seen[0].Addrs) == 0 {
		t.Errorf("remembered %v", seen)
	}
}

func TestFilesInPlace(t *testing.T) {
	dir := folder(t, "big", strings.Repeat("in place ", 1<<18))
	owner := founder(t, Config{})
	at := connect(t, owner, true)
	s := session(t, owner, viaPeers)
	_, err := s.Files.Share(t.Context(), dir+"/big", files.ShareOptions{InPlace: true})
	must(t, err)
	n := newNode(t, Config{Key: benKey, Known: Known{Peers: []moot.Peer{at}}})
	admit(t, owner, n, policy.RoleMember)
	connect(t, n, false)
	must(t, n.network.Host().Connect(t.Context(), at))
	b := session(t, n, viaPeers)
	out := t.TempDir() + "/copy"
	_, err = b.Files.Get(t.Context(), "big", out, nil)
	must(t, err)
	got, err := os.ReadFile(out)
	must(t, err)
	if len(got) != 9<<18 {
		t.Errorf("fetched %d bytes", len(got))
	}
	server := founder(t, Config{Role: arch.Peer(), Known: Known{Servers: []moot.Peer{{ID: ben, Addrs: []string{"https://127.0.0.1:1"}}}}})
	place := inPlace{rules: arch.ClientServer(), store: server.store}
	if _, err := place.Link(t.Context(), out); moot.HintOf(err) != moot.HintCopy {
		t.Errorf("in place at a server: %v", err)
	}
}

func message(to, subject string) mail.Outgoing {
	return mail.Outgoing{To: []string{to}, MIME: strings.NewReader("Subject: " + subject + "\r\nTo: " + to + "\r\n\r\nhello\r\n")}
}

func subjects(ctx context.Context, box mail.Mailbox) string {
	list, err := box.List(ctx, mail.Query{})
	if err != nil {
		return err.Error()
	}
	text := ""
	for _, item := range list {
		text += item.Folder + ":" + item.Subject + " "
	}
	return text
}

func TestMailReachesHostedAccounts(t *testing.T) {
	n := founder(t, Config{})
	connect(t, n, true)
	start(t, n)
	s := session(t, n, viaPeers)
	_, err := s.Control.AddAccount(t.Context(), "eve", "")
	must(t, err)
	password, err := s.Control.AddPassword(t.Context(), "eve")
	must(t, err)
	box, err := s.Mail(t.Context())
	must(t, err)
	_, err = box.Send(t.Context(), message("eve", "welcome"))
	must(t, err)
	for _, wrong := range [][2]string{{"eve", "wrong"}, {"ann", password}, {"nobody", password}, {"", password}} {
		_, err := n.Login(t.Context(), wrong[0], wrong[1])
		wantKind(t, err, moot.Denied)
	}
	eves, err := n.Login(t.Context(), "eve", password)
	must(t, err)
	until(t, "the message is there", func() bool { return strings.Contains(subjects(t.Context(), eves), ":welcome") })
	must(t, s.Control.DropPasswords(t.Context(), "eve"))
	_, err = n.Login(t.Context(), "eve", password)
	wantKind(t, err, moot.Denied)
	if list, err := s.Control.Accounts(t.Context()); err != nil || len(list) != 2 || list[1].Passwords != 0 {
		t.Errorf("accounts %+v, %v", list, err)
	}
}

func TestMailFromOutside(t *testing.T) {
	n := founder(t, Config{Role: arch.Server(), Mail: MailServer{Domain: "club.example", Quota: 1 << 20}})
	n.SetWebAddrs([]string{"https://127.0.0.1:1"})
	relayed := make(chan string, 1)
	n.SetMailRelay(func(_ context.Context, from string, to []string, mime io.Reader) error {
		relayed <- fmt.Sprint(from, to)
		_, err := io.Copy(io.Discard, mime)
		return err
	}, noQueue{})
	connect(t, n, false)
	start(t, n)
	must(t, n.AcceptsMail(t.Context(), "ann@club.example"))
	for address, kind := range map[string]moot.ErrorKind{"nobody@club.example": moot.NotFound, "x@else.where": moot.NotFound, "#news": moot.Denied} {
		wantKind(t, n.AcceptsMail(t.Context(), address), kind)
	}
	must(t, n.DeliverMail(t.Context(), []string{"ann@club.example"}, strings.NewReader("From: x@else.where\r\nSubject: outside\r\n\r\nhi\r\n")))
	box, err := session(t, n, moot.Architecture{}).Mail(t.Context())
	must(t, err)
	until(t, "the message from outside is there", func() bool { return strings.Contains(subjects(t.Context(), box), ":outside") })
	_, err = box.Send(t.Context(), message("x@else.where", "answer"))
	must(t, err)
	if got := <-relayed; !strings.Contains(got, "ann@club.example") || !strings.Contains(got, "x@else.where") {
		t.Errorf("relayed %s", got)
	}
	big := strings.NewReader("Subject: big\r\n\r\n" + strings.Repeat("0123456789abcdef\r\n", 1<<16))
	wantKind(t, n.DeliverMail(t.Context(), []string{"ann@club.example"}, big), moot.Full)
}

// Members whom the rules of lending tell apart.
var bens, eves = moot.MemberID{2}, moot.MemberID{3}

func TestTermsOfLending(t *testing.T) {
	n := founder(t, Config{})
	set := func(p policy.Preferences) *computeService { n.apply(p); return n.compute }
	if got := set(policy.Preferences{}).terms(); got.CPUs != 0 {
		t.Errorf("a peer lends %d processors unasked", got.CPUs)
	}
	wantKind(t, n.compute.admit(bens), moot.Denied)
	c := set(policy.Preferences{LendCPUs: 3, LendMemory: 5, LendWall: 60, LendTo: []moot.MemberID{bens}})
	if got := c.terms(); got.CPUs != 3 || got.Wall != time.Minute || len(got.To) != 1 {
		t.Errorf("terms %+v", got)
	}
	if l := c.limits(); l.Memory != 5 || l.Wall != time.Minute || l.CPU != l.Wall {
		t.Errorf("limits %+v", l)
	}
	must(t, c.admit(bens))
	wantKind(t, c.admit(eves), moot.Denied)
	_, err := c.Run(t.Context(), moot.Task{For: bens}, func(moot.Progress) {})
	wantKind(t, err, moot.Unavailable) // a one-shot session lends nothing
	if l := set(policy.Preferences{LendMemory: -1, LendWall: -1}).limits(); l.Memory != 512<<20 || l.Wall != time.Hour {
		t.Errorf("default limits %+v", l)
	}
	worker := founder(t, Config{Role: arch.Worker()})
	if got := worker.compute.terms(); got.CPUs < 1 {
		t.Error("a worker lends nothing")
	}
	worker.apply(policy.Preferences{LendCPUs: -1})
	if got := worker.compute.terms(); got.CPUs != 0 {
		t.Error("a worker whose owner lends nothing lends")
	}
}

func TestQueueOfOneMemberIsBoundedAtServers(t *testing.T) {
	peer, server := founder(t, Config{}), founder(t, Config{Role: arch.Server()})
	must(t, peer.compute.checkQuota(bens, maxWaiting, 1))
	must(t, server.compute.checkQuota(bens, maxWaiting-1, 1))
	wantKind(t, server.compute.checkQuota(bens, maxWaiting, 1), moot.Full)
}

// module is the smallest WASI module: its _start returns.
const module = "\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x05\x03\x01\x00\x01" +
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00" + "\x0a\x04\x01\x02\x00\x0b"

func TestJobRunsOnItsCoordinator(t *testing.T) {
	n := founder(t, Config{})
	connect(t, n, true)
	start(t, n)
	s := session(t, n, viaPeers)
	must(t, s.Control.SetPreferences(t.Context(), policy.Preferences{LendCPUs: 1}))
	offers, err := s.Jobs.Offers(t.Context())
	must(t, err)
	if len(offers) != 1 || offers[0].CPUs != 1 {
		t.Errorf("offers %+v", offers)
	}
	f := write(t, s, "program.wasm", module)
	job, err := s.Jobs.Submit(t.Context(), jobs.Spec{Name: "nothing", Stages: []jobs.Stage{{Task: moot.Task{Module: f.Blob.ID}}}})
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	last := jobs.Event{}
	for ev, err := range s.Jobs.Follow(ctx, job.ID, true) {
		must(t, err)
		last = ev
	}
	if last.Job.State != "done" {
		t.Errorf("the job ended as %+v", last.Job)
	}
}

func TestClientOfAServer(t *testing.T) {
	owner := founder(t, Config{Role: arch.Server()})
	start(t, owner)
	served := httptest.NewServer(nil)
	served.Close() // its address answers nobody
	n := newNode(t, Config{Key: benKey, Known: Known{NoPeers: true, Servers: []moot.Peer{{ID: ann, Addrs: []string{strings.Replace(served.URL, "http", "https", 1)}}}}})
	admit(t, owner, n, policy.RoleMember)
	s := session(t, n, moot.Architecture{})
	if s.Via != viaServer {
		t.Errorf("a client asks %v", s.Via)
	}
	st, err := s.Control.Status(t.Context())
	must(t, err)
	if len(st.Servers) != 1 || st.Servers[0].Reachable || st.Servers[0].Why == "" {
		t.Errorf("servers %+v", st.Servers)
	}
	if _, err := s.Files.List(t.Context(), ""); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("a list without the server: %v", err)
	}
}

func TestSubmitJoinNeedsSomebody(t *testing.T) {
	in := AsInvited(members.Link{})
	defer in.Close()
	_, err := in.Submit(t.Context(), moot.Entry{})
	wantKind(t, err, moot.Unavailable)
	if IsRefusal(errors.New("reset")) || !IsRefusal(moot.Errorf(moot.Expired, "late")) {
		t.Error("refusals are final, failures are not")
	}
}

// noQueue is a node.MailQueue without messages.
type noQueue struct{}

func (noQueue) Backup(context.Context, string) error { return nil }

func (noQueue) Close() error { return nil }
