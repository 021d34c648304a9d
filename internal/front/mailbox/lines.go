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
	single bool        // r waits until it can fill what it is given: ask it for single bytes, to find such a line at once
	broken func() bool // reports that the connection is; nil: r fails itself then

	cr, middle bool // the last byte was a CR; a line is not at its end
	err        error
}

func (s *strictLines) Read(p []byte) (n int, err error) {
	for s.err == nil && n < len(p) {
		piece := p[n:]
		if s.single {
			piece = piece[:1]
		}
		m, err := s.r.Read(piece)
		n += m
		s.check(piece[:m], err)
		if !s.single {
			break
		}
	}
	return n, s.err
}

// check looks at what was read, and notes how reading ends.
func (s *strictLines) check(read []byte, err error) {
	for _, b := range read {
		if s.cr != (b == '\n') {
			s.err = errBareLine
			return
		}
		s.cr = b == '\r'
		s.middle = b != '\n'
	}
	switch {
	case err == io.EOF && s.broken != nil && s.broken():
		s.err = errCutShort
	case err == io.EOF && s.middle:
		s.err = errNoEnd
	default:
		s.err = err
	}
}
