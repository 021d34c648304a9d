package mailbox

import (
	"io"

	"github.com/mootspace/moot"
)

var (
	errBareLine = moot.Errorf(moot.Invalid, "a line ends with CR or LF alone: lines of mail end with both (RFC 5321, 2.3.8)")
	errNoEnd    = moot.Errorf(moot.Invalid, "the message ends within a line: end it with CR LF")
	errCutShort = moot.Errorf(moot.Unavailable, "the message was cut short: send it again")
)

// strictLines passes a message on whose lines all end with CR LF, and fails at one
// that does not: servers disagree on what such a line ends, and so on where a message
// does (SMTP smuggling).
type strictLines struct {
	r      io.Reader
	broken func() bool // reports that the connection is; nil: r fails itself then

	cr, middle bool // the last byte was a CR; a line is not at its end
	err        error
}

func (s *strictLines) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	for _, b := range p[:n] {
		if s.cr != (b == '\n') {
			s.err = errBareLine
			return 0, s.err
		}
		s.cr = b == '\r'
		s.middle = b != '\n'
	}
	switch {
	case err == io.EOF && s.broken != nil && s.broken():
		s.err = errCutShort
		return n, s.err
	case err == io.EOF && s.middle:
		s.err = errNoEnd
		return n, s.err
	case err != nil && err != io.EOF:
		s.err = err
	}
	return n, err
}
