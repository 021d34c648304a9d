package mta

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"
)

// maxCommand bounds a command line in bytes. RFC 5321 wants 512, and room for extensions.
const maxCommand = 4 << 10

// commandConn is a connection on which commands that other servers accept, and go-smtp
// does not, get the form that it accepts. A read returns one line at most, so that nothing
// is in go-smtp's buffer when a message ends or TLS begins: go-smtp alone decides what is
// a command and what a message.
type commandConn struct {
	net.Conn
	r      *bufio.Reader
	domain string         // of recipients without one
	secure func(net.Conn) // begins TLS; nil if it cannot

	command  string // the rest of it
	data     bool   // the last command was DATA
	message  bool   // go-smtp reads a message
	chunk    uint64 // bytes left of a BDAT chunk
	silent   bool   // the greeting was sent before TLS
	upgraded bool   // to TLS, on another commandConn
	err      error  // of the first read that failed, and of all after it
}

func newCommandConn(c net.Conn, domain string) *commandConn {
	return &commandConn{Conn: c, r: bufio.NewReaderSize(c, maxCommand), domain: domain}
}

// NetConn returns the connection below c.
func (c *commandConn) NetConn() net.Conn { return c.Conn }

// Close implements net.Conn.
func (c *commandConn) Close() error {
	if c.upgraded {
		return nil
	}
	return c.Conn.Close()
}

// Write implements net.Conn.
func (c *commandConn) Write(p []byte) (int, error) {
	if c.silent {
		c.silent = false
		return len(p), nil
	}
	c.message = c.data && bytes.HasPrefix(p, []byte("354"))
	return c.Conn.Write(p)
}

// Read implements net.Conn.
func (c *commandConn) Read(p []byte) (n int, err error) {
	if c.err == nil && c.command == "" {
		n, c.err = c.next(p)
	}
	if c.err != nil || c.command == "" {
		return n, c.err
	}
	n = copy(p, c.command)
	c.command = c.command[n:]
	return n, nil
}

// next reads a command, or a part of a message into p.
func (c *commandConn) next(p []byte) (int, error) {
	switch {
	case c.chunk > 0:
		n, err := c.r.Read(p[:min(uint64(len(p)), c.chunk)])
		c.chunk -= uint64(n) //nolint:gosec // at least 0
		return n, err
	case c.message:
		return c.messageLine(p)
	}
	line, err := c.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return 0, smtp.ErrTooLongLine
	}
	if err != nil {
		return 0, err
	}
	return 0, c.rewrite(string(bytes.Trim(line, " \t\r\n")))
}

// messageLine reads a line, or what has arrived of it.
func (c *commandConn) messageLine(p []byte) (int, error) {
	if _, err := c.r.Peek(1); err != nil {
		return 0, err
	}
	line, _ := c.r.Peek(min(c.r.Buffered(), len(p)))
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end+1]
	}
	return c.r.Discard(copy(p, line))
}

func (c *commandConn) rewrite(line string) error {
	verb, args := line, ""
	if end := strings.IndexAny(line, " \t"); end >= 0 {
		verb, args = line[:end], strings.Trim(line[end:], " \t")
	}
	verb = strings.ToUpper(verb)
	c.data = verb == "DATA"
	switch {
	case verb == "MAIL":
		args = envelope("FROM:", args, "")
	case verb == "RCPT":
		args = envelope("TO:", args, c.domain)
	case verb == "BDAT":
		c.chunk = chunkSize(args)
	case strings.HasPrefix(verb, "STARTTLS") && c.secure != nil:
		// What was sent together with the command is dropped with c.r (CVE-2011-0411).
		c.upgraded = true
		c.secure(c.Conn)
		return io.EOF
	}
	c.command = strings.TrimRight(verb+" "+args, " ") + "\r\n"
	return nil
}

// chunkSize returns how many bytes follow a BDAT command (RFC 3030): 0 if go-smtp finds it
// malformed.
func chunkSize(args string) uint64 {
	words := strings.Fields(args)
	if len(words) == 0 || len(words) > 2 || len(words) == 2 && !strings.EqualFold(words[1], "LAST") {
		return 0
	}
	size, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil {
		return 0
	}
	return size
}

// envelope returns the arguments of MAIL or RCPT without the white space that RFC 5321
// forbids, and with the domain if the address has none (RFC 5321, 4.5.1).
func envelope(key, args, domain string) string {
	if len(args) < len(key) || !strings.EqualFold(args[:len(key)], key) {
		return args
	}
	rest := strings.TrimLeft(args[len(key):], " \t")
	bracket := strings.HasPrefix(rest, "<")
	end, local := pathEnd(rest, bracket)
	if end < 0 {
		return args
	}
	path := strings.Trim(rest[:end], " \t")
	if bracket {
		path = strings.Trim(rest[1:end-1], " \t")
	}
	switch {
	case !bracket && (path == "" || strings.ContainsAny(path, "<>")):
		return args
	case path != "" && local && domain != "":
		path += "@" + domain
	}
	return key + "<" + path + "> " + parameters(rest[end:])
}

// pathEnd returns the end of the path at the beginning of s, and whether it is a local part
// only; -1 without the other bracket or quote.
func pathEnd(s string, bracket bool) (end int, local bool) {
	quoted := false
	local = true
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '@':
			local = false
		case bracket && c == '>':
			return i + 1, local
		case !bracket && (c == ' ' || c == '\t'):
			return i, local
		}
	}
	if quoted || bracket {
		return -1, local
	}
	return len(s), local
}

// parameters returns ESMTP parameters with a SIZE that go-smtp can compare with its limit:
// RFC 1870 allows 20 digits.
func parameters(s string) string {
	words := strings.Fields(s)
	for i, word := range words {
		key, value, _ := strings.Cut(word, "=")
		if !strings.EqualFold(key, "SIZE") {
			continue
		}
		if size, err := strconv.ParseUint(value, 10, 64); size > math.MaxUint32 && (err == nil || errors.Is(err, strconv.ErrRange)) {
			words[i] = "SIZE=" + strconv.FormatUint(math.MaxUint32, 10)
		}
	}
	return strings.Join(words, " ")
}
