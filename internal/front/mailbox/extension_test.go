package mailbox

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	moots "github.com/mootspace/moot/internal/mail"
)

// selected logs in and opens the inbox, by hand.
func (w *world) opened(commands ...string) *wire {
	w.t.Helper()
	c := w.wire(w.imaps, true)
	c.line()
	for _, command := range append([]string{"LOGIN ann secret"}, append(commands, "SELECT INBOX")...) {
		if got := c.command(command); !strings.Contains(got, "t OK") {
			w.t.Fatalf("%s: %s", command, got)
		}
	}
	return c
}

// wants sends commands in turn; each pair is one with what its response contains, or does
// not, after a !.
func (c *wire) wants(pairs ...[2]string) {
	c.t.Helper()
	for _, p := range pairs {
		do := c.command
		if p[0] == "NOOP" && p[1] != "t OK" { // for updates, which are asynchronous
			do = c.poll
		}
		got := do(p[0])
		for want := range strings.SplitSeq(p[1], "|") {
			if not, ok := strings.CutPrefix(want, "!"); ok && strings.Contains(got, not) || !ok && !strings.Contains(got, want) {
				c.t.Errorf("%s: %s\nwant %s", p[0], got, want)
			}
		}
	}
}

func TestBeforeLogin(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.imap, false)
	c.line()
	c.wants(
		[2]string{"XLIST", "t BAD"}, [2]string{"NOOP {3+}\r\nabc", "t "}, [2]string{`ID ("name" "x" "version" NIL)`, `* ID ("name" "Moot")`},
		[2]string{"CAPABILITY", "LOGINDISABLED| STARTTLS|!AUTH=|!SORT"}, [2]string{"LOGIN ann {6}", "t NO [PRIVACYREQUIRED]"},
		[2]string{"LOGIN ann {6+}\r\nsecret", "t NO [PRIVACYREQUIRED]"}, [2]string{"NOOP", "t OK"},
		[2]string{"LIST \"\" {70000}", "t BAD"}, [2]string{"GETQUOTA \"\"", "t BAD"}, [2]string{"SORT (DATE) UTF-8 ALL", "t BAD"}, [2]string{"STARTTLS", "t OK"},
	)
	c = tlsOver(c, w.client)
	c.wants([2]string{"CAPABILITY", "AUTH=PLAIN|!STARTTLS|!LOGINDISABLED"}, [2]string{"LOGIN ann {6+}\r\nsecret", "t OK"})
}

func (c *wire) ends(text string) {
	c.t.Helper()
	c.send(text)
	c.until("* BYE")
}

func TestOtherProtocols(t *testing.T) {
	w := newWorld(t, false)
	for _, text := range []string{"POST / HTTP/1.1\r\nHost: x\r\n\r\n", strings.Repeat("x y\r\n", 30), strings.Repeat("y", 60000)} {
		c := w.wire(w.imap, false)
		c.line()
		c.ends(text)
	}
}

func TestLiterals(t *testing.T) {
	w := newWorld(t, false)
	c := w.wire(w.imaps, true)
	c.line()
	c.send("t LOGIN {3}\r\n")
	c.until("+ ")
	c.send("ann {6+}\r\nsecret\r\n")
	if got := c.until("t "); !strings.HasPrefix(got, "t OK [CAPABILITY IMAP4rev2 IMAP4rev1 SASL-IR LITERAL+ ID ENABLE ") {
		t.Error(got)
	}
	big := strings.Repeat("x", 9000)
	c.wants(
		[2]string{"APPEND INBOX {9002+}\r\n" + big + "\r\n", "t OK [APPENDUID"}, [2]string{"APPEND {5+}\r\nINBOX (\\Seen) {9002+}\r\n" + big + "\r\n", "t OK [APPENDUID"},
		[2]string{"APPEND nosuch {9002+}\r\n" + big + "\r\n", "t NO [TRYCREATE]"}, [2]string{"APPEND INBOX (" + strings.Repeat("x ", 70) + "x) {5+}\r\nxxx\r\n", "t NO [LIMIT]"},
	)
	c.ends("t APPEND INBOX {99999999+}\r\n")
}

