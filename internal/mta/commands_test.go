package mta

import (
	"strings"
	"testing"
)

func TestEnvelope(t *testing.T) {
	for _, c := range []struct{ key, args, want string }{
		{"FROM:", "FROM:<a@b.example>", "FROM:<a@b.example> "},
		{"FROM:", "from: <a@b.example>  size=1 ", "FROM:<a@b.example> size=1"},
		{"FROM:", "From:a@b.example BODY=8BITMIME SMTPUTF8", "FROM:<a@b.example> BODY=8BITMIME SMTPUTF8"},
		{"FROM:", "FROM:<>", "FROM:<> "},
		{"FROM:", "FROM:< a@b.example >", "FROM:<a@b.example> "},
		{"FROM:", "FROM:<ann>", "FROM:<ann> "}, // refused: whose domain would it be?
		{"FROM:", "FROM:<> SIZE=4294967295", "FROM:<> SIZE=4294967295"},
		{"FROM:", "FROM:<> SIZE=4294967296", "FROM:<> SIZE=4294967295"},
		{"FROM:", "FROM:<> SIZE=99999999999999999999", "FROM:<> SIZE=4294967295"},
		{"FROM:", "FROM:<> SIZE=-1", "FROM:<> SIZE=-1"},
		{"FROM:", "FROM:", "FROM:"},
		{"FROM:", "TO:<a@b.example>", "TO:<a@b.example>"},
		{"TO:", "TO:<postmaster>", "TO:<postmaster@space.example> "},
		{"TO:", "TO:postmaster", "TO:<postmaster@space.example> "},
		{"TO:", `TO:<"a b">`, `TO:<"a b"@space.example> `},
		{"TO:", `TO:<"a@>\" b"@x.example> NOTIFY=NEVER`, `TO:<"a@>\" b"@x.example> NOTIFY=NEVER`},
		{"TO:", `TO:"a b"@x.example`, `TO:<"a b"@x.example> `},
		{"TO:", "TO:<@x.example,@y.example:a@b.example>", "TO:<@x.example,@y.example:a@b.example> "},
		{"TO:", "TO:<>", "TO:<> "},
		{"TO:", "TO:>", "TO:>"},
		{"TO:", "TO:<a@b.example", "TO:<a@b.example"},
		{"TO:", `TO:<"a@b.example>`, `TO:<"a@b.example>`},
	} {
		domain := ""
		if c.key == "TO:" {
			domain = "space.example"
		}
		if got := envelope(c.key, c.args, domain); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.args, got, c.want)
		}
	}
}

// FuzzCommand: a command remains one command, and a rewritten one is not changed again.
func FuzzCommand(f *testing.F) {
	for _, line := range []string{
		"MAIL FROM: <a@b.example> SIZE=99999999999", "RCPT TO:<postmaster>", `RCPT TO:<"a\" b"@c>`, "BDAT 10 LAST",
		"bdat  10", "DATA ", "EHLO x", "MAIL FROM:<a\rb@c>", "ſTARTTLS", "",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		line, _, _ = strings.Cut(line, "\n")
		line = strings.Trim(line, " \t\r")
		var first, second commandConn
		first.domain, second.domain = "space.example", "space.example"
		if err := first.rewrite(line); err != nil {
			t.Fatal(err)
		}
		if err := second.rewrite(strings.Trim(first.command, " \t\r\n")); err != nil {
			t.Fatal(err)
		}
		if strings.Count(first.command, "\n") != 1 || !strings.HasSuffix(first.command, "\r\n") {
			t.Errorf("%q becomes %q", line, first.command)
		}
		if first.command != second.command || first.chunk != second.chunk || first.data != second.data {
			t.Errorf("%q becomes %q, then %q", line, first.command, second.command)
		}
	})
}
