package mail_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
)

// records are in memory.
type records struct {
	saved map[string][]byte
	full  bool
}

func (r *records) Load(name string, v any) error {
	b, ok := r.saved[name]
	if !ok {
		return moot.Errorf(moot.NotFound, "no %s", name)
	}
	return json.Unmarshal(b, v)
}

func (r *records) Save(name string, v any) error {
	if r.full {
		return moot.Errorf(moot.Full, "the disk is full")
	}
	b, err := json.Marshal(v)
	r.saved[name] = b
	return err
}

// remembering is an account with the memory in a home.
func (s *space) remembering(p *person, home *records) *person {
	s.t.Helper()
	names, err := mail.OpenNames(home)
	if err != nil {
		s.t.Fatal(err)
	}
	cfg := s.config(p.key, p.writer)
	cfg.Names = names
	return &person{s.account(cfg), p.writer, p.key}
}

// TestNameMeansAnother refuses to send to a name that has passed to another member.
func TestNameMeansAnother(t *testing.T) {
	s, p := gather(t, "owner", "ann", "Zoe Smith", "bob")
	home := &records{saved: map[string][]byte{}}
	ann, zoe, bob := s.remembering(p[1], home), p[2], p[3]
	send := func(to string, confirm bool) error {
		t.Helper()
		_, err := ann.Send(t.Context(), mail.Outgoing{To: []string{to}, MIME: text(to, "x", "x"), Confirm: confirm})
		return err
	}
	if err := send("zoe.smith@friends.example", false); err != nil {
		t.Fatal(err)
	}
	s.roster.change(zoe.Member(), func(m *policy.Member) { m.Name = "zoe" })
	s.roster.change(bob.Member(), func(m *policy.Member) { m.Name = "ZOE-SMITH" })
	ann = s.remembering(p[1], home) // another process
	err := send("zoe.smith", false)
	if moot.KindOf(err) != moot.Conflict || moot.HintOf(err) != moot.HintOtherMember {
		t.Errorf("to a name that is another's: %v", err)
	}
	for _, want := range []string{zoe.Member().String(), bob.Member().String()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
	if got := bob.has(t, mail.Inbox); len(got) != 0 {
		t.Errorf("bob has %+v", got)
	}
	if err := send(bob.Member().String(), false); err != nil {
		t.Errorf("to the ID: %v", err)
	}
	if err := p[3].sendTo(t, "zoe.smith"); err != nil {
		t.Errorf("by another member of the same server: %v", err)
	}
	if err := send("zoe.smith", true); err != nil {
		t.Errorf("confirmed: %v", err)
	}
	if err := send("zoe.smith", false); err != nil {
		t.Errorf("after it was confirmed: %v", err)
	}
	if got := bob.has(t, mail.Inbox); len(got) != 4 { // one of them by bob
		t.Errorf("bob has %d messages; want 4", len(got))
	}
	home.full = true
	if err := send("owner", false); moot.KindOf(err) != moot.Full {
		t.Errorf("to somebody who cannot be remembered: %v", err)
	}
}

func (p *person) sendTo(t *testing.T, to string) error {
	t.Helper()
	_, err := p.Send(t.Context(), mail.Outgoing{MIME: text(to, "x", "x")})
	return err
}

// TestResolve finds members by what their names and IDs are, and nothing else.
func TestResolve(t *testing.T) {
	s, p := gather(t, "owner", "ann", "Zoé Smith", "gone", "waits", "ann~7k2q")
	id := func(i int) moot.MemberID { return p[i].Member() }
	s.roster.change(id(3), func(m *policy.Member) { m.Revoked = true })
	s.roster.change(id(4), func(m *policy.Member) { m.Waiting = true })
	s.roster.add("nobody", policy.RoleMember, moot.Key{7})
	dir := mail.Directory{Roster: s.roster, Domain: "friends.example"}
	for address, want := range map[string]moot.MemberID{
		"ann": id(1), "Ann": id(1), "ann@friends.example": id(1), "ann@MOOT.alt": id(1), "a.n.n": id(1),
		"zoe smith": id(2), "zoe.smith@moot.alt": id(2), "ZOÉ.SMITH@moot.alt": id(2),
		id(1).String(): id(1), strings.ToUpper(id(1).String()) + "@moot.alt": id(1),
		"ann~7k2q": id(5), "ann~7k2q@friends.example": id(5),
	} {
		if got, err := dir.Resolve(address); err != nil || len(got) != 1 || got[0].Member != want {
			t.Errorf("%s is %v, %v; want %v", address, got, err, want.Short())
		}
	}
	for _, address := range []string{"gone", id(3).String(), "waits", id(4).String(), id(1).String()[:12], "zoe", "ann~", p[1].Device().String(), "x"} {
		if got, err := dir.Resolve(address); moot.KindOf(err) != moot.NotFound {
			t.Errorf("%s is %v, %v", address, got, err)
		}
	}
	for i, want := range []string{"owner", "ann", "zoé.smith", id(3).String(), id(4).String(), "ann~7k2q"} {
		if got := dir.Address(id(i)); got.Address != want+"@friends.example" {
			t.Errorf("the address of %d is %s; want %s", i, got.Address, want)
		}
	}
}

// TestReaderWithoutDevice: nothing is sent that nobody could open.
func TestReaderWithoutDevice(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	s.roster.unlink(p[2].Member(), p[2].Device())
	if err := p[1].sendTo(t, "bob"); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("to a member without a device: %v", err)
	}
	if err := p[1].sendTo(t, "#general"); err != nil {
		t.Errorf("to all: %v", err)
	}
	box := seal.NewMailbox()
	s.roster.start(p[2].Member(), box)
	if err := p[1].sendTo(t, "bob"); err != nil {
		t.Errorf("to a mailbox key: %v", err)
	}
}
