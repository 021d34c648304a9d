package mailfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mootspace/moot"
	moots "github.com/mootspace/moot/internal/mail"
)

var from = []byte("From ")

// ReadMbox yields the messages of an mbox file, which name is for in errors. A message
// begins with a line "From …" at the start or after an empty line; ">From" at the start of
// a line loses one ">". Lengths that the file states are not believed. An error of type
// Damaged is about one message, and others follow.
func ReadMbox(name string, r io.Reader) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		s := &mboxReader{lines: bufio.NewReaderSize(r, 64<<10)}
		for n := 1; ; n++ {
			text, sender, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			where := fmt.Sprintf("%s, message %d", name, n)
			if err != nil && moot.KindOf(err) != moot.TooLarge && moot.KindOf(err) != moot.Invalid {
				yield(Message{}, moot.Wrap("read "+where, err))
				return
			}
			if err != nil {
				if !yield(Message{}, Damaged{where, err}) {
					return
				}
				continue
			}
			m, internal := fromMbox(text, sender)
			if !internal && !yield(m, nil) {
				return
			}
		}
	}
}

// mboxReader splits an mbox file.
type mboxReader struct {
	lines *bufio.Reader
	begun bool
	line  []byte // the line "From …" of the next message
}

// next returns the next message, and the line before it. Kinds: Invalid for what is before
// the first message, TooLarge.
func (s *mboxReader) next() (text, sender []byte, err error) {
	sender, s.line = s.line, nil
	large, empty := false, true
	for {
		line, err := s.lines.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
		if ends := errors.Is(err, io.EOF) && len(line) == 0; ends || empty && bytes.HasPrefix(line, from) {
			first := !s.begun
			if !ends {
				s.line, s.begun = bytes.Clone(line), true
			}
			switch {
			case large:
				return nil, nil, moot.Errorf(moot.TooLarge, "it is larger than %d MiB", MaxMessage>>20)
			case sender != nil:
				return trimMbox(text), sender, nil
			case ends && len(bytes.TrimSpace(text)) == 0:
				return nil, nil, io.EOF
			case len(bytes.TrimSpace(text)) > 0:
				return nil, nil, moot.Errorf(moot.Invalid, `there is no line "From …" before it`)
			case first && !ends:
				sender, s.line = s.line, nil
				text = text[:0]
				continue
			}
			return nil, nil, io.EOF
		}
		begins := len(text) == 0 || text[len(text)-1] == '\n'
		empty = begins && len(bytes.TrimRight(line, "\r\n")) == 0
		if large = large || len(text)+len(line) > MaxMessage; large {
			text = append(text[:0], '\n') // only where lines begin matters
			if !bytes.HasSuffix(line, []byte("\n")) {
				text = text[:0:0]
				text = append(text, 'x')
			}
			continue
		}
		if begins && line[0] == '>' && bytes.HasPrefix(bytes.TrimLeft(line, ">"), from) {
			line = line[1:]
		}
		text = append(text, line...)
	}
}

// trimMbox removes the empty line that ends a message in an mbox file.
func trimMbox(text []byte) []byte {
	for _, end := range []string{"\r\n", "\n"} {
		if body, ok := bytes.CutSuffix(text, []byte(end)); ok && (len(body) == 0 || body[len(body)-1] == '\n') {
			return body
		}
	}
	return text
}

// mboxFields are what programs say about a message in its header; it is no part of it.
var mboxFields = []string{"Status", "X-Status", "X-Keywords", "X-UID", "X-IMAP", "X-IMAPbase", "X-Mozilla-Status", "X-Mozilla-Status2", "X-Mozilla-Keys"}

// fromMbox returns a message, and whether it is one that a program keeps for itself.
func fromMbox(text, sender []byte) (m Message, internal bool) {
	var lines []byte
	rest, skipping := text, false
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		line := rest[:end]
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			break
		}
		rest = rest[end:]
		if folded := line[0] == ' ' || line[0] == '\t'; folded {
			if !skipping {
				lines = append(lines, line...)
			}
			continue
		}
		key, value, ok := strings.Cut(string(line[:min(len(line), 1<<10)]), ":")
		skipping = ok && slices.ContainsFunc(mboxFields, func(f string) bool { return strings.EqualFold(f, key) })
		if skipping {
			internal = m.state(strings.ToLower(key), strings.TrimSpace(value)) || internal
			continue
		}
		lines = append(lines, line...)
	}
	m.MIME = crlf(append(lines, rest...))
	m.Time = senderTime(sender)
	if m.Time.IsZero() {
		m.Time = headerTime(m.MIME)
	}
	return m, internal
}

