package mta

import (
	"bufio"
	"io"
)

// crlfReader converts lone CR and LF to CRLF, so that no server parses an outbound
// message differently (see strictLines).
type crlfReader struct {
	r       *bufio.Reader
	pending byte // the next byte; 0 for none
}

func (l *crlfReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c, err := l.next()
		if err != nil {
			return n, err
		}
		p[n] = c
		n++
	}
	return n, nil
}

func (l *crlfReader) next() (byte, error) {
	if c := l.pending; c != 0 {
		l.pending = 0
		return c, nil
	}
	c, err := l.r.ReadByte()
	if err != nil || c != '\r' && c != '\n' {
		return c, err
	}
	if c == '\r' {
		if following, err := l.r.ReadByte(); err == nil && following != '\n' {
			_ = l.r.UnreadByte() // never fails after ReadByte
		} else if err != nil && err != io.EOF {
			return 0, err
		}
	}
	l.pending = '\n'
	return '\r', nil
}
