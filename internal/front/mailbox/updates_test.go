package mailbox

import (
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	moots "github.com/mootspace/moot/internal/mail"
)

func (w *world) change(changes ...moots.Change) {
	w.t.Helper()
	if _, err := w.mailbox.Change(w.t.Context(), changes...); err != nil {
		w.t.Fatal(err)
	}
}

func mark(uid uint32, flags ...moots.Flag) moots.Change {
	return moots.Change{Folder: moots.Inbox, UID: uid, Set: flags}
}

func gone(uid uint32) moots.Change { return moots.Change{Folder: moots.Inbox, UID: uid, Remove: true} }

// selected is a raw connection with the inbox selected and three messages.
func (w *world) selected() *wire {
	w.t.Helper()
	w.put(hello, hello+"2", hello+"3")
	c := w.wire(w.imaps, true)
	c.line()
	c.command("LOGIN ann secret")
	if got := c.command("SELECT INBOX"); !strings.Contains(got, "* 3 EXISTS") || !strings.Contains(got, "t OK [READ-WRITE]") {
		w.t.Fatal(got)
	}
	return c
}

// poll sends a command until there are updates, which are asynchronous.
func (c *wire) poll(command string) string {
	c.t.Helper()
	for {
		if got := c.command(command); strings.HasPrefix(got, "* ") {
			return got
		}
	}
}

func TestIdle(t *testing.T) {
	w := newWorld(t, false)
	c := w.selected()
	c.send("a IDLE\r\n")
	c.until("+ ")
	w.change(mark(2, moots.Flagged))
	if got := c.line(); got != `* 2 FETCH (UID 2 FLAGS (\Flagged))` {
		t.Error(got)
	}
	w.change(gone(1))
	if got := c.line(); got != "* 1 EXPUNGE" {
		t.Error(got)
	}
	w.put(hello + "4")
	if got := c.line(); got != "* 3 EXISTS" {
		t.Error(got)
	}
	c.send("DONE\r\n")
	c.until("a OK")
	if got := c.command("UID FETCH 1:* FLAGS"); !strings.Contains(got, `* 3 FETCH (UID 4 FLAGS ())`) {
		t.Error(got)
	}
}

// TestSequenceNumbers changes the mailbox concurrently: sequence numbers must stay until
// an update is sent, which FETCH, STORE and SEARCH must not do.
func TestSequenceNumbers(t *testing.T) {
	w := newWorld(t, false)
	c := w.selected()
	w.change(gone(1), mark(3, "$Work"))
	for _, command := range []string{"FETCH 3 FLAGS", "SEARCH UID 3", `STORE 3 +FLAGS.SILENT (\Seen)`, "FETCH 3 BODY.PEEK[TEXT]"} {
		if got := c.command(command); strings.Contains(got, "EXPUNGE") || !strings.Contains(got, "t OK") {
			t.Errorf("%s: %s", command, got)
		}
	}
	if got := c.command("SEARCH UID 3"); !strings.Contains(got, "* SEARCH 3") {
		t.Error(got)
	}
	if got := c.command("FETCH 1 BODY.PEEK[]"); strings.Contains(got, "EXPUNGE ") {
		t.Error(got)
	}
	if got := c.poll("NOOP"); got != "* 1 EXPUNGE\nt OK NOOP completed" {
		t.Error(got)
	}
	if got := c.command("FETCH 2 FLAGS"); !strings.Contains(got, `* 2 FETCH (UID 3 FLAGS (\Seen $Work))`) {
		t.Error(got)
	}
	if got := c.command("FETCH 7 FLAGS"); !strings.HasPrefix(got, "t BAD") {
		t.Error(got)
	}
	if got := c.command("FETCH 7:* UID"); !strings.Contains(got, "* 2 FETCH (UID 3)") {
		t.Errorf("7:* is *:7 (RFC 9051, 9): %s", got)
	}
	if got := c.command("UID FETCH 99:* UID"); !strings.Contains(got, "* 2 FETCH (UID 3)") {
		t.Error(got)
	}
}

