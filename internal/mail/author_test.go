package mail

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mime"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/trust"
)

// fewMembers is a Roster.
type fewMembers []policy.Member

func (f fewMembers) Member(id moot.MemberID) (policy.Member, bool) {
	for _, m := range f {
		if m.ID == id {
			return m, true
		}
	}
	return policy.Member{}, false
}

func (f fewMembers) Lookup(name string) (policy.Member, error) {
	for _, m := range f {
		if trust.MailForm(m.Name) == trust.MailForm(name) {
			return m, nil
		}
	}
	return policy.Member{}, moot.Errorf(moot.NotFound, "nobody")
}

func (f fewMembers) Members() []policy.Member                           { return f }
func (f fewMembers) Owner(moot.Key) (moot.MemberID, bool)               { return moot.MemberID{}, false }
func (f fewMembers) Mailbox(moot.MemberID) (box trust.Mailbox, ok bool) { return box, false }

var (
	bobID    = moot.MemberID{1}
	zoeID    = moot.MemberID{2}
	serverID = moot.MemberID{3}
	authors  = Directory{Roster: fewMembers{{ID: bobID, Name: "bob"}, {ID: zoeID, Name: "zoe"}, {ID: serverID, Name: "server"}}, Domain: "friends.example"}
)

func headerOf(fields string) header { return readHeader(mime.ParseHeader([]byte(fields))) }

// TestOwnSpellings are From fields of a known author: none is forged.
func TestOwnSpellings(t *testing.T) {
	for _, from := range []string{
		"bob@moot.alt <bob@moot.alt>", "Bob [Work] <bob@friends.example>", "M\xfcller <bob@moot.alt>", "=?unknown-8bit?Q?x=FF?= <bob@moot.alt>",
		"=?unknown-8bit?Q?x=FF?=", "<bob@moot.alt>;", "Bob Smith", "bob", "=?utf-8?Q?a,b?= <bob@moot.alt>", "Bob <bob@moot.alt", `"Bob <bob@moot.alt>`,
		"bob@moot.alt (Bob)", "Bob <BOB@MOOT.ALT>", "", "<>", "(", `"bob@moot.alt" <bob@friends.example>`, "'bob@moot.alt' <bob@moot.alt>", "Bob @ Work <bob@moot.alt>",
		"bob@elsewhere.example <bob@moot.alt>", "Bob:;",
	} {
		if authors.forged(headerOf("From: "+from+"\r\n"), bobID, false) {
			t.Errorf("%q is bob's", from)
		}
	}
	for _, from := range []string{
		"a@x.test <a@x.test>", "Foo [Bar] <a@x.test>", "a..b@x.test", "Foo", "MAILER-DAEMON@friends.example", "a@x.test, b@x.test", "\"b@y.test\" <a@x.test>", "<a@x.test>;",
	} {
		if authors.forged(headerOf("From: "+from+"\r\n"), serverID, true) {
			t.Errorf("%q came from outside", from)
		}
	}
}

// TestForgedSpellings draws a From that bob writes, with zoe's address somewhere in it.
func TestForgedSpellings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		local := draw("local", "zoe", "ZOE", "z\u043ee", `"zoe"`, "z\u200boe", "\uff5aoe")
		at := draw("at", "@", " @ ", "@\r\n ", "\uff20")
		domain := draw("domain", "moot.alt", "friends.example", "MOOT.alt", "m\u043e\u043et.alt", "moot . alt", "moot.alt.", "friends.ex\u0430mple")
		other := local + at + domain
		if strings.ContainsAny(at, "\uff20") && strings.Contains(domain, " ") {
			return // no address to anyone
		}
		switch draw("as", "bare", "angle", "encoded", "quoted", "comment", "group", "route") {
		case "angle":
			other = draw("name", "", "bob ", `"bob@moot.alt" `) + "<" + other + ">"
		case "encoded":
			other = "=?utf-8?q?" + strings.NewReplacer(" ", "_", "\r\n", "", `"`, "").Replace(other) + "?= <bob@moot.alt>"
		case "quoted":
			other = `"` + strings.ReplaceAll(other, `"`, "") + `" <bob@moot.alt>`
		case "comment":
			other = "bob@moot.alt (" + other + ")"
		case "group":
			other = "bob@moot.alt: " + other + ";"
		case "route":
			other = "<@bob.example:" + other + ">"
		}
		fields := "From: " + other + "\r\n"
		switch draw("where", "only", "before", "after", "second field", "first field", "carriage return", "other case") {
		case "before":
			fields = "From: " + other + draw("separator", ", ", " ", ";") + "bob@moot.alt\r\n"
		case "after":
			fields = "From: " + draw("bob", "bob@moot.alt", "Bob <bob@moot.alt>", "<bob@moot.alt") + draw("separator", ", ", " ", ";") + other + "\r\n"
		case "second field":
			fields = "From: bob@moot.alt\r\n" + fields
		case "first field":
			fields += "From: bob@moot.alt\r\n"
		case "carriage return":
			fields = "Subject: x\r" + fields
		case "other case":
			fields = "fRoM \t:" + fields[5:]
		}
		h := headerOf(fields)
		if !authors.forged(h, bobID, false) {
			t.Fatalf("%q is shown as bob's: %+v", fields, h.authors)
		}
		if authors.wrote(h, bobID) {
			t.Fatalf("bob may send %q", fields)
		}
		if !authors.forged(h, serverID, true) {
			t.Fatalf("%q is shown as from outside: %+v", fields, h.authors)
		}
	})
}

// FuzzAuthor checks that whom From names is flagged, however it does so.
func FuzzAuthor(f *testing.F) {
	f.Add("zoe@moot.alt")
	f.Add(`"zoe@moot.alt" <bob@moot.alt>`)
	f.Add("bob@moot.alt (=?utf-8?q?zoe=40moot.alt?=)")
	f.Fuzz(func(t *testing.T, from string) {
		h := headerOf("From: " + from + "\r\n")
		if authors.forged(h, bobID, false) {
			return
		}
		for _, a := range h.authors {
			if a.Domain != "" && !authors.names(a.Address(), bobID) {
				t.Errorf("%q shows %v", from, a)
			}
			leads := func(t Target) bool { return t.Member == zoeID }
			if found, err := authors.Resolve(a.String()); err == nil && slices.ContainsFunc(found, leads) {
				t.Errorf("%q is zoe", from)
			}
		}
	})
}