// TestPipelining sends commands at once: the answers come in order, also of those that the
// extension gives.
func TestPipelining(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello)
	c := w.opened()
	c.send("a ID NIL\r\nb FETCH 1 BODY[]\r\nc GETQUOTA \"\"\r\nd IDLE\r\nDONE\r\ne SORT (DATE) UTF-8 ALL\r\nf APPEND INBOX {2+}\r\n\r\n\r\ng XX\r\nh FETCH 1 BODY[HEADER.FIELDS ({7+}\r\nSubject)]\r\ni UID FETCH 1 (UID)\r\n")
	for _, tag := range strings.Split("abcdefghi", "") {
		if got := c.until("a ", "b ", "c ", "d ", "e ", "f ", "g ", "h ", "i "); !strings.Contains(got, "\n"+tag+" ") && !strings.HasPrefix(got, tag+" ") {
			t.Errorf("want the answer to %s: %s", tag, got)
		}
	}
}

// TestHostileContent has a message that looks like responses.
func TestHostileContent(t *testing.T) {
	w := newWorld(t, false)
	hostile := strings.Repeat("t OK [CAPABILITY IMAP4rev1] x\r\n* SEARCH 1\r\n* 1 FETCH (FLAGS ())\r\n* 1 EXPUNGE\r\n* STATUS INBOX ()\r\n{5}\r\n+ x\r\nt NO [SERVERBUG] Internal server error\r\n", 300)
	w.put("Subject: x\r\n\r\n" + hostile)
	c := w.opened("ENABLE QRESYNC IMAP4rev2")
	if got := c.command("STATUS INBOX (HIGHESTMODSEQ)"); !strings.Contains(got, "STATUS INBOX (HIGHESTMODSEQ ") {
		t.Error(got)
	}
	c.send("q FETCH 1 BODY[]\r\n")
	if got := c.until("q "); !strings.Contains(got, strings.ReplaceAll(hostile, "\r\n", "\n")) || !strings.HasPrefix(got, "* 1 FETCH (MODSEQ (") {
		t.Errorf("%.200s", got)
	}
}

func TestWithinAndSizes(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"x")
	c := w.opened()
	c.command("APPEND INBOX {4+}\r\na:b\n")
	c.wants(
		[2]string{"SEARCH YOUNGER 3600", "* SEARCH 3\n"}, [2]string{"SEARCH OLDER 3600", "* SEARCH 1 2\n"}, [2]string{"UID SEARCH NOT YOUNGER 3600 UID 2", "* SEARCH 2\n"},
		[2]string{"SEARCH OR SUBJECT YOUNGER (OLDER 60 LARGER 5)", "* SEARCH 1 2\n"}, [2]string{"SEARCH YOUNGER", "t BAD"}, [2]string{"SEARCH OLDER x", "t BAD"},
		[2]string{"SEARCH SMALLER 100 LARGER 2 SMALLER 200", "* SEARCH 3\n"}, [2]string{"SEARCH SINCE 1-Mar-2026", "* SEARCH 1 2 3"}, [2]string{"SEARCH BEFORE 2-Mar-2026 ON 1-Mar-2026", "* SEARCH 1 2\n"},
		[2]string{"SEARCH SENTSINCE 1-Mar-2026 SENTBEFORE 2-Mar-2026", "* SEARCH 1 2\n"}, [2]string{"SEARCH SINCE 99-Foo-2026", "t BAD"}, [2]string{"SEARCH LARGER 99999999999999999999", "t BAD"},
		[2]string{"SEARCH RETURN (COUNT) YOUNGER 60", "COUNT 1"}, [2]string{"SEARCH HEADER older 5", "* SEARCH\n"}, [2]string{"SEARCH BODY", "t BAD"}, [2]string{"SEARCH CHARSET UTF-8 YOUNGER 60", "* SEARCH 3\n"},
	)
}

