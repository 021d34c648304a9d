package main

import (
	"crypto/tls"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/rogpeppe/go-internal/testscript"
)

// capture waits until a file matches and keeps the first group: capture NAME REGEXP FILE
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture name regexp file")
	}
	re := regexp.MustCompile("(?m)" + args[1])
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(ts.MkAbs(args[2]))
		if m := re.FindSubmatch(text); err == nil && m != nil {
			ts.Setenv(args[0], string(m[1]))
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s does not come to match %q: %v\n%s", args[2], args[1], err, text)
		}
	}
}

// replace edits a file; each REGEXP must match: replace FILE REGEXP NEW
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace file regexp new")
	}
	re, text := regexp.MustCompile(args[1]), ts.ReadFile(args[0])
	if !re.MatchString(text) {
		ts.Fatalf("%s does not match %q:\n%s", args[0], args[1], text)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(re.ReplaceAllLiteralString(text, args[2])), 0o600))
}

// imapLogin logs an account in by STARTTLS and opens its inbox: imap HOST:PORT USER PASSWORD-FILE.
// With a subject it waits for a message of it. With ! the password must be refused.
func imapLogin(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 && (len(args) != 4 || neg) {
		ts.Fatalf("usage: [!] imap host:port user password-file [subject]")
	}
	c, err := imapclient.DialStartTLS(args[0], &imapclient.Options{TLSConfig: &tls.Config{InsecureSkipVerify: true}}) // the server's own certificate
	ts.Check(err)
	defer c.Close()
	err = c.Login(args[1], strings.TrimSpace(ts.ReadFile(args[2]))).Wait()
	if neg {
		if err == nil {
			ts.Fatalf("%s may log in", args[1])
		}
		return
	}
	ts.Check(err)
	_, err = c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait()
	ts.Check(err)
	if len(args) == 4 {
		awaitMessage(ts, c, args[3])
	}
}

func awaitMessage(ts *testscript.TestScript, c *imapclient.Client, subject string) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		found, err := c.Search(&imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Subject", Value: subject}}}, nil).Wait()
		ts.Check(err)
		if len(found.AllSeqNums()) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("no message %q came", subject)
		}
	}
}