// state takes over what a field says, and reports whether the message is not a person's.
func (m *Message) state(key, value string) bool {
	set := func(codes string, flags map[rune]moots.Flag) {
		for _, c := range codes {
			if f, ok := flags[c]; ok && !slices.Contains(m.Flags, f) {
				m.Flags = append(m.Flags, f)
			}
		}
	}
	switch key {
	case "status":
		set(value, map[rune]moots.Flag{'R': moots.Seen})
	case "x-status":
		set(value, map[rune]moots.Flag{'A': moots.Answered, 'F': moots.Flagged, 'T': moots.Draft, 'D': moots.Deleted})
	case "x-keywords", "x-mozilla-keys":
		m.Flags = append(m.Flags, keywords(strings.Fields(value))...)
	case "x-mozilla-status":
		bits, err := strconv.ParseUint(value, 16, 32)
		if err != nil {
			return false
		}
		for i, f := range []moots.Flag{moots.Seen, moots.Answered, moots.Flagged} {
			if bits>>i&1 == 1 {
				m.Flags = append(m.Flags, f)
			}
		}
		return bits&8 != 0 // removed, and not yet compacted
	case "x-imap":
		return true
	}
	return false
}

// keywords returns the words that can be flags.
func keywords(words []string) (list []moots.Flag) {
	for _, w := range words {
		if len(w) <= 64 && len(list) < 64 && !strings.ContainsFunc(w, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]`, r) }) {
			list = append(list, moots.Flag(w))
		}
	}
	return list
}

// senderTime returns the time in a line "From SENDER TIME"; zero if it has none.
func senderTime(line []byte) time.Time {
	fields := strings.Fields(string(line[:min(len(line), 1<<10)]))
	for i := range fields {
		if len(fields)-i < 5 {
			break
		}
		for _, layout := range []string{time.ANSIC, "Mon Jan _2 15:04:05 2006 -0700", time.UnixDate} {
			n := len(strings.Fields(layout))
			if len(fields)-i < n {
				continue
			}
			if t, err := time.Parse(strings.Join(strings.Fields(layout), " "), strings.Join(fields[i:i+n], " ")); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// headerTime returns the date in a message's header; zero if there is none.
func headerTime(text []byte) time.Time {
	head, _, _ := bytes.Cut(text, []byte("\r\n\r\n"))
	for line := range bytes.Lines(head[:min(len(head), 256<<10)]) {
		if len(line) > 5 && strings.EqualFold(string(line[:5]), "date:") {
			if t, err := mail.ParseDate(strings.TrimSpace(string(line[5:]))); err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// WriteMbox adds a message to an mbox file, with its flags in fields of its header.
func WriteMbox(w io.Writer, m Message) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "From MAILER-DAEMON %s\n", m.Time.UTC().Format(time.ANSIC))
	codes := func(pairs ...any) (out string) {
		for i := 0; i < len(pairs); i += 2 {
			if slices.Contains(m.Flags, pairs[i].(moots.Flag)) {
				out += pairs[i+1].(string)
			}
		}
		return out
	}
	fields := "Status: " + codes(moots.Seen, "R") + "O\n"
	if x := codes(moots.Answered, "A", moots.Flagged, "F", moots.Draft, "T", moots.Deleted, "D"); x != "" {
		fields += "X-Status: " + x + "\n"
	}
	var words []string
	for _, f := range m.Flags {
		if !strings.HasPrefix(string(f), `\`) {
			words = append(words, string(f))
		}
	}
	if len(words) > 0 {
		fields += "X-Keywords: " + strings.Join(words, " ") + "\n"
	}
	b.WriteString(fields)
	for line := range bytes.Lines(lf(m.MIME)) {
		if bytes.HasPrefix(bytes.TrimLeft(line, ">"), from) {
			b.WriteByte('>')
		}
		b.Write(line)
	}
	if !bytes.HasSuffix(m.MIME, []byte("\n")) {
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	_, err := w.Write(b.Bytes())
	return err
}
