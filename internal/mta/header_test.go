package mta

import (
	"bytes"
	"strings"
	"testing"

	"github.com/emersion/go-message/textproto"
)

// TestBrokenHeader: what other mail servers take as the end of a header. Every byte stays
// in the message.
func TestBrokenHeader(t *testing.T) {
	for name, c := range map[string]struct{ message, header, body string }{
		"as it should be":     {"A: b\r\n\r\nbody\r\n", "A: b\r\n\r\n", "body\r\n"},
		"HTML at once":        {"A: b\r\n<html>\r\nX: y\r\n", "A: b\r\n\r\n", "<html>\r\nX: y\r\n"},
		"line without colon":  {"A: b\r\nno field here\r\nX: y\r\n\r\nbody\r\n", "A: b\r\n\r\n", "no field here\r\nX: y\r\n\r\nbody\r\n"},
		"name with a space":   {"A: b\r\nX Y: z\r\n\r\nbody\r\n", "A: b\r\n\r\n", "X Y: z\r\n\r\nbody\r\n"},
		"no name":             {"A: b\r\n: z\r\n\r\nbody\r\n", "A: b\r\n\r\n", ": z\r\n\r\nbody\r\n"},
		"name in 8 bits":      {"A: b\r\nX\xe4: z\r\n\r\nbody\r\n", "A: b\r\n\r\n", "X\xe4: z\r\n\r\nbody\r\n"},
		"space before colon":  {"A: b\r\nSubject : z\r\n\r\nbody\r\n", "A: b\r\nSubject : z\r\n\r\n", "body\r\n"},
		"folded first":        {" A: b\r\nX: y\r\n\r\nbody\r\n", "\r\n", " A: b\r\nX: y\r\n\r\nbody\r\n"},
		"folded":              {"A: b\r\n\tc\r\n \r\nX: y\r\n\r\nbody\r\n", "A: b\r\n\tc\r\n \r\nX: y\r\n\r\n", "body\r\n"},
		"all body":            {"no header\r\n", "\r\n", "no header\r\n"},
		"no body":             {"A: b\r\n", "A: b\r\n\r\n", ""},
		"mailbox file":        {"From a@b.example Mon Jan  1 00:00:00 2024\r\nA: b\r\n\r\nbody\r\n", "X-Mailbox-Line: From a@b.example Mon Jan 1 00:00:00 2024\r\nA: b\r\n\r\n", "body\r\n"},
		"quoted mailbox file": {">From a@b.example\r\nA: b\r\n\r\nbody\r\n", "X-Mailbox-Line: >From a@b.example\r\nA: b\r\n\r\n", "body\r\n"},
		"nothing":             {"", "\r\n", ""},
	} {
		h, at, err := parseHeader([]byte(c.message))
		var out bytes.Buffer
		if err == nil {
			err = textproto.WriteHeader(&out, h)
		}
		if err != nil || out.String() != c.header || c.message[at:] != c.body {
			t.Errorf("%s: header %q, body %q, %v", name, out.String(), c.message[at:], err)
		}
	}
	if _, _, err := parseHeader([]byte(strings.Repeat("A: b\r\n", chunk/6) + "A: b")); err == nil {
		t.Error("an endless header is taken")
	}
}