func TestFolderNames(t *testing.T) {
	w := newWorld(t, false)
	c := w.opened()
	c.wants(
		[2]string{`CREATE Inbox/sub`, "t OK"}, [2]string{`LIST "" *`, "INBOX/sub|!Inbox"}, [2]string{`SELECT iNbOx/sub`, "t OK"}, [2]string{`APPEND InBox/sub {2+}` + "\r\n\r\n", "t OK"},
		[2]string{`CREATE "a & b"`, "t OK"}, [2]string{`LIST "" "a & b"`, `"a &- b"`}, [2]string{`STATUS "a &- b" (MESSAGES)`, `* STATUS "a &- b" (MESSAGES 0)`},
		[2]string{`CREATE "Gr&APwA3w-e"`, "t OK"}, [2]string{`LIST "" Gr*`, `"Gr&APwA3w-e"`}, [2]string{`LIST "" (Gr&APwA3w-e a*)`, `"Gr&APwA3w-e"|"a &- b"`}, [2]string{`LIST "" *&*`, `"a &- b"`},
		[2]string{`LIST "" "%" RETURN (SUBSCRIBED CHILDREN SPECIAL-USE STATUS (MESSAGES HIGHESTMODSEQ))`, `(\Subscribed \HasChildren) "/" INBOX|* STATUS INBOX (MESSAGES 0 HIGHESTMODSEQ `},
		[2]string{`CREATE "&AAA-"`, "t NO"}, [2]string{`CREATE "&AA-"`, "t BAD"}, [2]string{`ENABLE IMAP4rev2`, "* ENABLED IMAP4rev2\n"},
		[2]string{`LIST "" "a*"`, `"a & b"`}, [2]string{`SELECT "a & b"`, "t OK"}, [2]string{`LIST "" Gr*`, `"Grüße"|!&`}, [2]string{"CREATE Fünf", "t OK"}, [2]string{"STATUS Fünf (MESSAGES)", `"Fünf"`},
		[2]string{`RENAME "a & b" "c&-d"`, "t OK"}, [2]string{`LIST "" c*`, `"c&-d"`}, [2]string{`UID COPY 1:* "c&-d"`, "t OK"}, [2]string{`GETQUOTAROOT INBOX`, "* QUOTAROOT \"INBOX\" \"\"\n* QUOTA \"\" (STORAGE 1 1048576)\n"},
		[2]string{"GETQUOTA x", "t NO"}, [2]string{"SETQUOTA \"\" (STORAGE 5)", "t NO [NOPERM]"},
	)
}

func TestSubscriptions(t *testing.T) {
	w := newWorld(t, false)
	c := w.opened()
	c.wants(
		[2]string{"UNSUBSCRIBE Drafts", "t OK"}, [2]string{`LSUB "" *`, "INBOX|Sent|!Drafts"}, [2]string{`LIST (SUBSCRIBED) "" *`, `Sent|!Drafts`}, [2]string{`LIST "" Drafts`, `Drafts|!\Subscribed`},
		[2]string{"CREATE Work/2026", "t OK"}, [2]string{"SUBSCRIBE Work/2026", "t OK"}, [2]string{"DELETE Work/2026", "t OK"},
		[2]string{`LIST (SUBSCRIBED) "" *`, `(\Subscribed \NonExistent \Noselect \HasNoChildren) "/" "Work/2026"`}, [2]string{`LIST "" *`, `!Work`},
		[2]string{`LIST (SUBSCRIBED RECURSIVEMATCH) "" %`, `"Work" (CHILDINFO ("SUBSCRIBED"))`}, [2]string{"UNSUBSCRIBE Work/2026", "t OK"}, [2]string{`LIST (SUBSCRIBED) "" *`, `!Work`},
	)
	again := w.opened()
	again.wants([2]string{`LSUB "" *`, "Sent|!Drafts"}, [2]string{"SUBSCRIBE Drafts", "t OK"}, [2]string{`LSUB "" *`, "Drafts"})
}

func TestExpungedElsewhere(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"2", hello+"3")
	c := w.opened()
	w.change(gone(2))
	c.wants([2]string{"COPY 1:3 Sent", "t NO [EXPUNGEISSUED]"}, [2]string{"STATUS Sent (MESSAGES)", "MESSAGES 0"})
	w.change(gone(1))
	c.wants([2]string{"NOOP", "EXPUNGE"}, [2]string{"UID COPY 1:2 Sent", "t OK"})
	w.change(gone(3))
	c.wants([2]string{"UID MOVE 3 Sent", "t NO [EXPUNGEISSUED]"})
}

