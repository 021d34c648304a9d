package mta_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mta"
)

func openQueue(t *testing.T, folder string, limit mta.QueueLimits) *mta.Queue {
	t.Helper()
	q, err := mta.OpenQueue(context.Background(), folder, limit)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

const text = "From: ann@space.example\r\nSubject: hi\r\n\r\nHello\r\n"

func TestAddRefuses(t *testing.T) {
	folder := t.TempDir()
	q := openQueue(t, folder, mta.QueueLimits{Message: 1000, Messages: 2, Recipients: 2})
	eve := []string{"eve@else.example"}
	for name, c := range map[string]struct {
		e    mta.Envelope
		text string
		kind moot.ErrorKind
	}{
		"nobody":           {mta.Envelope{}, text, moot.Invalid},
		"too many":         {mta.Envelope{To: []string{"a@b.example", "b@b.example", "c@b.example"}}, text, moot.Invalid},
		"no address":       {mta.Envelope{To: []string{"eve"}}, text, moot.Invalid},
		"no domain":        {mta.Envelope{To: []string{"eve@"}}, text, moot.Invalid},
		"no local part":    {mta.Envelope{To: []string{"@b.example"}}, text, moot.Invalid},
		"a command":        {mta.Envelope{To: []string{"a@b.example>\r\nDATA\r\n"}}, text, moot.Invalid},
		"a parameter":      {mta.Envelope{To: []string{"a@b.example> NOTIFY=NEVER"}}, text, moot.Invalid},
		"a host":           {mta.Envelope{To: []string{"a@[127.0.0.1]"}}, text, moot.Invalid},
		"unbalanced quote": {mta.Envelope{To: []string{`"a@b.example`}}, text, moot.Invalid},
		"strange sender":   {mta.Envelope{From: "x", To: eve}, text, moot.Invalid},
		"no From":          {mta.Envelope{To: eve}, "Subject: x\r\n\r\nx\r\n", moot.Invalid},
		"no header":        {mta.Envelope{To: eve}, "Hello\r\n", moot.Invalid},
		"too large":        {mta.Envelope{To: eve}, text + strings.Repeat("x", 1000), moot.TooLarge},
		"large header":     {mta.Envelope{To: eve}, "From: a@b.example\r\nX: " + strings.Repeat("x", 200_000), moot.TooLarge},
	} {
		if err := q.Add(t.Context(), c.e, reader(c.text)); moot.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n, kind := range []moot.ErrorKind{"", "", moot.Full} {
		if err := q.Add(t.Context(), mta.Envelope{To: eve}, reader(text)); moot.KindOf(err) != kind {
			t.Errorf("message %d: %v", n+1, err)
		}
	}
	if files := emls(t, folder); len(files) != 2 {
		t.Errorf("files of what was refused are left: %v", files)
	}
}

func emls(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestQuoting: a local part has one meaning for every server.
func TestQuoting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		p := newOutbox(t, r)
		p.add("ann@space.example", "a> NOTIFY=NEVER <b@else.example", `"c d"@else.example`, `a"b\@else.example`)
		p.run(time.Second)
		if got := r.mails(); len(got) != 1 || fmt.Sprintf("%q", got[0].to) != `["a> NOTIFY=NEVER <b@else.example" "a\"b\\@else.example" "c d@else.example"]` {
			t.Errorf("%+v", got)
		}
	})
}

func TestOneProcess(t *testing.T) {
	folder := t.TempDir()
	q := openQueue(t, folder, mta.QueueLimits{})
	if _, err := mta.OpenQueue(t.Context(), folder, mta.QueueLimits{}); moot.KindOf(err) != moot.Unavailable {
		t.Errorf("opened twice: %v", err)
	}
	q.Close()
	openQueue(t, folder, mta.QueueLimits{})
}

func TestRemoveOrphans(t *testing.T) {
	folder := t.TempDir()
	q := openQueue(t, folder, mta.QueueLimits{})
	if err := q.Add(t.Context(), mta.Envelope{To: []string{"a@b.example"}}, reader(text)); err != nil {
		t.Fatal(err)
	}
	q.Close()
	for _, name := range []string{"new-123.eml", "77.eml", "other.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openQueue(t, folder, mta.QueueLimits{})
	if files := emls(t, folder); len(files) != 1 || filepath.Base(files[0]) != "1.eml" {
		t.Errorf("%v", files)
	}
	if _, err := os.Stat(filepath.Join(folder, "other.txt")); err != nil {
		t.Error("a foreign file was removed")
	}
}

// TestReopen: after a restart, delivered messages are not sent again, others are.
func TestReopen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		r := newRemote()
		down := true
		r.rcpt = func(to string) error {
			if down && to == "later@else.example" {
				return smtpError(450, 4, 2, "busy")
			}
			return nil
		}
		p := newOutbox(t, r)
		p.Queue.Close()
		p.Queue = openQueue(t, folder, mta.QueueLimits{})
		p.add("ann@space.example", "now@else.example", "later@else.example")
		p.run(time.Second)
		p.Queue.Close()
		down = false
		p.Queue = openQueue(t, folder, mta.QueueLimits{})
		p.run(time.Second)
		if got := r.mails(); len(got) != 1 {
			t.Errorf("did not wait: %+v", got)
		}
		p.run(2 * time.Minute)
		got := r.mails()
		if len(got) != 2 || fmt.Sprint(got[0].to, got[1].to) != "[now@else.example] [later@else.example]" || p.pending() != 0 {
			t.Errorf("%+v, %d queued", got, p.pending())
		}
		if files := emls(t, folder); len(files) != 0 {
			t.Errorf("left: %v", files)
		}
		p.Queue.Close()
	})
}

// TestKill adds messages in a process that is killed meanwhile. Every message that was
// acknowledged is queued, complete, and no other file is left.
func TestKill(t *testing.T) {
	if folder := os.Getenv("MTA_TEST_QUEUE"); folder != "" {
		addForEver(t, folder)
		return
	}
	folder := t.TempDir()
	child := exec.Command(os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), "MTA_TEST_QUEUE="+folder)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	added := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() != "added" {
			t.Fatalf("the child printed %q", lines.Text())
		}
		if added++; added == 25 {
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()
	q := openQueue(t, folder, mta.QueueLimits{})
	n, _, err := q.Pending(t.Context())
	if err != nil || n < 25 {
		t.Fatalf("%d of 25 messages are there: %v", n, err)
	}
	files := emls(t, folder)
	if len(files) != n {
		t.Errorf("%d messages, %d files", n, len(files))
	}
	for _, f := range files {
		if got, err := os.ReadFile(f); err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", f, got, err)
		}
	}
}

func addForEver(t *testing.T, folder string) {
	q := openQueue(t, folder, mta.QueueLimits{})
	for range 10_000 {
		if err := q.Add(context.Background(), mta.Envelope{To: []string{"a@b.example"}}, reader(text)); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("added")
	}
}
