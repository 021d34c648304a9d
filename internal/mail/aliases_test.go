package mail_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
)

// aliased has accounts of a space read its aliases.
func (s *space) aliased(p *person, home *records) *person {
	s.t.Helper()
	cfg := s.config(p.key, p.writer)
	directory := cfg.Directory
	cfg.Directory = func(ctx context.Context) (mail.Directory, error) {
		d, err := directory(ctx)
		d.Aliases = func() (mail.Aliases, error) { return mail.ReadAliases(ctx, s.node) }
		return d, err
	}
	if home != nil {
		names, err := mail.OpenNames(home)
		if err != nil {
			s.t.Fatal(err)
		}
		cfg.Names = names
	}
	return &person{s.account(cfg), p.writer, p.key}
}

func (s *space) alias(by *person, name string, to ...*person) {
	s.t.Helper()
	a := mail.Alias{Name: name}
	for _, p := range to {
		a.Members = append(a.Members, p.Member())
	}
	if err := mail.SetAlias(s.t.Context(), s.node, by.writer, a); err != nil {
		s.t.Fatal(err)
	}
}

// TestAliases: an address that leads to several members, from inside and outside.
func TestAliases(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob", "zoe")
	server, ann, bob, zoe := s.aliased(p[0], nil), s.aliased(p[1], nil), s.aliased(p[2], nil), s.aliased(p[3], nil)
	s.alias(p[0], "sales", bob, zoe)
	for _, to := range []string{"sales", "SALES@friends.example", "sales+eu@moot.alt"} {
		if err := ann.sendTo(t, to); err != nil {
			t.Errorf("to %s: %v", to, err)
		}
	}
	if err := server.Deliver(t.Context(), []string{"sales@friends.example", "zoe@friends.example"}, text("sales@friends.example", "x", "x")); err != nil {
		t.Error(err)
	}
	if b, z, a := len(bob.has(t, mail.Inbox)), len(zoe.has(t, mail.Inbox)), len(ann.has(t, mail.Inbox)); b+len(bob.has(t, mail.JunkFolder)) != 4 || z+len(zoe.has(t, mail.JunkFolder)) != 4 || a != 0 {
		t.Errorf("bob has %d, zoe %d, ann %d", b, z, a)
	}
	s.roster.change(zoe.Member(), func(m *policy.Member) { m.Revoked = true })
	if to, err := server.Inbound(t.Context(), "sales@friends.example"); err != nil || fmt.Sprint(to) != fmt.Sprint([]moot.MemberID{bob.Member()}) {
		t.Errorf("with a member that left: %v, %v", to, err)
	}
	s.alias(p[0], "Sales") // ends it
	if _, err := server.Inbound(t.Context(), "sales@friends.example"); moot.KindOf(err) != moot.NotFound {
		t.Errorf("an alias that has ended: %v", err)
	}
}

// TestCatchAll: what leads to nobody in the mail domain leads to it, and nothing else.
func TestCatchAll(t *testing.T) {
	s, p := gather(t, "owner", "ann", "bob")
	server := s.aliased(p[0], nil)
	s.alias(p[0], mail.CatchAll, p[2])
	for address, want := range map[string]*person{"ann@friends.example": p[1], "shop.17@friends.example": p[2], "ann+shop@friends.example": p[1]} {
		if to, err := server.Inbound(t.Context(), address); err != nil || len(to) != 1 || to[0] != want.Member() {
			t.Errorf("%s leads to %v, %v", address, to, err)
		}
	}
	for _, address := range []string{"shop", "shop@moot.alt", "x@else.example", "#no channel@friends.example"} {
		if to, err := server.Inbound(t.Context(), address); err == nil {
			t.Errorf("%s leads to %v", address, to)
		}
	}
	if err := server.sendTo(t, "shop"); moot.KindOf(err) != moot.NotFound {
		t.Errorf("a name without a domain: %v", err)
	}
}

