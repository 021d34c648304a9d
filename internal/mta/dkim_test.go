package mta_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// sentBy returns a message as it leaves the space, signed.
func sentBy(t *testing.T, names *dns, text string) (sent string) {
	t.Helper()
	all := signatures(t, names)
	synctest.Test(t, func(t *testing.T) {
		r := newRemote()
		p := newOutbox(t, r, all...)
		p.addText(text, "ann@space.example", "eve@else.example")
		p.run(time.Second)
		sent = r.mails()[0].text
	})
	return sent
}

// TestListKeepsSignature: what a mailing list adds to a message leaves its signatures
// good, to two implementations of DKIM; a second field of those that must be unique does
// not.
func TestListKeepsSignature(t *testing.T) {
	names := &dns{txt: map[string][]string{}}
	const text = "From: ann@space.example\nTo: list@else.example\nSubject: hi\nDate: Mon, 01 Jan 2024 00:00:00 +0000\nMessage-ID: <1@space.example>\n\nHello\n"
	sent := sentBy(t, names, text)
	head, body, _ := strings.Cut(sent, "\r\n\r\n")
	var messages []string
	var fields []string
	good := map[string]bool{
		"": true, "Sender: list-owner@else.example": true, "Reply-To: list@else.example": true, "Cc: bob@else.example": true,
		"In-Reply-To: <0@else.example>": true, "References: <0@else.example>": true, "MIME-Version: 1.0": true,
		"List-Id: <list.else.example>\r\nList-Unsubscribe: <mailto:x@else.example>\r\nPrecedence: list": true,
		"From: eve@else.example": false, "To: bob@else.example": false, "Subject: pay": false, "Message-ID: <2@else.example>": false,
	}
	for field := range good {
		added := "\r\n" + field
		if field == "" {
			added = ""
		}
		fields, messages = append(fields, field), append(messages, head+added+"\r\n\r\n"+body)
	}
	other := dkimpy(t, names, messages)
	for i, field := range fields {
		found, err := dkim.VerifyWithOptions(strings.NewReader(messages[i]), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) { return names.txt[name], nil }})
		if err != nil || len(found) != 2 {
			t.Fatalf("%d signatures, %v", len(found), err)
		}
		for _, v := range found {
			if good[field] != (v.Err == nil) {
				t.Errorf("with %q: %v", field, v.Err)
			}
		}
		if other[i] != good[field] {
			t.Errorf("with %q dkimpy says %v", field, other[i])
		}
	}
}

// dkimpy verifies the RSA signature, the second, of messages with dkimpy (Debian's
// python3-dkim).
func dkimpy(t *testing.T, names *dns, messages []string) (good []bool) {
	t.Helper()
	in, err := json.Marshal([]any{names.txt, messages})
	if err != nil {
		t.Fatal(err)
	}
	const program = `
import dkim, json, sys
records, messages = json.load(sys.stdin)
txt = lambda name, timeout=5: records[name.decode().rstrip(".")][0].encode()
def check(m):
    try: return dkim.DKIM(m.encode()).verify(idx=1, dnsfunc=txt)
    except dkim.DKIMException: return False
print(json.dumps([bool(check(m)) for m in messages]))`
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", program)
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &good)
	}
	if err != nil || len(good) != len(messages) {
		t.Fatalf("dkimpy: %v: %s", err, &stderr)
	}
	return good
}
