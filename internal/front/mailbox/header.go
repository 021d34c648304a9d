package mailbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/mootspace/moot/internal/mime"
)

// header returns the message's parsed header, and the offset of the body.
func (c *content) header() (mime.Header, int64, error) {
	raw, body, err := c.rawHeader()
	return mime.ParseHeader(raw), body, err
}

func (c *content) rawHeader() ([]byte, int64, error) {
	return mime.ReadHeader(bufio.NewReaderSize(c.reader(0, math.MaxInt64), 4<<10), mime.MaxHeader)
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

// newFieldFilter reads with a buffer of size bytes.
func newFieldFilter(r io.Reader, size int, names []string, not bool) *fieldFilter {
	f := &fieldFilter{r: bufio.NewReaderSize(r, size), names: map[string]bool{}, not: not}
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
		case len(bytes.TrimRight(line, "\r\n")) == 0: // end of the header
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
