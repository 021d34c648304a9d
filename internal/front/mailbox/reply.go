package mailbox

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// replyWriter follows what the library writes, response by response: at the begin of one,
// which the library writes at once, something may be replaced or added, and at its end.
type replyWriter struct {
	literal int64  // bytes left of a literal
	within  bool   // a response
	text    bool   // it is a status response, which has no literals
	drop    bool   // it is left out
	suffix  string // goes before its line end
	line    []byte // the last bytes of its current line
}

// Write implements net.Conn for the library.
func (x *extension) Write(p []byte) (int, error) {
	x.out.Lock()
	defer x.out.Unlock()
	w := &x.reply
	if w.literal >= int64(len(p)) && !w.drop {
		w.literal -= int64(len(p))
		return x.Conn.Write(p)
	}
	out := make([]byte, 0, len(p)+64)
	for rest := p; len(rest) > 0; {
		piece := rest
		if w.literal > 0 {
			piece = rest[:min(int64(len(rest)), w.literal)]
			w.literal -= int64(len(piece))
		} else if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			piece = rest[:i+1]
			out = x.lineOf(out, piece)
			rest = rest[len(piece):]
			continue
		} else {
			out = x.lineOf(out, piece)
			break
		}
		if !w.drop {
			out = append(out, piece...)
		}
		rest = rest[len(piece):]
	}
	if len(out) > 0 {
		if _, err := x.Conn.Write(out); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// lineOf appends a line, or a part of one, of a response.
func (x *extension) lineOf(out, piece []byte) []byte {
	w := &x.reply
	if !w.within {
		*w = replyWriter{within: true}
		piece = x.begin(piece)
	}
	w.line = append(w.line, piece...)
	w.line = w.line[max(0, len(w.line)-24):]
	ended := bytes.HasSuffix(w.line, []byte("\n"))
	if ended {
		if w.literal = announced(w.line); w.literal < 0 || w.text {
			w.literal, w.within = 0, false
		}
		w.line = nil
	}
	if w.drop {
		return out
	}
	if w.suffix != "" && (ended && !w.within || bytes.HasSuffix(piece, []byte("\r"))) {
		text, end := bytes.TrimRight(piece, "\r\n"), []byte(w.suffix+"\r\n")
		if text, ok := bytes.CutSuffix(text, []byte(")")); ok && strings.HasSuffix(w.suffix, ")") {
			return append(append(out, text...), end...)
		}
		if !ended { // the line end comes with its last byte
			return append(out, text...)
		}
		return append(append(out, text...), end...)
	}
	return append(out, piece...)
}

// announced returns the size of the literal that a line ends with; -1 if there is none.
func announced(line []byte) int64 {
	text, ok := bytes.CutSuffix(line, []byte("}\r\n"))
	i := bytes.LastIndexByte(text, '{')
	if !ok || i < 0 {
		return -1
	}
	n, err := strconv.ParseInt(string(text[i+1:]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// begin returns what a response begins with instead.
func (x *extension) begin(line []byte) []byte {
	words := strings.SplitN(string(line[:min(len(line), 200)]), " ", 4)
	switch {
	case len(words) < 2:
	case words[0] == "+":
		x.reply.text, x.run.continued = true, true
	case words[0] == x.run.tag && !x.run.ended:
		x.reply.text, x.run.ended = true, true
		return x.tagged(line, words[1])
	case words[1] == "STATUS" && x.state.wantsModSeq:
		x.reply.suffix = " HIGHESTMODSEQ " + strconv.FormatUint(x.state.statusModSeq, 10) + ")"
		if bytes.HasSuffix(line, []byte("()\r\n")) {
			x.reply.suffix = x.reply.suffix[1:]
		}
		return x.unescape(line)
	case words[1] == "LIST" || words[1] == "LSUB" || words[1] == "STATUS":
		return x.unescape(line)
	case words[1] == "SEARCH" || words[1] == "ESEARCH":
		x.reply.drop, x.reply.suffix = x.run.search.result(words[1])
	case words[1] == "ENABLED":
		x.state.revision2 = x.state.revision2 || bytes.Contains(line, []byte("IMAP4rev2"))
		x.state.utf8 = x.state.revision2 || x.state.utf8 || bytes.Contains(line, []byte("UTF8=ACCEPT"))
		x.reply.suffix = strings.Join(append([]string{""}, x.run.enabled...), " ")
	case words[1] == "OK" && x.run.tag == "" && strings.HasPrefix(words[2], "[CAPABILITY"):
		x.reply.text = true
		return []byte("* OK [CAPABILITY " + x.capabilities() + "] IMAP server ready\r\n")
	case isStatus(words[1]):
		x.reply.text = true
	case len(words) > 2:
		return x.numbered(line, words)
	}
	return line
}

func isStatus(word string) bool {
	return word == "OK" || word == "NO" || word == "BAD" || word == "BYE" || word == "PREAUTH"
}

// tagged returns the end of a command. What the library takes for an error of its own is a
// command that it cannot parse.
func (x *extension) tagged(line []byte, status string) []byte {
	rest, login := bytes.CutPrefix(line, []byte(x.run.tag+" OK [CAPABILITY "))
	switch {
	case login:
		_, rest, _ = bytes.Cut(rest, []byte("]"))
		return append([]byte(x.run.tag+" OK [CAPABILITY "+x.capabilities()+"]"), rest...)
	case string(line) == x.run.tag+" NO [SERVERBUG] Internal server error\r\n":
		return []byte(x.run.tag + " BAD [CLIENTBUG] An argument is malformed\r\n")
	case status == "OK" && x.run.code != "":
		return append([]byte(x.run.tag+" OK ["+x.run.code+"]"), line[len(x.run.tag)+3:]...)
	case status == "OK":
		return append([]byte(x.run.changes), line...)
	}
	return line
}

// numbered adds to responses about one message. Its selection is locked by their writer.
func (x *extension) numbered(line []byte, words []string) []byte {
	n, err := strconv.Atoi(words[1])
	v := x.session.selected.Load()
	if err != nil || v == nil || n < 1 || n > len(v.messages) {
		return line
	}
	m := v.messages[n-1]
	switch strings.TrimRight(words[2], "\r\n") {
	case "EXPUNGE":
		if x.state.qresync {
			return fmt.Appendf(nil, "* VANISHED %d\r\n", m.uid)
		}
	case "FETCH":
		begin := len("*  FETCH (") + len(words[1])
		if len(line) < begin {
			return line
		}
		items := line[begin:]
		if !x.state.revision2 {
			items = m.withRecent(items)
		}
		out := fmt.Appendf(nil, "* %d FETCH (", n)
		if x.state.condstore {
			out = fmt.Appendf(out, "MODSEQ (%d) ", m.modseq)
		}
		out = append(out, x.run.described...)
		x.run.described = nil
		return append(out, items...)
	}
	return line
}

// describe has items, each with a space after it, begin the next response of FETCH.
func (x *extension) describe(text items) {
	x.out.Lock()
	defer x.out.Unlock()
	x.run.described = text
}

// unescape undoes the library's encoding of & where names are UTF-8 (RFC 9051, 5.1).
func (x *extension) unescape(line []byte) []byte {
	if !x.state.utf8 {
		return line
	}
	return bytes.ReplaceAll(line, []byte("&-"), []byte("&"))
}

// capabilities returns what the client can use now (RFC 9051, 6.1.1).
func (x *extension) capabilities() string {
	list := "IMAP4rev2 IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE"
	switch {
	case x.session.mb != nil:
		return list + fmt.Sprintf(" UNSELECT UTF8=ACCEPT NAMESPACE UIDPLUS ESEARCH SEARCHRES WITHIN LIST-EXTENDED LIST-STATUS"+
			" MOVE STATUS=SIZE BINARY CHILDREN SPECIAL-USE CONDSTORE QRESYNC QUOTA QUOTA=RES-STORAGE SORT THREAD=ORDEREDSUBJECT THREAD=REFERENCES APPENDLIMIT=%d", x.session.AppendLimit())
	case x.passwordsAllowed():
		list += " AUTH=PLAIN"
	default:
		list += " LOGINDISABLED"
	}
	if !x.encrypted() && x.server.cfg.TLS != nil {
		list += " STARTTLS"
	}
	return list
}
