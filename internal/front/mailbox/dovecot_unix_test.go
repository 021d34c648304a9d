//go:build unix

package mailbox

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mootspace/moot/internal/awkward"
)

// nobody is the user of Dovecot if the tests are root's: it opens no mailbox of root.
const nobody = 65534

// dovecot runs Debian's Dovecot as one session that is logged in, over an empty Maildir.
func dovecot(t *testing.T) io.ReadWriter {
	t.Helper()
	dir, err := os.MkdirTemp("", "dovecot") // t.TempDir is within a folder of root alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cmd := exec.Command("/usr/lib/dovecot/imap", "-c", filepath.Join(dir, "conf"))
	cmd.Env = []string{"USER=zoe", "HOME=" + dir}
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = nobody, nobody
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	conf := fmt.Sprintf("mail_location = maildir:%[1]s/mail\nbase_dir = %[1]s/run\nlog_path = /dev/stderr\nssl = no\nprotocols = imap\nmail_fsync = never\n"+
		"mail_uid = %[2]d\nmail_gid = %[3]d\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n", dir, uid, gid)
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	var log strings.Builder
	cmd.Stderr = &log
	if err := cmd.Start(); errIn != nil || errOut != nil || err != nil {
		t.Fatal("Dovecot (Debian's dovecot-imapd) does not start: ", errIn, errOut, err)
	}
	t.Cleanup(func() {
		in.Close()
		out.Close()
		if err := cmd.Wait(); err != nil && !t.Failed() {
			t.Errorf("Dovecot: %v\n%s", err, log.String())
		}
	})
	return struct {
		io.Reader
		io.Writer
	}{out, in}
}

// fetched are the items of the corpus's messages in one server, by the messages' names.
type fetched map[string]map[string]any

// appended appends the corpus to the inbox over a session, and fetches the items of all.
// An APPEND that is refused is the item APPEND.
func appended(t *testing.T, c io.ReadWriter, login string, corpus []awkward.Message, items string) fetched {
	t.Helper()
	invited := make(chan struct{}, 1) // to send a literal
	go pipeline(c, login, corpus, items, invited)
	all, uids := fetched{}, map[string]string{}
	for r := (responses{bufio.NewReaderSize(c, 64<<10)}); ; {
		values, err := r.next()
		if err != nil || len(values) < 2 {
			t.Fatalf("the session ends after %d messages: %v %v", len(uids), values, err)
		}
		tag, _ := values[0].(string)
		var n int
		switch _, err := fmt.Sscanf(tag, "m%d", &n); {
		case err == nil && len(values) > 2 && values[1] == "OK":
			code := strings.Fields(strings.Trim(fmt.Sprint(values[2]), "[]"))
			if len(code) != 3 || code[0] != "APPENDUID" {
				t.Fatalf("APPEND: %v", values)
			}
			uids[code[2]] = corpus[n].Name
		case err == nil:
			all[corpus[n].Name] = map[string]any{"APPEND": fmt.Sprint(values[1:]...)}
		case len(values) == 4 && values[2] == "FETCH":
			add(all, uids, values[3].([]any))
		case tag == "+":
			invited <- struct{}{}
		case tag == "end":
			return all
		case tag == "x" && values[1] != "OK":
			t.Fatalf("%v", values)
		}
	}
}

// pipeline sends all commands while the responses are read. Only a small literal can be
// sent without an invitation (RFC 7888, LITERAL-).
func pipeline(c io.Writer, login string, corpus []awkward.Message, items string, invited <-chan struct{}) {
	w := bufio.NewWriterSize(c, 64<<10)
	fmt.Fprintf(w, "%sx SELECT INBOX\r\n", login)
	for i, m := range corpus {
		if len(m.Text) > 4096 {
			fmt.Fprintf(w, "m%d APPEND INBOX {%d}\r\n", i, len(m.Text))
			_ = w.Flush()
			<-invited
			fmt.Fprintf(w, "%s\r\n", m.Text)
			continue
		}
		fmt.Fprintf(w, "m%d APPEND INBOX {%d+}\r\n%s\r\n", i, len(m.Text), m.Text)
	}
	fmt.Fprintf(w, "x SELECT INBOX\r\nx UID FETCH 1:* %s\r\nend LOGOUT\r\n", items)
	_ = w.Flush() // a broken connection is seen by the reader
}

func add(all fetched, uids map[string]string, list []any) {
	one := map[string]any{}
	for i := 0; i+1 < len(list); i += 2 {
		one[list[i].(string)] = list[i+1]
	}
	if _, ok := one["ENVELOPE"]; ok { // else only flags changed
		uid, _ := one["UID"].(string)
		delete(one, "UID")
		all[uids[uid]] = one
	}
}
