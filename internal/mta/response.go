package mta

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode"

	"github.com/emersion/go-smtp"
)

// response is the outcome of one attempt to reach a recipient.
type response struct {
	text   string // one line; the remote server's if host is set
	status string // RFC 3463: class 2 delivered, 4 transient, 5 permanent
	host   string // the server that responded; "" if none did
}

func (a response) delivered() bool { return strings.HasPrefix(a.status, "2") }
func (a response) permanent() bool { return strings.HasPrefix(a.status, "5") }

// failure is an error with a status.
type failure struct {
	status string
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func failuref(status, format string, args ...any) error {
	return &failure{status, fmt.Errorf(format, args...)}
}

// responseOf maps an error to a response. Only a remote server's reply can be permanent.
func responseOf(err error, host string) response {
	var smtpErr *smtp.SMTPError
	var f *failure
	switch {
	case err == nil:
		return response{}
	case errors.As(err, &f):
		return response{text: oneLine(err.Error()), status: f.status}
	case errors.As(err, &smtpErr) && (smtpErr.Code/100 == 4 || smtpErr.Code/100 == 5):
		return response{text: oneLine(fmt.Sprintf("%d %s %s", smtpErr.Code, statusOf(smtpErr), smtpErr.Message)), status: statusOf(smtpErr), host: host}
	}
	return response{text: oneLine(err.Error()), status: "4.4.2"}
}

// statusOf returns the enhanced code if it agrees with the code (RFC 2034, 4).
func statusOf(e *smtp.SMTPError) string {
	c := e.EnhancedCode
	if c[0] == e.Code/100 && c[1] >= 0 && c[1] < 1000 && c[2] >= 0 && c[2] < 1000 {
		return fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return fmt.Sprintf("%d.0.0", e.Code/100)
}

// temporary makes an error transient: before MAIL, a server that refuses says nothing
// about the message, so another host or a later attempt may work.
func temporary(err error) error {
	var smtpErr *smtp.SMTPError
	var raw *textproto.Error
	if errors.As(err, &smtpErr) {
		return failuref("4.3.2", "the server refused the session: %d %s", smtpErr.Code, smtpErr.Message)
	}
	if errors.As(err, &raw) {
		return failuref("4.3.2", "the server refused the session: %d %s", raw.Code, raw.Msg)
	}
	return err
}

// oneLine sanitizes untrusted text for a log, a header field and a database.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(s), " "), 500)
}

// cut truncates s to at most n bytes, between characters.
func cut(s string, n int) string {
	for i := range s {
		if i > n {
			return s[:max(0, strings.LastIndexFunc(s[:i], func(rune) bool { return true }))]
		}
	}
	return s
}
