package mailbox

import (
	"bufio"
	"io"
	"strconv"
	"strings"

	"github.com/mootspace/moot"
)

// Limits of one command, without the message of APPEND.
const (
	maxCommand = 48 << 10 // bytes, literals included; the library takes 50 KiB
	maxLiteral = 16 << 10 // bytes
	maxSkipped = 1 << 20  // bytes of a literal that is read to be refused
)

// token is a part of a command's arguments.
type token struct {
	kind  tokenKind
	text  string // decoded
	space bool   // a space comes before it
}

type tokenKind byte

const (
	atom   tokenKind = iota
	quoted           // or a literal
	opening
	closing
)

// is reports whether the token is an atom, in any case.
func (t token) is(word string) bool { return t.kind == atom && strings.EqualFold(t.text, word) }

// value reports whether the token is an astring.
func (t token) value() bool { return t.kind == atom || t.kind == quoted }

// number returns the token as a number (RFC 9051, 9: number64).
func (t token) number() (uint64, bool) {
	n, err := strconv.ParseUint(t.text, 10, 63)
	return n, err == nil && t.kind == atom && t.text[0] != '+'
}

// command is a client's command (RFC 9051, 9: command).
type command struct {
	tag, name string // name in capitals, as UID FETCH
	args      []token
	message   *literal // of APPEND
	fault     string   // why it is refused; "": it is not
}

// literal announces bytes (RFC 9051, 4.3).
type literal struct {
	size    int64
	nonSync bool // the client does not wait (RFC 7888)
}

// commandReader reads commands.
type commandReader struct {
	*bufio.Reader
	// goAhead asks the client for a literal, or returns false if it answered the command.
	goAhead func(c *command, l literal) (bool, error)

	left  int // bytes that the command may have yet
	atom  []byte
	space bool
}

var (
	errLongCommand = moot.Errorf(moot.TooLarge, "a command is longer than %d bytes", maxCommand)
	errAnswered    = moot.Errorf(moot.Invalid, "a command was answered before its end")
)

// next reads a command. Errors are the connection's, or errLongCommand, or errAnswered.
func (r *commandReader) next() (*command, error) {
	c := &command{}
	r.left, r.atom, r.space = maxCommand, r.atom[:0], false
	for {
		b, err := r.byte()
		if err != nil {
			return nil, err
		}
		switch b {
		case '\n':
			r.end(c)
			c.check()
			return c, nil
		case ' ':
			r.end(c)
			r.space = true
		case '(', ')':
			r.end(c)
			r.add(c, opening+tokenKind(b-'('), string(b))
		case '"':
			r.end(c)
			if ended, err := r.quoted(c); err != nil || ended {
				return c, err
			}
		case '{':
			if ended, err := r.literal(c); err != nil || ended {
				return c, err
			}
		default:
			r.atom = append(r.atom, b)
		}
	}
}

func (r *commandReader) byte() (byte, error) {
	if r.left--; r.left < 0 {
		return 0, errLongCommand
	}
	return r.ReadByte()
}

// end ends an atom.
func (r *commandReader) end(c *command) {
	text := strings.TrimSuffix(string(r.atom), "\r")
	if strings.ContainsAny(text, "\r\x00") {
		c.fault = "it has a control character"
	}
	if text != "" {
		r.add(c, atom, text)
	}
	r.atom = r.atom[:0]
}

func (r *commandReader) add(c *command, kind tokenKind, text string) {
	t := token{kind, text, r.space}
	r.space = false
	switch {
	case c.tag == "":
		c.tag = text
		if kind != atom || t.space || !isTag(text) {
			c.tag, c.fault = "*", "want a tag"
		}
	case c.name == "" || c.name == "UID":
		if kind != atom || !t.space {
			c.fault = "want a command"
		}
		c.name = strings.TrimSpace(c.name + " " + strings.ToUpper(text))
	default:
		c.args = append(c.args, t)
	}
}

