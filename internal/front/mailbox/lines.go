package mailbox

import (
	"io"

	"github.com/mootspace/moot"
)

var (
	errBareLine  = moot.Errorf(moot.Invalid, "a line ends with CR or LF alone: lines of mail end with both (RFC 5321, 2.3.8)")
	errNoEnd     = moot.Errorf(moot.Invalid, "the message ends within a line: end it with CR LF")
	errTruncated = moot.Errorf(moot.Unavailable, "the message was cut short: send it again")
)

// strictLines reads a message and fails at a line that does not end with CR LF: servers
// disagree on the end of such a line, and so on the end of a message (SMTP smuggling).
type strictLines struct {
	r      io.Reader
	single bool        // r blocks until the buffer is full: read single bytes, to fail at once
	broken func() bool // reports a broken connection; nil: r fails then

	cr, middle bool // after a CR; within a line
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

// check validates bytes, and sets the error that reading ends with.
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
		s.err = errTruncated
	case err == io.EOF && s.middle:
		s.err = errNoEnd
	default:
		s.err = err
	}
}
