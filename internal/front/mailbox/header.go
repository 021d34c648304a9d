package mailbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/emersion/go-message/textproto"
)

// Limits on what is understood of headers. Clients get headers whole; what is beyond
// is only not in envelopes and body structures, and not found.
const (
	maxHeader     = 256 << 10 // bytes of a message's header
	maxPartHeader = 16 << 10  // bytes of a part's header
	maxField      = 16 << 10  // bytes of one field: parsers of comments take quadratic time
)

// head reads up to the empty line that ends a header. It returns the first bytes of
// the header, and where the body begins.
func head(r io.Reader, most int) (raw []byte, body int64, err error) {
	br := bufio.NewReaderSize(r, 4<<10)
	for first := true; ; {
		line, err := br.ReadSlice('\n')
		body += int64(len(line))
		if room := most - len(raw); room > 0 {
			raw = append(raw, line[:min(len(line), room)]...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			first = false
			continue
		case err == io.EOF:
			return raw, body, nil
		case err != nil:
			return nil, 0, err
		case first && lineEnd(line) == len(line):
			return raw, body, nil
		}
		first = true
	}
}

// lineEnd returns the length of the line end of a line, or of a piece of one.
func lineEnd(line []byte) int {
	switch {
	case bytes.HasSuffix(line, []byte("\r\n")):
		return 2
	case bytes.HasSuffix(line, []byte("\n")):
		return 1
	}
	return 0
}

// header returns where the message's body begins, and its header as far as it is
// understood.
func (c *content) header() (textproto.Header, int64, error) {
	raw, body, err := head(c.stretch(0, math.MaxInt64), maxHeader)
	return parseHeader(raw), body, err
}

// parseHeader reads the fields of a header, and passes over what is none.
func parseHeader(raw []byte) textproto.Header {
	var fields [][]byte
	begin, at := 0, 0 // of the last field, and the line
	for line := range bytes.Lines(raw) {
		next := at + len(line)
		switch {
		case line[0] != ' ' && line[0] != '\t':
			begin = -1
			if isField(line) {
				begin = at
				fields = append(fields, nil)
			}
			fallthrough
		case begin >= 0 && len(fields) > 0:
			if begin >= 0 {
				fields[len(fields)-1] = raw[begin:min(next, begin+maxField)]
			}
		}
		at = next
	}
	var h textproto.Header
	for i := len(fields) - 1; i >= 0; i-- { // AddRaw puts it on top
		h.AddRaw(fields[i])
	}
	return h
}

// isField reports whether a line begins a header field (RFC 5322, 2.2).
func isField(line []byte) bool {
	name, _, found := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return found && len(name) > 0 && len(name) < 1<<10 && !bytes.ContainsFunc(name, odd)
}

// fieldFilter passes on the fields of a header that are wanted, and the empty line.
type fieldFilter struct {
	r      *bufio.Reader
	names  map[string]bool // in lower case
	not    bool            // wanted are the others
	keep   bool            // the field that is being read is wanted
	middle bool            // of a line
	out    []byte
	err    error
}

func newFieldFilter(r io.Reader, names []string, not bool) *fieldFilter {
	f := &fieldFilter{r: bufio.NewReaderSize(r, 8<<10), names: map[string]bool{}, not: not}
	for _, n := range names {
		f.names[strings.ToLower(n)] = true
	}
	return f
}

func (f *fieldFilter) Read(p []byte) (int, error) {
	for len(f.out) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		f.next()
	}
	n := copy(p, f.out)
	f.out = f.out[n:]
	return n, nil
}

// next looks at a line, or a piece of a long one.
func (f *fieldFilter) next() {
	line, err := f.r.ReadSlice('\n')
	if !f.middle && len(line) > 0 {
		switch {
		case lineEnd(line) == len(line): // the end; what follows is not looked at
			err = io.EOF
			line = nil
		case line[0] != ' ' && line[0] != '\t':
			name, _, _ := bytes.Cut(line, []byte(":"))
			f.keep = f.names[strings.ToLower(string(bytes.TrimRight(name, " \t\r\n")))] != f.not
		}
	}
	f.middle = errors.Is(err, bufio.ErrBufferFull)
	if f.keep {
		f.out = append(f.out[:0], line...)
	}
	switch {
	case f.middle || err == nil:
	case err == io.EOF:
		if f.keep && len(line) > 0 { // the header ends within a line
			f.out = append(f.out, "\r\n"...)
		}
		f.out, f.err = append(f.out, "\r\n"...), io.EOF
	default:
		f.out, f.err = nil, err
	}
}