func TestCondStore(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"2", hello+"3")
	c := w.opened()
	modseq := func() (n uint64) {
		got := c.command("SELECT INBOX")
		_, rest, _ := strings.Cut(got, "HIGHESTMODSEQ ")
		fmt.Sscan(rest, &n)
		return n
	}
	n := modseq()
	w.change(moots.Change{Folder: moots.Inbox, UID: 2, Set: []moots.Flag{moots.Flagged}})
	c.wants(
		[2]string{"NOOP", `* 2 FETCH (UID 2 FLAGS (\Flagged))`}, [2]string{"SELECT INBOX (CONDSTORE)", "HIGHESTMODSEQ"},
		[2]string{fmt.Sprintf("UID FETCH 1:* (FLAGS) (CHANGEDSINCE %d)", n), fmt.Sprintf(`* 2 FETCH (MODSEQ (%d) UID 2 FLAGS (\Flagged))|!* 1 FETCH|!* 3 FETCH`, n+1)},
		[2]string{fmt.Sprintf("FETCH 1:* (FLAGS) (CHANGEDSINCE %d)", n+1), `!FETCH (|t OK`}, [2]string{"FETCH 1 (MODSEQ)", fmt.Sprintf("* 1 FETCH (MODSEQ (%d) UID 1)", n-2)},
		[2]string{"FETCH 1 (MODSEQ BODY.PEEK[HEADER.FIELDS (MODSEQ)])", `BODY[HEADER.FIELDS ("MODSEQ")]`},
		[2]string{fmt.Sprintf(`STORE 1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\Seen)`, n), fmt.Sprintf(`* 1 FETCH (MODSEQ (%d) UID 1 FLAGS (\Seen))|t OK [MODIFIED 2]|!* 2 FETCH`, n+2)},
		[2]string{fmt.Sprintf(`UID STORE 2 (UNCHANGEDSINCE %d) +FLAGS (\Seen)`, n), "t OK [MODIFIED 2]|!* 2 FETCH"},
		[2]string{fmt.Sprintf("SEARCH MODSEQ %d", n+1), fmt.Sprintf("* SEARCH 1 2 (MODSEQ %d)\n", n+2)}, [2]string{fmt.Sprintf(`SEARCH MODSEQ "/flags/\\draft" all %d`, n+9), "* SEARCH\n"},
		[2]string{fmt.Sprintf("SEARCH RETURN (MAX) MODSEQ %d", n+1), fmt.Sprintf("MAX 2 MODSEQ %d\n", n+2)}, [2]string{"STATUS INBOX (HIGHESTMODSEQ MESSAGES)", fmt.Sprintf("(MESSAGES 3 HIGHESTMODSEQ %d)", n+2)},
		[2]string{"FETCH 1 FLAGS (CHANGEDSINCE x)", "t BAD"}, [2]string{"STORE 1 (UNCHANGEDSINCE) FLAGS x", "t BAD"}, [2]string{"SELECT INBOX (QRESYNC (1 2))", "t BAD"}, [2]string{"UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "t BAD"},
	)
}