func TestFolderVanishes(t *testing.T) {
	w := newWorld(t, false)
	other := w.dial(nil)
	if err := other.Create("Work", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	c := w.selected()
	c.command("COPY 1:2 Work")
	c.command("SELECT Work")
	if err := other.Delete("Work").Wait(); err != nil {
		t.Fatal(err)
	}
	if got := c.poll("NOOP"); got != "* 2 EXPUNGE\n* 1 EXPUNGE\nt OK NOOP completed" {
		t.Error(got)
	}
}

func TestStore(t *testing.T) {
	w := newWorld(t, false)
	c := w.selected()
	for _, one := range [][2]string{
		{`STORE 1:2 +FLAGS (\Flagged work)`, "* 1 FETCH (UID 1 FLAGS (\\Flagged work))\n* 2 FETCH (UID 2 FLAGS (\\Flagged work))\nt OK STORE completed"},
		{`STORE 2 -FLAGS (\Flagged)`, "* 2 FETCH (UID 2 FLAGS (work))\nt OK STORE completed"},
		{`UID STORE 3 FLAGS (\Seen WORK \Recent)`, "* 3 FETCH (UID 3 FLAGS (\\Seen work))\nt OK UID STORE completed"},
		{`STORE 1 -FLAGS.SILENT (WORK)`, "t OK STORE completed"},
		{`STORE 1 FLAGS ()`, "* 1 FETCH (UID 1 FLAGS ())\nt OK STORE completed"},
		{`UID STORE 77 +FLAGS (\Seen)`, "t OK UID STORE completed"},
		{`STORE 1 +FLAGS (\Unheard)`, "t NO [CANNOT] A flag is too long, unknown, or not plain ASCII: choose another"},
		{`STORE 1 +FLAGS (gr` + "\xc3\xbc" + `n)`, "t NO [CANNOT] A flag is too long, unknown, or not plain ASCII: choose another"},
		{`STORE 9 +FLAGS (\Seen)`, "t BAD [CLIENTBUG] There is no message with that number"},
	} {
		if got := c.command(one[0]); got != one[1] {
			t.Errorf("%s: %s\nwant %s", one[0], got, one[1])
		}
	}
	c.command("EXAMINE INBOX")
	for _, command := range []string{`STORE 1 +FLAGS (\Seen)`, "EXPUNGE", "MOVE 1 Sent"} {
		if got := c.command(command); !strings.HasPrefix(got, "t NO [NOPERM]") {
			t.Errorf("%s in EXAMINE: %s", command, got)
		}
	}
}

// TestSilentStore changes silently what was changed concurrently: the client must get
// that update.
func TestSilentStore(t *testing.T) {
	w := newWorld(t, false)
	c := w.selected()
	w.change(mark(1, moots.Answered))
	got := c.command(`STORE 1 +FLAGS.SILENT (\Seen)`)
	for !strings.Contains(got, `* 1 FETCH (UID 1 FLAGS (\Seen \Answered))`) {
		got = c.poll("NOOP")
	}
}

func TestExpunge(t *testing.T) {
	w := newWorld(t, false)
	c := w.selected()
	w.change(mark(1, moots.Deleted), mark(3, moots.Deleted))
	if got := c.command("UID EXPUNGE 2:3"); !strings.Contains(got, "* 3 EXPUNGE") || strings.Contains(got, "* 1 EXPUNGE") {
		t.Error(got)
	}
	c.command("EXAMINE INBOX")
	if got := c.command("CLOSE"); got != "t OK CLOSE completed" {
		t.Error(got)
	}
	if n := len(w.mailbox.at(moots.Inbox).items); n != 2 {
		t.Errorf("CLOSE after EXAMINE left %d messages", n)
	}
	c.command("SELECT INBOX")
	if got := c.command("UNSELECT"); got != "t OK UNSELECT completed" {
		t.Error(got)
	}
	c.command("SELECT INBOX")
	if got := c.command("CLOSE"); got != "t OK CLOSE completed" {
		t.Error(got)
	}
	if n := len(w.mailbox.at(moots.Inbox).items); n != 1 {
		t.Errorf("CLOSE left %d messages", n)
	}
}

func TestCopyAndMove(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello, hello+"2", hello+"3")
	c := w.dial(nil)
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	copied, err := c.Copy(imap.SeqSetNum(1, 3), "Sent").Wait()
	if err != nil || copied.SourceUIDs.String() != "1,3" || copied.DestUIDs.String() != "1:2" || copied.UIDValidity == 0 {
		t.Errorf("copy: %+v %v", copied, err)
	}
	if _, err := c.Copy(imap.SeqSetNum(1), "INBOX").Wait(); err != nil {
		t.Error(err)
	}
	if _, err := c.Copy(imap.SeqSetNum(1), "Nowhere").Wait(); err == nil || !strings.Contains(err.Error(), "TRYCREATE") {
		t.Error(err)
	}
	w.change(gone(1)) // concurrently
	moved, err := c.Move(imap.UIDSetNum(1, 2), "Trash").Wait()
	if err != nil || moved.SourceUIDs.(imap.UIDSet).String() != "2" {
		t.Errorf("move: %+v %v", moved, err)
	}
	if moved, err := c.Move(imap.UIDSetNum(99), "Trash").Wait(); err != nil || moved.UIDValidity != 0 {
		t.Errorf("move of nothing: %+v %v", moved, err)
	}
	for name, want := range map[string]uint32{"INBOX": 2, "Sent": 2, "Trash": 1} {
		if s, err := c.Status(name, &imap.StatusOptions{NumMessages: true}).Wait(); err != nil || *s.NumMessages != want {
			t.Errorf("%s: %+v %v", name, s, err)
		}
	}
}

// TestRevision2 uses IMAP4rev2.
func TestRevision2(t *testing.T) {
	w := newWorld(t, false)
	w.put(hello)
	c := w.dial(&imapclient.Options{})
	if _, err := c.Enable(imap.CapIMAP4rev2).Wait(); err != nil {
		t.Fatal(err)
	}
	s, err := c.Select("INBOX", nil).Wait()
	if err != nil || s.List == nil || s.List.Mailbox != "INBOX" {
		t.Errorf("select: %+v %v", s, err)
	}
	found, err := c.Search(&imap.SearchCriteria{Text: []string{"grüsse"}, Not: []imap.SearchCriteria{{Flag: []imap.Flag{imap.FlagSeen}}}}, nil).Wait()
	if err != nil || len(found.AllSeqNums()) != 0 {
		t.Errorf("search: %+v %v", found, err)
	}
	if found, err = c.Search(&imap.SearchCriteria{Text: []string{"grüße"}}, nil).Wait(); err != nil || len(found.AllSeqNums()) != 1 {
		t.Errorf("search: %+v %v", found, err)
	}
}
