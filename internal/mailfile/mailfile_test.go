package mailfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mailfile"
)

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// read returns all messages below a path, and the errors about damaged ones.
func read(t rapid.TB, path, root string) (list []mailfile.Message, damaged []string) {
	t.Helper()
	sources, err := mailfile.Find(path, root)
	must(t, err)
	for _, s := range sources {
		for m, err := range s.Messages() {
			if err != nil {
				damaged = append(damaged, strings.TrimPrefix(err.Error(), path))
				continue
			}
			list = append(list, m)
		}
	}
	return list, damaged
}

func write(t rapid.TB, path, text string) string {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestMbox(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "old.mbox"), strings.Join([]string{
		"From MAILER-DAEMON Fri Jan  2 03:04:05 2026", "Subject: FOLDER INTERNAL DATA", "X-IMAP: 1 2", "", "DON'T DELETE", "",
		"From zoe@x.test Fri Jan  2 03:04:05 2026", "Status: RO", "Subject: one", "X-Status: AF", "X-Keywords: $Label1 bad(", "Content-Length: 3", "", ">From here", ">>From there", "From the middle", "", "end", "",
		"From - Fri Jan 12 03:04:05 2026 +0200", "X-Mozilla-Status: 0009", "Subject: gone", "", "x", "",
		"From ???", "X-Mozilla-Status: 0005", "Subject: three", " folded", "Date: Sat, 3 Jan 2026 00:00:00 +0000", "", "", "two empty lines before the end", "", "",
	}, "\n"))
	list, damaged := read(t, path, "")
	if len(list) != 2 || len(damaged) > 0 {
		t.Fatalf("%d messages, %v", len(list), damaged)
	}
	one, three := list[0], list[1]
	if want := "Subject: one\r\nContent-Length: 3\r\n\r\nFrom here\r\n>From there\r\nFrom the middle\r\n\r\nend\r\n"; string(one.MIME) != want {
		t.Errorf("%q, want %q", one.MIME, want)
	}
	if !slices.Equal(one.Flags, []mail.Flag{mail.Seen, mail.Answered, mail.Flagged, "$Label1"}) || one.Folder != "old" || !one.Time.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("%v in %s at %v", one.Flags, one.Folder, one.Time)
	}
	if want := "Subject: three\r\n folded\r\nDate: Sat, 3 Jan 2026 00:00:00 +0000\r\n\r\n\r\ntwo empty lines before the end\r\n"; string(three.MIME) != want {
		t.Errorf("%q, want %q", three.MIME, want)
	}
	if !slices.Equal(three.Flags, []mail.Flag{mail.Seen, mail.Flagged}) || three.Time.Day() != 3 {
		t.Errorf("%v at %v", three.Flags, three.Time)
	}
}

// TestTrees has folders as programs store them.
func TestTrees(t *testing.T) {
	dir := t.TempDir()
	const text = "Subject: x\n\ny\n"
	for _, path := range []string{"dovecot/cur/1:2,S", "dovecot/new/2", "dovecot/.Sent.2026/cur/3:2,FRa", "dovecot/.Entw&APw-rfe/cur/4", "fs/Work/cur/5:2,"} {
		write(t, filepath.Join(dir, path), text)
		for _, sub := range []string{"cur", "new"} {
			must(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(filepath.Dir(path)), sub), 0o700))
		}
	}
	write(t, filepath.Join(dir, "dovecot/.Sent.2026/dovecot-keywords"), "0 $Forwarded\n1 x\n")
	for _, path := range []string{"bird/Inbox", "bird/Inbox.sbd/Later", "bird/sent"} {
		write(t, filepath.Join(dir, path), "From - Fri Jan  2 03:04:05 2026\n"+text+"\n")
	}
	write(t, filepath.Join(dir, "bird/Inbox.msf"), "index")
	for _, c := range []struct {
		path, root string
		want       []string
	}{
		{"dovecot", "", []string{"INBOX", "INBOX \\Seen", "Sent/2026 \\Flagged \\Answered $Forwarded", "Entwürfe"}},
		{"dovecot", "Old", []string{"Old", "Old \\Seen", "Old/Sent/2026 \\Flagged \\Answered $Forwarded", "Old/Entwürfe"}},
		{"fs", "", []string{"Work"}},
		{"bird", "", []string{"INBOX", "INBOX/Later", "Sent"}},
		{"dovecot/new/2", "Here", []string{"Here"}},
	} {
		list, damaged := read(t, filepath.Join(dir, c.path), c.root)
		var got []string
		for _, m := range list {
			line := m.Folder
			for _, f := range m.Flags {
				line += " " + string(f)
			}
			got = append(got, line)
			if string(m.MIME) != "Subject: x\r\n\r\ny\r\n" {
				t.Errorf("%s: %q", c.path, m.MIME)
			}
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) || len(damaged) > 0 {
			t.Errorf("%s: %q, %v; want %q", c.path, got, damaged, c.want)
		}
	}
}

