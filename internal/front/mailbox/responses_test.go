package mailbox

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// responses reads IMAP responses as the protocol's values, without a client library's
// view of them: nil for NIL, a string, or a list.
type responses struct{ r *bufio.Reader }

// next returns the values of a response line, with its literals.
func (r responses) next() (values []any, err error) {
	for {
		v, err := r.value()
		switch {
		case errors.Is(err, errLineEnd):
			return values, nil
		case err != nil:
			return values, err
		}
		values = append(values, v)
	}
}

var errLineEnd, errListEnd = errors.New("line end"), errors.New("list end")

func (r responses) value() (any, error) {
	c, err := r.r.ReadByte()
	if err != nil {
		return nil, err
	}
	switch c {
	case ' ', '\r':
		return r.value()
	case '\n':
		return nil, errLineEnd
	case ')':
		return nil, errListEnd
	case '(':
		list := []any{}
		for {
			v, err := r.value()
			if errors.Is(err, errListEnd) {
				return list, nil
			}
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
	case '"':
		return r.quoted()
	case '{':
		size, err := r.r.ReadString('\n')
		if err != nil {
			return nil, err
		}
		n, err := strconv.Atoi(strings.TrimRight(size, "+}\r\n"))
		if err != nil {
			return nil, err
		}
		b := make([]byte, n)
		_, err = io.ReadFull(r.r, b)
		return string(b), err
	}
	return r.atom(c)
}

func (r responses) quoted() (any, error) {
	var b strings.Builder
	for {
		c, err := r.r.ReadByte()
		if err != nil || c == '"' {
			return b.String(), err
		}
		if c == '\\' {
			if c, err = r.r.ReadByte(); err != nil {
				return nil, err
			}
		}
		b.WriteByte(c)
	}
}

// atom reads up to a space or parenthesis that is not within brackets.
func (r responses) atom(c byte) (any, error) {
	var b strings.Builder
	for within := false; ; {
		b.WriteByte(c)
		within = c == '[' || within && c != ']'
		next, err := r.r.Peek(1)
		if err != nil {
			return nil, err
		}
		if strings.ContainsRune("\r\n", rune(next[0])) || !within && strings.ContainsRune(" ()", rune(next[0])) {
			break
		}
		c, _ = r.r.ReadByte()
	}
	if b.String() == "NIL" {
		return nil, nil
	}
	return b.String(), nil
}
