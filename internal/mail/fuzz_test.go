package mail

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

func FuzzSummarize(f *testing.F) {
	f.Add([]byte("From: a@b\r\nTo: c@d\r\nSubject: =?utf-8?q?=C3=BC?=\r\n\r\nhello"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: attachment; filename=\"../a\"\r\n\r\nb\r\n--x--"))
	f.Add([]byte("Content-Type: text/html\r\n\r\n<p>a<script>b"))
	f.Fuzz(func(t *testing.T, mime []byte) {
		d, err := summarize(bytes.NewReader(mime))
		if err != nil || d.Size != int64(len(mime)) {
			t.Fatalf("%d of %d bytes, %v", d.Size, len(mime), err)
		}
		for _, s := range []string{d.Subject, d.From, d.Text} {
			if !utf8.ValidString(s) {
				t.Errorf("not UTF-8: %q", s)
			}
		}
		if strings.ContainsAny(d.Subject+d.From, "\r\n") || len(d.Text) > maxShown || len(d.words) > maxText {
			t.Errorf("%+v", d.Summary)
		}
		for _, a := range d.Attachments {
			if a.Name == "" || strings.ContainsAny(a.Name, "/\\\x00\n") || a.Name[0] == '.' {
				t.Errorf("attachment %q", a.Name)
			}
		}
		_ = Extract(bytes.NewReader(mime), func(_ Attachment, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
	})
}

func FuzzEnvelope(f *testing.F) {
	body, _ := encode(announcement{To: []moot.MemberID{{1}}, Size: 5})
	f.Add(strings.Repeat("ab", 32), body)
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		env, err := parseEnvelope(moot.Entry{Key: key, Body: body, Author: moot.Key{9}}, moot.MemberID{8})
		if err != nil && moot.KindOf(err) != moot.Invalid {
			t.Errorf("%v", err)
		}
		if err == nil && (env.Size <= 0 || len(env.To) > MaxRecipients) {
			t.Errorf("%+v", env)
		}
		_, _, _ = parseFilingKey(key)
		_, _, _ = parseReceiptKey(key)
		var r receipt
		var n filing
		_, _ = decode(body, &r), decode(body, &n)
	})
}

// FuzzFilings joins what two devices of a member, one stolen perhaps, have filed.
func FuzzFilings(f *testing.F) {
	one, _ := encode(filing{Locations: []location{{Inbox, []Flag{Seen}}, {"Work", nil}}, At: 1})
	two, _ := encode(filing{Locations: []location{{Inbox, []Flag{Flagged, Deleted}}}})
	f.Add(one, two)
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var a, b filing
		if decode(one, &a) != nil || decode(two, &b) != nil {
			return
		}
		before := len(a.Locations)
		out := joinFilings([]filing{a, b})
		if len(out.Locations) != before {
			t.Errorf("%d locations; want the newest's %d", len(out.Locations), before)
		}
		for i, l := range out.Locations {
			for _, flag := range a.Locations[i].Flags {
				if !slices.Contains(l.Flags, flag) {
					t.Errorf("%q has lost %q", l.Folder, flag)
				}
			}
			if slices.Contains(l.Flags, Deleted) && !slices.Contains(a.Locations[i].Flags, Deleted) {
				t.Errorf("%q is to be removed", l.Folder)
			}
		}
	})
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"bob", "bob@example.org", "Bob <bob@moot.alt>", "#general", "<", "a@", "@b", "a\r\nb@c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		local, domain, err := splitAddress(s)
		if err == nil && (local == "" || strings.ContainsAny(local+domain, "\r\n\x00")) {
			t.Errorf("%q is %q at %q", s, local, domain)
		}
		if p := LocalPart(s); p == "" || strings.ContainsAny(p, "@ \r\n<>,") || strings.Contains(p, "..") {
			t.Errorf("local part of %q: %q", s, p)
		}
	})
}

func FuzzRelayField(f *testing.F) {
	f.Add([]byte("Moot-Relay: <a@b>, <c@d>\r\nFrom: x\r\n\r\n"))
	f.Add([]byte("Moot-Relay: \r\n"))
	f.Fuzz(func(t *testing.T, mime []byte) {
		to, rest, err := splitRelay(bytes.NewReader(mime))
		if err != nil || len(to) > 0 {
			return
		}
		if all, err := io.ReadAll(rest); err != nil || !bytes.Equal(all, mime) {
			t.Errorf("%d of %d bytes are left, %v", len(all), len(mime), err)
		}
	})
}

// FuzzAlias: what is read as an alias makes sense.
func FuzzAlias(f *testing.F) {
	body, err := cbor.Marshal(wireAlias{"sales", []moot.MemberID{{1}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("mail/sales", body)
	f.Add("mail/*", body)
	f.Fuzz(func(t *testing.T, key string, body []byte) {
		a, err := decodeAlias(&moot.Entry{Kind: moot.KindRule, Key: key, Body: body, BodySize: len(body)})
		if err == nil && len(body) > 0 && (a.Check() != nil || aliasPrefix+a.form() != key) {
			t.Errorf("%q is %+v", key, a)
		}
	})
}