func TestDamagedMessagesAreNamed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"cur/1": "a: b\n\n", "cur/2:2,S": "", "new/3": "a: c\n\n"} {
		write(t, filepath.Join(dir, name), text)
	}
	if list, damaged := read(t, dir, ""); len(list) != 2 || len(damaged) != 1 || !strings.HasPrefix(damaged[0], "/cur/2:2,S: it is empty") {
		t.Errorf("%d messages, %q", len(list), damaged)
	}
	path := write(t, filepath.Join(t.TempDir(), "x.mbox"), "")
	if list, damaged := read(t, path, ""); len(list) != 0 || len(damaged) != 0 {
		t.Errorf("an empty file: %v, %v", list, damaged)
	}
	list := 0
	for _, err := range mailfile.ReadMbox("x", strings.NewReader("garbage\n\nFrom a\nb: c\n\nd\n")) {
		if err == nil {
			list++
		} else if !strings.Contains(err.Error(), "x, message 1: ") {
			t.Error(err)
		}
	}
	if list != 1 {
		t.Errorf("%d messages after garbage", list)
	}
}

// TestRoundTrip writes messages and reads them again: bytes, flags, dates and folders are
// the same.
func TestRoundTrip(t *testing.T) {
	lines := rapid.SampledFrom([]string{"", "From x", ">From y", ">>From z", "a: b", "Süß", " folded", "text", "From", "\x00\xff"})
	flags := rapid.SliceOfDistinct(rapid.SampledFrom([]mail.Flag{mail.Seen, mail.Answered, mail.Flagged, mail.Draft, mail.Deleted, "$Forwarded", "work", "$Label1"}), rapid.ID)
	folders := rapid.SampledFrom([]string{mail.Inbox, "Sent", "Work/a.b", "Entwürfe/&x", "日本"})
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		must(rt, err)
		var want []mailfile.Message
		var mbox bytes.Buffer
		w, err := mailfile.NewMaildirWriter(filepath.Join(dir, "tree"))
		must(rt, err)
		for i := range rapid.IntRange(1, 4).Draw(rt, "n") {
			m := mailfile.Message{Folder: folders.Draw(rt, "folder"), Flags: flags.Draw(rt, "flags"), Time: time.Unix(int64(1e9+rapid.IntRange(0, 1e8).Draw(rt, "time")), 0),
				MIME: []byte("Subject: x\r\n" + strings.Join(rapid.SliceOf(lines).Draw(rt, "lines"), "\r\n") + "\r\n")}
			want = append(want, m)
			must(rt, w.Write(m, string(rune('a'+i))))
			if known, err := w.Has(m.Folder, string(rune('a'+i)), m.Time); err != nil || !known {
				rt.Errorf("written, and not there: %v", err)
			}
			must(rt, mailfile.WriteMbox(&mbox, m))
		}
		path := write(rt, filepath.Join(dir, "m.mbox"), mbox.String())
		got, damaged := read(rt, filepath.Join(dir, "tree"), "")
		compare(rt, got, damaged, want)
		got, damaged = read(rt, path, "one")
		for i := range want {
			want[i].Folder = "one"
		}
		compare(rt, got, damaged, want)
	})
}

func compare(t *rapid.T, got []mailfile.Message, damaged []string, want []mailfile.Message) {
	key := func(m mailfile.Message) string {
		flags := slices.Clone(m.Flags)
		slices.Sort(flags)
		return m.Folder + m.Time.UTC().String() + string(m.MIME) + strings.Join(strings.Fields(strings.Trim(strings.ReplaceAll(string(joinFlags(flags)), ",", " "), " ")), " ")
	}
	var a, b []string
	for _, m := range got {
		a = append(a, key(m))
	}
	for _, m := range want {
		b = append(b, key(m))
	}
	slices.Sort(a)
	slices.Sort(b)
	if !slices.Equal(a, b) || len(damaged) > 0 {
		t.Fatalf("read %q\n%v\nwant %q", a, damaged, b)
	}
}

func joinFlags(flags []mail.Flag) (text string) {
	for _, f := range flags {
		text += "," + string(f)
	}
	return text
}

// FuzzMbox has any file be read.
func FuzzMbox(f *testing.F) {
	f.Add([]byte("From a\nb: c\n\nd\n\nFrom e\n\n>From f"))
	f.Add([]byte("From a\nX-Mozilla-Status: ffff\nStatus:\n folded\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		size := 0
		for m, err := range mailfile.ReadMbox("x", bytes.NewReader(text)) {
			if err == nil {
				size += len(m.MIME)
			}
		}
		if size > 2*len(text) {
			t.Errorf("%d bytes out of %d", size, len(text))
		}
	})
}