// TestMailSystem: postmaster and abuse lead to the owners whatever names there are, and
// names that prove who holds the domain to nobody below an admin.
func TestMailSystem(t *testing.T) {
	s, p := gather(t, "owner", "Postmaster", "admin", "web-master", "bob")
	server := s.aliased(p[0], nil)
	s.roster.change(p[3].Member(), func(m *policy.Member) { m.Role = policy.RoleAdmin })
	s.alias(p[0], mail.CatchAll, p[4])
	s.alias(p[0], "hostmaster", p[4])
	for address, want := range map[string]*person{
		"postmaster": p[0], "POSTMASTER@friends.example": p[0], "abuse+x@friends.example": p[0],
		"web-master@friends.example": p[3], "hostmaster@friends.example": p[4],
	} {
		if to, err := server.Inbound(t.Context(), address); err != nil || len(to) != 1 || to[0] != want.Member() {
			t.Errorf("%s leads to %v, %v", address, to, err)
		}
	}
	if to, err := server.Inbound(t.Context(), "admin@friends.example"); moot.KindOf(err) != moot.NotFound {
		t.Errorf("admin@ leads to %v, %v", to, err)
	}
	if err := s.aliased(p[4], nil).sendTo(t, "admin"); err != nil {
		t.Errorf("from inside: %v", err)
	}
	dir := mail.Directory{Roster: s.roster, Domain: "friends.example"}
	if got := dir.Address(p[1].Member()).Address; got != p[1].Member().String()+"@friends.example" {
		t.Errorf("the address of a member called Postmaster is %s", got)
	}
}

// TestTags: what is after a plus sign does not matter, but in a name that has one.
func TestTags(t *testing.T) {
	s, _ := gather(t, "owner", "zoe", "zoelists", "C++", "a", "a+b")
	dir := mail.Directory{Roster: s.roster, Domain: "friends.example"}
	for address, want := range map[string]string{
		"zoe+lists@friends.example": "zoe", "zoe+a+b": "zoe", "zoelists": "zoelists", "c++": "C++", "a+b": "a+b", "a+c": "a", "a+": "a",
	} {
		got, err := dir.Resolve(address)
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v, %v", address, got, err)
		}
		if m, _ := s.roster.Member(got[0].Member); m.Name != want {
			t.Errorf("%s is %s, want %s", address, m.Name, want)
		}
	}
}

// TestAliasMeansAnother: a name that passes from a member to an alias or back is written
// to again only once that is confirmed.
func TestAliasMeansAnother(t *testing.T) {
	s, p := gather(t, "owner", "ann", "zoe", "bob")
	home := &records{saved: map[string][]byte{}}
	ann := s.aliased(p[1], home)
	send := func(confirm bool) error {
		_, err := ann.Send(t.Context(), mail.Outgoing{MIME: text("zoe", "x", "x"), Confirm: confirm})
		return err
	}
	if err := send(false); err != nil {
		t.Fatal(err)
	}
	s.roster.change(p[2].Member(), func(m *policy.Member) { m.Name = "zoe smith" })
	s.alias(p[0], "zoe", p[3])
	if err := send(false); moot.KindOf(err) != moot.Conflict {
		t.Errorf("to an alias without the member meant: %v", err)
	}
	s.alias(p[0], "zoe", p[3], p[2])
	if err := send(false); err != nil {
		t.Errorf("to an alias with the member meant: %v", err)
	}
	ann = s.aliased(p[1], home) // another process
	s.roster.change(p[3].Member(), func(m *policy.Member) { m.Name = "zoe" })
	if err := send(false); moot.KindOf(err) != moot.Conflict {
		t.Errorf("to a member with the name of an alias: %v", err)
	}
	if err := send(true); err != nil {
		t.Errorf("confirmed: %v", err)
	}
}

func TestAliasNames(t *testing.T) {
	s, p := gather(t, "owner")
	for name, want := range map[string]moot.ErrorKind{
		"sales": "", "Verkauf-Süd": "", mail.CatchAll: "", "postmaster": moot.Conflict, "abuse": moot.Conflict, "mailer-daemon": moot.Conflict,
		"": moot.Invalid, "a b": moot.Invalid, "a@b": moot.Invalid, "a+b": moot.Invalid, "#a": moot.Invalid, "a~": moot.Invalid, ".a": moot.Invalid, "-": moot.Invalid,
		"**": moot.Invalid, strings.Repeat("a", 65): moot.Invalid, p[0].Member().String(): moot.Invalid,
	} {
		if err := (mail.Alias{Name: name, Members: []moot.MemberID{{1}}}).Check(); moot.KindOf(err) != want {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, n := range []int{0, mail.MaxAlias + 1} {
		if err := (mail.Alias{Name: "a", Members: make([]moot.MemberID, n)}).Check(); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%d members: %v", n, err)
		}
	}
	s.alias(p[0], "sales", p[0])
	for _, body := range []string{"", "no", "\xa0"} { // the newest that makes sense is in force
		key := "mail/sales"
		if body == "" {
			key = "mail/other"
		}
		if _, err := p[0].writer.Append(t.Context(), moot.Merge, sign.Statement{Kind: moot.KindRule, Key: key, Body: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := mail.ReadAliases(t.Context(), s.node); err != nil || len(all.All()) != 1 || all.All()[0].Name != "sales" {
		t.Errorf("in force: %v, %v", all, err)
	}
}