func TestQuickResync(t *testing.T) {
	w := newWorld(t, false)
	for i := range 6 {
		w.put(hello + fmt.Sprint(i))
	}
	c := w.opened("ENABLE QRESYNC")
	inbox := w.mailbox.at(moots.Inbox)
	validity, n := inbox.Validity, inbox.ModSeq
	w.change(gone(2), gone(3), gone(6), moots.Change{Folder: moots.Inbox, UID: 4, Set: []moots.Flag{moots.Seen}})
	c.wants(
		[2]string{"NOOP", "* VANISHED 6\n* VANISHED 3\n* VANISHED 2\n|!EXPUNGE|* 4 FETCH (MODSEQ ("},
		[2]string{fmt.Sprintf("SELECT INBOX (QRESYNC (%d %d))", validity, n), "* VANISHED (EARLIER) 2:3,6\n* 2 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (|!UID 5"},
		[2]string{fmt.Sprintf("SELECT INBOX (QRESYNC (%d %d 1:2,4:5))", validity, n), "* VANISHED (EARLIER) 2\n"}, [2]string{fmt.Sprintf("SELECT INBOX (QRESYNC (%d %d 1:6 (1:6 1:6)))", validity, n), "* VANISHED (EARLIER) 2:3,6\n"},
		[2]string{fmt.Sprintf("SELECT INBOX (QRESYNC (%d %d))", validity+1, n), "!VANISHED|t OK"}, [2]string{fmt.Sprintf("SELECT INBOX (QRESYNC (%d %d))", validity, n+9), "!VANISHED|t OK"},
		[2]string{fmt.Sprintf("UID FETCH 1:6 FLAGS (CHANGEDSINCE %d VANISHED)", n), "* VANISHED (EARLIER) 2:3,6\n* 2 FETCH (MODSEQ ("},
		[2]string{"STORE 1 +FLAGS (\\Deleted)", "MODSEQ"}, [2]string{"EXPUNGE", "* VANISHED 1\nt OK"},
	)
}

func TestSortAndThread(t *testing.T) {
	w := newWorld(t, false)
	mail := func(id, subject, from, day, refs string) string {
		return crlf("From: "+from, "To: z@x.test", "Subject: "+subject, "Date: "+day+" Mar 2026 12:00:00 +0000", "Message-ID: <"+id+"@x>", "References: "+strings.ReplaceAll(refs, ">", "@x>"), "", "x")
	}
	w.put(mail("a", "Lake", "cy@x.test", "5", ""), mail("b", "Re: lake", "ann@x.test", "6", "<a>"), mail("c", "Apples", "Bob <bob@x.test>", "4", ""),
		mail("d", "[list] RE: Lake (fwd)", "dan@x.test", "9", "<a> <b>"), mail("e", "Re: apples", "eve@x.test", "8", "<gone>"), mail("f", "Fwd: apples", "fay@x.test", "7", "<a> <x> <f>"))
	for _, it := range w.mailbox.at(moots.Inbox).items {
		if it.MessageID == "" {
			t.Fatal("no Message-ID")
		}
	}
	c := w.opened()
	c.wants(
		[2]string{"SORT (DATE) UTF-8 ALL", "* SORT 3 1 2 6 5 4\nt OK|!SEARCH 1"}, [2]string{"UID SORT (REVERSE DATE) UTF-8 UID 1:3", "* SORT 2 1 3\n"}, [2]string{"SORT (SUBJECT REVERSE FROM) US-ASCII ALL", "* SORT 6 5 3 4 1 2\n"},
		[2]string{"SORT (ARRIVAL) UTF-8 SUBJECT nothing", "* SORT\n"}, [2]string{"SORT (FOO) UTF-8 ALL", "t BAD"}, [2]string{"SORT (DATE) UTF-8", "t BAD"}, [2]string{"SORT () UTF-8 ALL", "t BAD"}, [2]string{"SORT (REVERSE) UTF-8 ALL", "t BAD"},
		[2]string{"SORT (DATE) KOI8-R ALL", "t NO [BADCHARSET]"}, [2]string{"THREAD ORDEREDSUBJECT UTF-8 ALL", "* THREAD (3 (6)(5))(1 (2)(4))\n"}, [2]string{"THREAD FOO UTF-8 ALL", "t BAD"},
		[2]string{"UID THREAD REFERENCES UTF-8 UID 1,2,4", "* THREAD (1 2 4)\n"}, [2]string{"THREAD REFERENCES UTF-8 1:2", "* THREAD (1 2)\n"},
	)
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c.wants([2]string{"ENABLE IMAP4rev2", "OK"}, [2]string{"SORT (SIZE) UTF-8 ALL", "* SORT |!ESEARCH"})
}

