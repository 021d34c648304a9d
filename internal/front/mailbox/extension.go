package mailbox

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2/imapserver"
)

const (
	maxMistakes  = 20 // malformed commands before a login
	writeTimeout = 30 * time.Second
)

// extension is a connection as the IMAP library sees it, which knows only the commands of
// RFC 9051: the extension answers others, and translates what has more arguments. The
// library reads a command only when it has answered the last one, so that all is in order:
// the extension reads ahead of it by no more than one command, and by none in IDLE.
type extension struct {
	net.Conn         // over TLS, if there is TLS
	conn     *conn   // below TLS
	server   *Server //
	plain    bool    // passwords without TLS are allowed
	commands commandReader
	session  *imapSession
	mistakes int

	pending []byte // of the current command, for the library to read
	stream  int64  // bytes of a message to read after that

	out   sync.Mutex // IDLE writes concurrently
	reply replyWriter
	run   running
	state extensionState
}

// running is the command that the library is at.
type running struct {
	tag, name string
	ended     bool     // it was answered
	continued bool     // the client was asked to go on
	message   *literal // of APPEND, until it was read
	code      string   // a response code for OK
	resync    *resync  // of SELECT
	changes   string   // responses that go before OK
	search    *searchExtension
	enabled   []string // by ENABLE, besides what the library enables
	body      bool     // FETCH asks for BODY, maybe besides BODYSTRUCTURE
	described items    // of the next response of FETCH
}

// extensionState is what a client has enabled (RFC 5161).
type extensionState struct {
	revision2, utf8    bool
	condstore, qresync bool   // RFC 7162
	statusModSeq       uint64 // of the folder whose STATUS is next
	wantsModSeq        bool   // in STATUS
}

// imapListener accepts connections with extensions.
type imapListener struct {
	net.Listener
	server *Server
	plain  bool
}

func (l imapListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	x := &extension{Conn: nc, conn: connOf(nc), server: l.server, plain: l.plain}
	x.commands = commandReader{Reader: bufio.NewReader(nc), goAhead: x.goAhead}
	return x, nil
}

// passwordsAllowed reports whether passwords may be sent.
func (x *extension) passwordsAllowed() bool {
	return x.encrypted() || x.plain
}

func (x *extension) encrypted() bool {
	_, encrypted := x.Conn.(*tls.Conn)
	return encrypted
}

// Read implements net.Conn for the library.
func (x *extension) Read(p []byte) (int, error) {
	for len(x.pending) == 0 && x.stream == 0 {
		if err := x.next(); err != nil {
			return 0, err
		}
	}
	if len(x.pending) > 0 {
		n := copy(p, x.pending)
		x.pending = x.pending[n:]
		return n, nil
	}
	n, err := x.commands.Read(p[:min(int64(len(p)), x.stream)])
	x.stream -= int64(n)
	return n, err
}

// next gets the next bytes for the library.
func (x *extension) next() error {
	x.out.Lock()
	run := x.run
	x.run.continued, x.run.message = false, nil
	x.out.Unlock()
	switch {
	case run.message != nil && run.ended: // refused
		return x.skip(*run.message)
	case run.message != nil:
		if x.stream = run.message.size; x.stream > 0 {
			return nil
		}
		return x.afterMessage()
	case run.name == "APPEND" && !run.ended:
		return x.afterMessage()
	case run.continued: // IDLE, AUTHENTICATE
		line, err := x.line()
		x.pending = line
		return err
	}
	c, err := x.commands.next()
	switch {
	case errors.Is(err, errAnswered):
		return nil
	case errors.Is(err, errLongCommand):
		return errors.Join(x.send("* BYE [LIMIT] The command is too long\r\n"), err)
	case err != nil:
		return err
	}
	return x.dispatch(c)
}

