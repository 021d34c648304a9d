package mailbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2/imapserver"
	"pgregory.net/rapid"

	moots "github.com/mootspace/moot/internal/mail"
)

// library is the mailbox of TestSearch; by UID from 1.
var library = []string{
	hello,
	nested,
	crlf("From: \"Lee, Bob\" <bob@moot.test>", "To: ann@moot.test", "Cc: dora@moot.test", "Subject: Re: plans", "Date: Mon, 2 Mar 2026 10:00:00 +0000",
		"Message-ID: <two@moot.test>", "X-Tag: a", "X-Tag: blue sky", "Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: 8bit", "", "caf\xe9 at noon"),
	crlf("From: nobody", "Subject: a < b, c", "", strings.Repeat("lorem ipsum\n", 60000)+"needle in the hay"),
	crlf("Subject: no date, no From", "", "plain"),
}

func TestSearch(t *testing.T) {
	w := newWorld(t, false)
	w.put(library...)
	inbox := w.mailbox.at(moots.Inbox)
	for i, day := range []int{1, 2, 3, 4, 5} {
		inbox.items[i].Arrived = time.Date(2026, 3, day, 23, 59, 0, 0, time.UTC)
	}
	w.change(mark(1, moots.Seen, "$Work"), mark(2, moots.Flagged), mark(3, moots.Seen, moots.Answered, moots.Deleted), mark(4, moots.Draft))
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	c.command("SELECT INBOX")
	for _, one := range [][2]string{
		{"ALL", "1 2 3 4 5"}, {"2,4:*", "2 4 5"}, {"UID 3:9", "3 4 5"}, {"*", "5"}, {"NOT 1:3", "4 5"},
		{"SEEN", "1 3"}, {"UNSEEN FLAGGED", "2"}, {"ANSWERED", "3"}, {"DELETED", "3"}, {"UNDELETED UNDRAFT", "1 2 5"}, {"KEYWORD $work", "1"}, {"UNKEYWORD $Work UNFLAGGED", "3 4 5"},
		{"NEW", ""}, {"OLD", "1 2 3 4 5"}, {"RECENT", ""},
		{"SINCE 3-Mar-2026", "3 4 5"}, {"BEFORE 3-Mar-2026", "1 2"}, {"ON 4-Mar-2026", "4"}, {"SINCE 2-Mar-2026 BEFORE 4-Mar-2026", "2 3"},
		{"SENTON 1-Mar-2026", "1"}, {"SENTON 2-Mar-2026", "3"}, {"SENTSINCE 1-Jan-2026", "1 3"}, {"SENTBEFORE 2-Mar-2026", "1"}, {"NOT SENTBEFORE 2-Mar-2026", "2 3 4 5"},
		{"LARGER 100000", "4"}, {fmt.Sprint("SMALLER ", len(library[2])), "5"},
		{"FROM lee", "1 3"}, {`FROM "lee, b"`, "3"}, {"FROM ANN@MOOT", "1 2"}, {"TO bob@", "1 2"}, {"TO dora", ""}, {"CC dora", "3"}, {"CC cy@moot", "1"}, {"BCC x", ""},
		{"SUBJECT lake", "1"}, {`SUBJECT "< b, c"`, "4"}, {`SUBJECT ""`, "1 2 3 4 5"}, {"HEADER X-Tag sky", "3"}, {`HEADER X-Tag ""`, "3"}, {"HEADER Message-ID <two@moot.test>", "3"}, {"HEADER message-id one@", "1"},
		{"BODY water", "1"}, {"BODY eedl", "4"}, {"BODY \"<b>BOLD\"", "2"}, {"BODY \"deep text\"", "2"}, {"BODY lake", ""}, {"TEXT lake", "1"}, {"TEXT x-tag", "3"}, {"BODY \"%PDF\"", ""}, {"TEXT filename", "2"},
		{"CHARSET UTF-8 SUBJECT {7+}\r\ngr\xc3\xbc\xc3\x9fe", "1"}, {"CHARSET UTF-8 BODY {5+}\r\ncaf\xc3\xa9", "3"}, {`BODY ""`, "1 2 3 4 5"},
		{"OR BODY water BODY needle", "1 4"}, {"NOT BODY water", "2 3 4 5"}, {"OR (SEEN NOT ANSWERED) NOT (OR FROM moot SUBJECT plain)", "1 4 5"}, {"NOT (OR SEEN BODY needle)", "2 5"},
	} {
		want := strings.TrimRight("* SEARCH "+one[1], " ") + "\nt OK SEARCH completed"
		if got := c.command("SEARCH " + one[0]); got != want {
			t.Errorf("%s: %s, want %s", one[0], got, want)
		}
	}
	for _, one := range [][2]string{
		{"UID SEARCH RETURN (MIN MAX COUNT) NOT SEEN", `* ESEARCH (TAG "t") UID MIN 2 MAX 5 COUNT 3`},
		{"SEARCH RETURN (SAVE COUNT) SEEN", `* ESEARCH (TAG "t") COUNT 2`},
		{"FETCH $ UID", "* 1 FETCH (UID 1)\n* 3 FETCH (UID 3)"},
		{"SEARCH RETURN (SAVE ALL) $ ANSWERED", `* ESEARCH (TAG "t") ALL 3`},
		{"UID STORE $ +FLAGS (again)", "* 3 FETCH (UID 3 FLAGS (again "},
		{"SEARCH CHARSET KOI8-R ALL", "t NO [BADCHARSET]"},
		{"SEARCH " + strings.Repeat("NOT ", 600) + "ALL", "t NO [LIMIT]"},
		{"FETCH $ UID", "* 3 FETCH (UID 3)"},
	} {
		if got := c.command(one[0]); !strings.HasPrefix(got, one[1]) {
			t.Errorf("%.60s: %s, want %s", one[0], got, one[1])
		}
	}
}

