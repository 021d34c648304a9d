// Package mailfile reads and writes mail as other programs store it: mbox files
// (RFC 4155, in the form mboxrd) and Maildirs, alone or in the trees that Dovecot
// (Maildir++), Thunderbird and mutt make of them.
//
// It must not know accounts, sealing or how messages are stored.
package mailfile

import (
	"bytes"
	"time"

	"github.com/mootspace/moot/internal/mail"
)

// Message is a message in a file.
type Message struct {
	Folder string      // a path with slashes
	Flags  []mail.Flag // in no particular order
	Time   time.Time   // of its arrival; zero: not known
	MIME   []byte      // its lines end with CRLF
}

// MaxMessage is the size in bytes of the largest message that is read.
const MaxMessage = 128 << 20

// Damaged is an error about one message; the others can be read all the same.
type Damaged struct {
	Where string // the file, and which message in it
	Err   error
}

// Error implements error.
func (d Damaged) Error() string { return d.Where + ": " + d.Err.Error() }

// Unwrap returns why the message cannot be read.
func (d Damaged) Unwrap() error { return d.Err }

// crlf ends lines that end with LF alone as messages want it.
func crlf(text []byte) []byte {
	bare := bytes.Count(text, []byte("\n")) - bytes.Count(text, []byte("\r\n"))
	if bare == 0 {
		return text
	}
	out := make([]byte, 0, len(text)+bare)
	for line := range bytes.Lines(text) {
		if body, ok := bytes.CutSuffix(line, []byte("\n")); ok {
			out = append(append(out, bytes.TrimSuffix(body, []byte("\r"))...), "\r\n"...)
			continue
		}
		out = append(out, line...)
	}
	return out
}

// lf is how files hold lines.
func lf(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")) }