// afterMessage reads what follows the message of APPEND.
func (x *extension) afterMessage() error {
	line, err := x.line()
	if err != nil {
		return err
	}
	x.pending = []byte("\r\n")
	if strings.HasPrefix(string(line), ")") { // UTF8
		x.pending = []byte(")\r\n")
	}
	return nil
}

// line reads a line.
func (x *extension) line() ([]byte, error) {
	line, err := x.commands.ReadSlice('\n') // no longer than the buffer
	return bytes.Clone(line), err
}

// skip reads a message that was refused, with what follows it, if the client sends it all
// the same.
func (x *extension) skip(l literal) error {
	if !l.nonSync {
		return nil
	}
	if l.size > x.server.cfg.MaxMessage {
		return errors.Join(x.send("* BYE [TOOBIG] The message is too large\r\n"), errLongCommand)
	}
	if _, err := io.CopyN(io.Discard, x.commands, l.size); err != nil {
		return err
	}
	_, err := x.line()
	return err
}

// goAhead asks the client for a literal.
func (x *extension) goAhead(c *command, l literal) (bool, error) {
	switch {
	case l.nonSync:
		return true, nil
	case c.fault != "":
		return false, x.refuse(c)
	case needsTLS(c.name) && !x.passwordsAllowed():
		return false, x.dispatch(c)
	}
	return true, x.send("+ Ready\r\n")
}

// refuse answers a malformed or unknown command. Some are let pass before a login; what
// looks like a request of another protocol ends the connection.
func (x *extension) refuse(c *command) error {
	if x.session.mb == nil {
		x.mistakes++
		if n := len(c.args); x.mistakes > maxMistakes || n > 0 && strings.HasPrefix(strings.ToUpper(c.args[n-1].text), "HTTP/") {
			return errors.Join(x.send("* BYE Not a mail program\r\n"), io.EOF)
		}
	}
	if err := x.send(c.tag + " BAD [CLIENTBUG] Malformed: " + c.fault + "\r\n"); err != nil || c.message == nil {
		return err
	}
	return x.skip(*c.message)
}

// answer ends a command.
func (x *extension) answer(c *command, format string, args ...any) error {
	return x.send(c.tag + " " + fmt.Sprintf(format, args...) + "\r\n")
}

// pass hands a command to the library.
func (x *extension) pass(c *command, run running) error {
	run.tag, run.name, run.message = c.tag, c.name, c.message
	x.out.Lock()
	defer x.out.Unlock()
	x.run, x.pending = run, []byte(c.String())
	return nil
}

// send writes responses of the extension. The library must be between two of its own.
func (x *extension) send(text string) error {
	x.out.Lock()
	defer x.out.Unlock()
	if err := x.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := io.WriteString(x.Conn, text)
	return errors.Join(err, x.SetWriteDeadline(time.Time{}))
}

// startTLS begins TLS (RFC 9051, 6.2.1). What the client sent before its handshake is part
// of that, and so in vain.
func (x *extension) startTLS(c *command) error {
	config := x.server.cfg.TLS
	if x.encrypted() || config == nil || x.session.mb != nil {
		return x.answer(c, "BAD STARTTLS is not available")
	}
	if err := x.answer(c, "OK Begin TLS negotiation now"); err != nil {
		return err
	}
	ahead, _ := x.commands.Peek(x.commands.Buffered()) // never fails: all of it is buffered
	x.Conn = tls.Server(prefixed{x.Conn, io.MultiReader(bytes.NewReader(bytes.Clone(ahead)), x.Conn)}, config)
	x.commands.Reset(x.Conn)
	return nil
}

// prefixed is a connection of which some was read before.
type prefixed struct {
	net.Conn
	r io.Reader
}

func (p prefixed) Read(b []byte) (int, error) { return p.r.Read(b) }

// bind joins the extension with a session of the library.
func (x *extension) bind(s *imapSession, c *imapserver.Conn) {
	s.client, s.conn, s.extension, x.session = c, x.conn, x, s
}