// TestSearchOpensLittle: criteria that the index decides must not open a message.
func TestSearchOpensLittle(t *testing.T) {
	w := newWorld(t, false)
	w.put(library[:3]...)
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	c.command("SELECT INBOX")
	for _, one := range []struct {
		command string
		opened  int64
	}{
		{"SEEN LARGER 3", 0}, {"FROM ann@moot.test SUBJECT plans", 0}, {"SENTSINCE 1-Jan-2020 FROM lee UNSEEN", 1}, {"CC nosuch", 0},
		{"SENTBEFORE 1-Jan-2020 BODY water", 1}, {"HEADER Message-ID one@moot.test", 1},
	} {
		w.mailbox.opened.Store(0)
		c.command("SEARCH " + one.command)
		if n := w.mailbox.opened.Load(); n > one.opened { // nested has neither Date nor Message-ID
			t.Errorf("%s opened %d messages, want %d", one.command, n, one.opened)
		}
		c.command("UNSELECT")
		c.command("SELECT INBOX")
	}
}

// TestFindText compares the search in texts of any length with strings.Contains.
func TestFindText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("abCäÄß€😀 \n"))).Draw(t, "text")
		text = strings.Repeat("a€", rapid.IntRange(textWindow/4-20, textWindow/4+20).Draw(t, "before")) + text
		words := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("abcäß€😀")), 1, 5, -1), 1, 4).Draw(t, "words")
		found := map[string]bool{}
		if err := findText(strings.NewReader(text), words, found, textWindow); err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			if want := strings.Contains(fold(text), w); found[w] != want {
				t.Fatalf("%q in …%q: %v, want %v", w, text[max(0, len(text)-40):], found[w], want)
			}
		}
	})
}

// TestMatcher compares with the library's matching, which takes exponential time.
func TestMatcher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[ab]{1,3}(/[ab.]{1,3}){0,3}`).Draw(t, "name")
		pattern := rapid.StringMatching(`[ab/.%*]{1,8}`).Draw(t, "pattern")
		match, err := matcher("", []string{pattern})
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(pattern, "/") {
			return // the library trims it, which RFC 9051 does not require
		}
		if got, want := match(name), imapserver.MatchList(name, separator, "", pattern); got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, name, got, want)
		}
	})
}

func FuzzMatcher(f *testing.F) {
	f.Add("*a%b", "(x)[")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		match, err := matcher("", []string{pattern})
		if err == nil && utf8.ValidString(name) && match(name) && !strings.ContainsAny(pattern, "*%") && pattern != name && name != moots.Inbox {
			t.Errorf("%q matches %q", pattern, name)
		}
	})
}
