package mime

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"strings"
)

// Limits of a message's structure. What exceeds them belongs to its enclosing part.
const (
	maxNested    = 100
	maxParts     = 1000
	maxPartHeads = 1 << 20 // bytes of all headers
	maxBoundary  = 1000    // bytes that are compared; RFC 2046 allows 70
	plainText    = "text/plain"
	opaque       = "application/octet-stream"
)

// Part is a message or a part of one (RFC 2045), as offsets in the whole message. A
// multipart in which there are no parts is plain text, so that it is shown.
type Part struct {
	Head, Body, End int64 // start of the header, start of the body, end
	Lines           int64 // of its body

	Header   Header
	Type     string // media type, in lower case
	Params   Params
	Encoding string // in lower case

	Parts   []*Part // of a multipart
	Message *Part   // in a message/rfc822
}

// ParsePart parses the structure of a message, window bytes at a time: at least 4 KiB, and
// no more than the message has. Only reading can fail.
func ParsePart(r io.Reader, window int) (*Part, error) {
	l := newLayouter(false)
	br := bufio.NewReaderSize(r, min(max(window, 4<<10), 64<<10))
	for {
		if err := l.step(br); err == io.EOF {
			return l.root, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// setHeader sets what is read of a header.
func (p *Part) setHeader(h Header, fallback string) {
	p.Header = h
	p.Type, p.Params = ParseMediaType(h.Get("Content-Type"))
	if p.Type == "" {
		p.Type = fallback
	}
	p.Encoding = strings.ToLower(strings.Trim(h.Get("Content-Transfer-Encoding"), " \t\"'"))
	if i := strings.IndexAny(p.Encoding, " \t(;\"'"); i >= 0 {
		p.Encoding = p.Encoding[:i]
	}
	if p.Encoding == "quoted" { // quoted printable
		p.Encoding = "quoted-printable"
	}
}

// Transparent reports whether the part's transfer encoding is the identity (RFC 2045, 6).
func (p *Part) Transparent() bool {
	switch p.Encoding {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}

// FileName returns the name that a part has as a file, decoded; "" if it has none. It is
// not safe as a path.
func (p *Part) FileName() string {
	_, params := ParseDisposition(p.Header.Get("Content-Disposition"))
	for _, named := range []struct {
		Params
		name string
	}{{params, "filename"}, {p.Params, "name"}, {params, "name"}, {p.Params, "filename"}} {
		if _, ok := named.Params["charset"]; !ok && p.Params["charset"] != "" && named.Params != nil {
			named.Params["charset"] = p.Params["charset"] // of 8-bit text
		}
		if text := named.Text(named.name); text != "" {
			return text
		}
	}
	return ""
}

// layouter finds the parts of a message in one pass, at any depth.
type layouter struct {
	root  *Part
	stack []*opened // outermost part first
	parts int
	heads int  // bytes of buffered headers
	flat  bool // messages within are not parsed
	sink  sink

	at       int64  // offset of the current line
	newlines int64  // before the current line
	ending   []byte // the preceding line end
	middle   bool   // within a line
}

// sink takes the contents of the leaves, in order; nil functions are not called.
type sink struct {
	open  func(*Part)
	write func([]byte)
	close func()
}

// opened is a part whose end is not known yet.
type opened struct {
	*Part
	inHead   bool
	raw      []byte
	most     int // limit of raw, bytes
	fallback string
	boundary string // "" if not a multipart
	over     bool   // after the closing boundary
	newlines int64  // before its body
	preamble []byte // first bytes, for a multipart without parts
}

func newLayouter(flat bool) *layouter {
	l := &layouter{root: &Part{}, flat: flat}
	l.enter(l.root, plainText, MaxHeader)
	return l
}

func (l *layouter) enter(p *Part, fallback string, most int) {
	p.Head = l.at
	l.parts++
	l.stack = append(l.stack, &opened{Part: p, inHead: true, most: most, fallback: fallback})
}

func (l *layouter) top() *opened { return l.stack[len(l.stack)-1] }

// step parses a line, or a fragment of one: only the first can be a boundary. It returns
// io.EOF at the end.
func (l *layouter) step(br *bufio.Reader) error {
	line, err := br.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
		return err
	}
	if len(line) > 0 {
		l.line(line, !l.middle)
	}
	l.middle = errors.Is(err, bufio.ErrBufferFull)
	if err == io.EOF {
		l.emit(l.ending)
		l.close(0, l.at, l.newlines)
		return io.EOF
	}
	return nil
}

func (l *layouter) line(line []byte, first bool) {
	text := line[:len(line)-lineEnd(line)]
	next := l.at + int64(len(line))
	newlines := l.newlines
	if line[len(line)-1] == '\n' {
		newlines++
	}
	if first && bytes.HasPrefix(text, []byte("--")) && l.boundary(text, next, newlines) {
		l.ending = append(l.ending[:0], line[len(text):]...) // belongs to a boundary that follows
		return
	}
	for first && l.top().inHead && isMarkup(line) {
		l.body()
	}
	top := l.top()
	blank := top.inHead && first && len(text) == 0 && len(line) > 0
	if top.inHead {
		l.buffer(top, line)
	} else {
		l.emit(l.ending)
		l.emit(text)
	}
	l.at, l.newlines = next, newlines
	l.ending = append(l.ending[:0], line[len(text):]...)
	if blank {
		l.body()
	}
}

// buffer adds a line to a header, within the limits.
func (l *layouter) buffer(o *opened, line []byte) {
	n := max(0, min(len(line), o.most-len(o.raw), maxPartHeads-l.heads))
	o.raw = append(o.raw, line[:n]...)
	l.heads += n
}

// emit passes a piece of the innermost part's body on.
func (l *layouter) emit(piece []byte) {
	top := l.top()
	switch {
	case l.sink.write == nil || top.inHead:
	case top.boundary == "":
		l.sink.write(piece)
	case len(top.Parts) == 0:
		top.preamble = append(top.preamble, piece[:min(len(piece), MaxHeader-len(top.preamble))]...)
	}
}

// boundary handles a potential boundary line; false if it is none. The boundary may be
// followed by other text (RFC 2046, 5.1.1); the longest one counts, of the innermost part.
func (l *layouter) boundary(text []byte, next, newlines int64) bool {
	found := -1
	for i, o := range l.stack {
		if o.boundary != "" && !o.over && bytes.HasPrefix(text[2:], []byte(o.boundary)) && (found < 0 || len(o.boundary) >= len(l.stack[found].boundary)) {
			found = i
		}
	}
	if found < 0 {
		return false
	}
	o := l.stack[found]
	last := bytes.HasPrefix(bytes.TrimLeft(text[2+len(o.boundary):], " \t"), []byte("--"))
	if !last && l.parts >= maxParts {
		return false
	}
	end := l.newlines
	if len(l.ending) > 0 {
		end--
	}
	l.close(found+1, l.at-int64(len(l.ending)), end)
	l.at, l.newlines = next, newlines
	o.over = last
	if !last {
		l.part(o)
	}
	return true
}

// part begins the next part of a multipart.
func (l *layouter) part(o *opened) {
	p := &Part{}
	o.Parts = append(o.Parts, p)
	o.preamble = nil
	fallback := plainText
	if o.Type == "multipart/digest" { // RFC 2046, 5.1.5
		fallback = "message/rfc822"
	}
	l.enter(p, fallback, maxPartHeader)
}

// body ends the header of the innermost part, and prepares for the parts in it.
func (l *layouter) body() {
	o := l.top()
	l.ending = l.ending[:0]
	l.begin(o)
	switch {
	case isMessage(o.Type) && !l.flat:
		o.Message = &Part{}
		l.enter(o.Message, plainText, MaxHeader)
		return
	case strings.HasPrefix(o.Type, "multipart/"):
		b := cmp.Or(o.Params["boundary"], o.Params.Text("boundary"))
		o.boundary = strings.TrimRight(b[:min(len(b), maxBoundary)], " \t")
	}
	if o.boundary == "" {
		if strings.HasPrefix(o.Type, "multipart/") {
			o.Type, o.Params = plainText, nil
		}
		l.open(o.Part)
	}
}

// begin starts the body of a part.
func (l *layouter) begin(o *opened) {
	o.inHead = false
	o.Body, o.newlines = l.at, l.newlines
	o.setHeader(ParseHeader(o.raw), o.fallback)
	o.raw = nil
	if deep := len(l.stack) >= maxNested; deep && nests(o.Type) || isMessage(o.Type) && !o.Transparent() && !l.flat {
		o.Type = opaque // with its name
	}
}

func isMessage(kind string) bool { return kind == "message/rfc822" || kind == "message/global" }

func nests(kind string) bool { return strings.HasPrefix(kind, "multipart/") || isMessage(kind) }

// close ends the innermost parts, from index i of the stack on.
func (l *layouter) close(i int, end, newlines int64) {
	for j := len(l.stack) - 1; j >= i; j-- {
		o := l.stack[j]
		leaf := o.boundary == "" && o.Message == nil
		if o.inHead { // no body
			at, now := l.at, l.newlines
			l.at, l.newlines = max(end, o.Head), newlines
			l.begin(o)
			l.at, l.newlines = at, now
			l.open(o.Part)
		}
		o.End = max(end, o.Body)
		end = o.End // an enclosing part ends no earlier
		o.Lines = max(0, newlines-o.newlines)
		if isMessage(o.Type) && o.Message == nil && !l.flat {
			o.Message = &Part{Head: o.End, Body: o.End, End: o.End, Header: Header{}, Type: plainText}
		}
		if strings.HasPrefix(o.Type, "multipart/") && len(o.Parts) == 0 {
			o.Type, o.Params = plainText, nil
			if !leaf {
				l.open(o.Part)
				l.write(o.preamble)
				leaf = true
			}
		}
		if leaf && l.sink.close != nil {
			l.sink.close()
		}
		l.stack = l.stack[:j]
	}
}

func (l *layouter) open(p *Part) {
	if l.sink.open != nil {
		l.sink.open(p)
	}
}

func (l *layouter) write(b []byte) {
	if l.sink.write != nil {
		l.sink.write(b)
	}
}