// FuzzCommand: no input makes the reader hang or panic, and what it passes on is one
// command, which reads as the same.
func FuzzCommand(f *testing.F) {
	for _, s := range []string{"a NOOP\r\n", "a LOGIN {3+}\r\nann \"x\\\"\"\r\n", "a FETCH 1 (BODY[HEADER.FIELDS (a b)]<0.1>)\r\n", "a APPEND x (\\Seen) ~{3+}\r\nabc\r\n", "a X {5}\r\n\r\n", "a {1+}\r\n\n x\r\n", "\"\n", "a UID {\r\n", "a APPEND b UTF8 (~{9}\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		read := func(s string) (*command, error) {
			r := commandReader{Reader: bufio.NewReader(strings.NewReader(s)), goAhead: func(*command, literal) (bool, error) { return true, nil }}
			return r.next()
		}
		c, err := read(s)
		if err != nil || c.fault != "" {
			if err == nil && c.tag == "" {
				t.Error("no tag to answer")
			}
			return
		}
		line := c.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\r\n") {
			t.Errorf("%q is passed on as %q", s, line)
		}
		again, err := read(line)
		if err != nil && !errors.Is(err, errLongCommand) || err == nil && (again.fault != "" || again.String() != line) {
			t.Errorf("%q is passed on as %q, which reads as %+v %v", s, line, again, err)
		}
	})
}

// FuzzReplies: a message's bytes arrive as they are, however they are cut.
func FuzzReplies(f *testing.F) {
	f.Add("* 1 FETCH (x {3}\r\n", 4)
	f.Fuzz(func(t *testing.T, content string, cut int) {
		x := &extension{session: &imapSession{}}
		x.run.tag, x.state = "t", extensionState{condstore: true, qresync: true, utf8: true}
		text := fmt.Sprintf("* 1 FETCH (UID 1 BODY[] {%d}\r\n%s FLAGS ())\r\n", len(content), content)
		out := &collector{}
		x.Conn = out
		cut = max(1, min(cut, 4096))
		for rest := text; rest != ""; {
			n := min(cut, len(rest))
			if n < 17 && len(rest) == len(text) {
				n = 17 // the begin of a response is written at once
			}
			if _, err := x.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if _, err := x.Write([]byte("t OK x\r\n")); err != nil || out.b.String() != text+"t OK x\r\n" || !x.run.ended {
			t.Errorf("%q became %q", text, out.b.String())
		}
	})
}

// collector is a connection that is only written to.
type collector struct {
	net.Conn
	b strings.Builder
}

func (c *collector) Write(p []byte) (int, error) { return c.b.Write(p) }

// TestRecent: each message is recent for the first session that is told of it.
func TestRecent(t *testing.T) {
	w := newWorld(t, false)
	w.server.recent = newRecentMarks()
	w.put(hello, hello+"2")
	w.change(moots.Change{Folder: moots.Inbox, UID: 2, Set: []moots.Flag{moots.Seen}})
	c := w.opened()
	c.wants([2]string{"STATUS INBOX (RECENT)", "(RECENT 0)"}, [2]string{"EXAMINE INBOX", "* 0 RECENT"})
	w.put(hello + "3")
	c.wants([2]string{"NOOP", "* 3 EXISTS\n* 1 RECENT"}, [2]string{"FETCH 1:* FLAGS", `* 1 FETCH (UID 1 FLAGS ())|* 3 FETCH (UID 3 FLAGS (\Recent))`}, [2]string{"STATUS INBOX (RECENT)", "(RECENT 1)"})
	c.wants([2]string{"SELECT INBOX", "* 1 RECENT"}, [2]string{"SEARCH NEW", "* SEARCH 3\n"}, [2]string{"SEARCH OLD", "* SEARCH 1 2\n"}, [2]string{"STORE 3 FLAGS (x)", `FLAGS (\Recent x)`}, [2]string{"SELECT INBOX", "* 0 RECENT"})
	w.put(hello + "4")
	again := w.opened()
	again.wants([2]string{"FETCH 4 FLAGS", `\Recent`}, [2]string{"ENABLE IMAP4rev2", "t OK"}, [2]string{"FETCH 4 FLAGS", `!\Recent`})
	c.wants([2]string{"NOOP", "* 4 EXISTS\n* 0 RECENT"}, [2]string{"FETCH 4 FLAGS", `!\Recent`})
}