func isTag(s string) bool {
	return len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`+(){%*"\`, r) })
}

// quoted reads a quoted string. It reports whether the line ended within it.
func (r *commandReader) quoted(c *command) (ended bool, err error) {
	var s []byte
	for {
		b, err := r.byte()
		if err == nil && b == '\\' {
			b, err = r.byte()
		} else if b == '"' && err == nil {
			r.add(c, quoted, string(s))
			return false, nil
		}
		switch {
		case err != nil:
			return false, err
		case b == '\n':
			r.add(c, quoted, "")
			c.fault = "a quoted string has no end"
			c.check()
			return true, nil
		case b == 0:
			c.fault = "it has a control character"
		}
		s = append(s, b)
	}
}

// literal reads a literal after its brace; the message of APPEND is only announced. It
// reports whether the command ended with it.
func (r *commandReader) literal(c *command) (ended bool, err error) {
	head := []byte{}
	for len(head) < 24 && !ended {
		b, err := r.byte()
		if err != nil {
			return false, err
		}
		head, ended = append(head, b), b == '\n'
	}
	text, closed := strings.CutSuffix(strings.TrimRight(string(head), "\r\n"), "}")
	text, nonSync := strings.CutSuffix(text, "+")
	size, err := strconv.ParseUint(text, 10, 62)
	if !closed || !ended || err != nil {
		c.fault = "a literal is malformed"
		r.atom = append(append(r.atom, '{'), strings.TrimRight(string(head), "\r\n")...)
		if ended {
			r.end(c)
			c.check()
		}
		return ended, nil
	}
	r.end(c)
	l := literal{int64(size), nonSync}
	if c.name == "APPEND" && len(c.args) > 0 {
		c.message = &l
		c.check()
		return true, nil
	}
	return false, r.content(c, l)
}

func (r *commandReader) content(c *command, l literal) error {
	if l.size > maxLiteral || l.size > int64(r.left) {
		if c.fault = "a literal is too long"; l.size > maxSkipped {
			return errLongCommand
		}
	}
	if ok, err := r.goAhead(c, l); err != nil {
		return err
	} else if !ok {
		return errAnswered
	}
	if c.fault != "" {
		_, err := io.CopyN(io.Discard, r, l.size)
		return err
	}
	s := make([]byte, l.size)
	if _, err := io.ReadFull(r, s); err != nil {
		return err
	}
	r.left -= len(s)
	if r.add(c, quoted, string(s)); strings.ContainsAny(string(s), "\r\n\x00") {
		c.fault = "a literal has a control character"
	}
	return nil
}

// check finds what is missing at the end of a command.
func (c *command) check() {
	switch {
	case c.tag == "":
		c.tag, c.fault = "*", "it is empty"
	case c.fault == "" && (c.name == "" || c.name == "UID"):
		c.fault = "want a command"
	}
}

// String is the command as the library reads it: literals as quoted strings, which it
// takes with any content.
func (c *command) String() string {
	var b strings.Builder
	b.WriteString(c.tag + " " + c.name)
	for i, t := range c.args {
		if t.space || i == 0 {
			b.WriteByte(' ')
		}
		if t.kind == quoted {
			b.WriteString(quote(t.text))
		} else {
			b.WriteString(t.text)
		}
	}
	if c.message != nil {
		if !c.args[len(c.args)-1].is("~") { // literal8
			b.WriteByte(' ')
		}
		b.WriteString("{" + strconv.FormatInt(c.message.size, 10))
		if c.message.nonSync {
			b.WriteByte('+')
		}
		b.WriteByte('}')
	}
	return b.String() + "\r\n"
}

var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func quote(s string) string { return `"` + escapes.Replace(s) + `"` }

// group returns the end of the list that begins at i, after its closing parenthesis; -1
// if it has none.
func group(args []token, i int) int {
	depth := 0
	for ; i < len(args); i++ {
		switch args[i].kind {
		case opening:
			depth++
		case closing:
			depth--
		}
		if depth <= 0 {
			return i + 1
		}
	}
	return -1
}
