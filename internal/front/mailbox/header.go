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

// Limits of header parsing. Clients get headers whole; what exceeds the limits is only
// missing from envelopes, body structures and searches.
const (
	maxHeader     = 256 << 10 // bytes of a message's header
	maxPartHeader = 16 << 10  // bytes of a part's header
	maxField      = 16 << 10  // bytes of one field: parsing comments takes quadratic time
)

// head reads up to the empty line that ends a header. It returns the first bytes of the
// header, and the offset of the body.
func head(r io.Reader, most int) (raw []byte, body int64, err error) {
	br := bufio.NewReaderSize(r, 4<<10)
	for first := true; ; {
		line, err := br.ReadSlice('\n')
		body += int64(len(line))
		if free := most - len(raw); free > 0 {
			raw = append(raw, line[:min(len(line), free)]...)
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

// lineEnd returns the length of the line end in a line or line fragment.
func lineEnd(line []byte) int {
	switch {
	case bytes.HasSuffix(line, []byte("\r\n")):
		return 2
	case bytes.HasSuffix(line, []byte("\n")):
		return 1
	}
	return 0
}

// header returns the message's parsed header, and the offset of the body.
func (c *content) header() (textproto.Header, int64, error) {
	raw, body, err := head(c.reader(0, math.MaxInt64), maxHeader)
	return parseHeader(raw), body, err
}

// parseHeader parses the fields of a header, and skips malformed lines.
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
	for i := len(fields) - 1; i >= 0; i-- { // AddRaw prepends
		h.AddRaw(fields[i])
	}
	return h
}

// isField reports whether a line starts a header field (RFC 5322, 2.2).
func isField(line []byte) bool {
	name, _, found := bytes.Cut(line, []byte(":"))
	name = bytes.TrimRight(name, " \t")
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	return found && len(name) > 0 && len(name) < 1<<10 && !bytes.ContainsFunc(name, odd)
}

// fieldFilter reads the selected fields of a header, and the empty line.
type fieldFilter struct {
	r      *bufio.Reader
	names  map[string]bool // in lower case
	not    bool            // select all other fields
	wanted bool            // the current field is selected
	middle bool            // within a line
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

// next handles a line, or a fragment of a long one.
func (f *fieldFilter) next() {
	line, err := f.r.ReadSlice('\n')
	if !f.middle && len(line) > 0 {
		switch {
		case lineEnd(line) == len(line): // end of the header
			err = io.EOF
			line = nil
		case line[0] != ' ' && line[0] != '\t':
			name, _, _ := bytes.Cut(line, []byte(":"))
			f.wanted = f.names[strings.ToLower(string(bytes.TrimRight(name, " \t\r\n")))] != f.not
		}
	}
	f.middle = errors.Is(err, bufio.ErrBufferFull)
	if f.wanted {
		f.out = append(f.out[:0], line...)
	}
	switch {
	case f.middle || err == nil:
	case err == io.EOF:
		if f.wanted && len(line) > 0 { // the header ends without a line end
			f.out = append(f.out, "\r\n"...)
		}
		f.out, f.err = append(f.out, "\r\n"...), io.EOF
	default:
		f.out, f.err = nil, err
	}
}
