package mta_test

import (
	"bufio"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-message"
	"github.com/emersion/go-message/textproto"
)

// notification is a delivery status notification, read back.
type notification struct {
	header          message.Header
	words, original string
	fields          map[string]string // of the message and the first recipient
	statusKind      string
	recipients      int
}

// report reads a notification as a mail program would.
func report(t *testing.T, b bounced) (n notification) {
	t.Helper()
	e, err := message.Read(strings.NewReader(b.text))
	if err != nil {
		t.Fatalf("%v:\n%s", err, b.text)
	}
	n.header, n.fields = e.Header, map[string]string{}
	kind, params, err := e.Header.ContentType()
	if err != nil || kind != "multipart/report" || params["report-type"] != "delivery-status" {
		t.Fatalf("Content-Type %s %v %v", kind, params, err)
	}
	parts := e.MultipartReader()
	var texts, kinds []string
	for {
		p, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(p.Body)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := p.Header.ContentType()
		texts, kinds = append(texts, string(text)), append(kinds, kind)
	}
	if len(texts) != 3 {
		t.Fatalf("%d parts:\n%s", len(texts), b.text)
	}
	n.words, n.original, n.statusKind = texts[0], texts[2], kinds[1]
	r := bufio.NewReader(strings.NewReader(texts[1]))
	for {
		h, err := textproto.ReadHeader(r)
		if h.Len() == 0 {
			break
		}
		if n.recipients++; n.recipients <= 2 {
			for f := h.Fields(); f.Next(); {
				n.fields[f.Key()] = f.Value()
			}
		}
		if err != nil {
			break
		}
	}
	n.recipients-- // the first group is about the message
	return n
}

func TestNotification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		r.rcpt = func(string) error {
			return smtpError(550, 5, 1, "no such <user>\x00X-Evil: 1 "+strings.Repeat("é", 400))
		}
		p := newOutbox(t, r)
		p.addText("From: ann@space.example\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nMessage-ID: <1@space.example>\n\nsecret body\n",
			"ann@space.example", "eve@else.example", "\"a b\"@else.example")
		p.run(time.Second)
		if len(p.bounces) != 1 {
			t.Fatalf("%d notifications", len(p.bounces))
		}
		b := p.bounces[0]
		n := report(t, b)
		if b.to != "ann@space.example" || n.header.Get("To") != "<ann@space.example>" ||
			n.header.Get("From") != "Mail Delivery System <mailer-daemon@mx.space.example>" ||
			n.header.Get("Auto-Submitted") != "auto-replied" || n.header.Get("References") != "<1@space.example>" {
			t.Errorf("header %v", n.header.Map())
		}
		if s, _ := n.header.Text("Subject"); s != "Undelivered mail: Grüße" {
			t.Errorf("Subject %q", s)
		}
		if n.recipients != 2 || n.fields["Reporting-Mta"] != "dns; mx.space.example" || n.fields["Remote-Mta"] != "dns; mx.else.example" {
			t.Errorf("%d recipients, %v", n.recipients, n.fields)
		}
		if d := n.fields["Diagnostic-Code"]; !strings.HasPrefix(d, "smtp; 550 5.1.1 no such <user> X-Evil: 1 ???") || len(d) > 600 {
			t.Errorf("Diagnostic-Code %q", d)
		}
		if !strings.Contains(n.words, "eve@else.example\r\n    mx.else.example said: 550 5.1.1 no such") || !strings.Contains(n.words, `"a b"@else.example`) {
			t.Errorf("words:\n%s", n.words)
		}
		if !strings.Contains(n.original, "Message-ID: <1@space.example>") || strings.Contains(b.text, "secret body") {
			t.Errorf("original:\n%s", n.original)
		}
		for _, line := range strings.SplitAfter(b.text, "\n") {
			if line != "" && !strings.HasSuffix(line, "\r\n") || len(line) > 1000 {
				t.Errorf("line %q", line)
			}
		}
	})
}
