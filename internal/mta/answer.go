package mta

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
	"unicode"

	"github.com/emersion/go-smtp"
)

// answer is what became of one try to reach a recipient.
type answer struct {
	text   string // one line, of the other server if there is a host
	status string // RFC 3463; its first digit says it all: 2 delivered, 4 try again, 5 never
	host   string // that gave the answer; "" if none did
}

func (a answer) delivered() bool { return strings.HasPrefix(a.status, "2") }
func (a answer) permanent() bool { return strings.HasPrefix(a.status, "5") }

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

// answerOf tells what an error means. What a server says counts; all else passes.
func answerOf(err error, host string) answer {
	var said *smtp.SMTPError
	var f *failure
	switch {
	case err == nil:
		return answer{}
	case errors.As(err, &f):
		return answer{text: oneLine(err.Error()), status: f.status}
	case errors.As(err, &said) && (said.Code/100 == 4 || said.Code/100 == 5):
		return answer{text: oneLine(fmt.Sprintf("%d %s %s", said.Code, statusOf(said), said.Message)), status: statusOf(said), host: host}
	}
	return answer{text: oneLine(err.Error()), status: "4.4.2"}
}

// statusOf returns the enhanced code if it agrees with the code (RFC 2034, 4).
func statusOf(e *smtp.SMTPError) string {
	c := e.EnhancedCode
	if c[0] == e.Code/100 && c[1] >= 0 && c[1] < 1000 && c[2] >= 0 && c[2] < 1000 {
		return fmt.Sprintf("%d.%d.%d", c[0], c[1], c[2])
	}
	return fmt.Sprintf("%d.0.0", e.Code/100)
}

// passing makes an error one after which another host is tried, or the same later:
// before it knows of a message, a server that refuses says nothing about it.
func passing(err error) error {
	var said *smtp.SMTPError
	var raw *textproto.Error
	if errors.As(err, &said) {
		return failuref("4.3.2", "the server is not willing: %d %s", said.Code, said.Message)
	}
	if errors.As(err, &raw) {
		return failuref("4.3.2", "the server is not willing: %d %s", raw.Code, raw.Msg)
	}
	return err
}

// oneLine makes a stranger's text fit for a log, a header field and a database.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(s), " "), 500)
}

// cut shortens s to at most n bytes, between characters.
func cut(s string, n int) string {
	for i := range s {
		if i > n {
			return s[:max(0, strings.LastIndexFunc(s[:i], func(rune) bool { return true }))]
		}
	}
	return s
}
