package mailbox

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"mime"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-message/textproto"
)

// Limits of structure parsing. What exceeds them belongs to its enclosing part: clients
// get it, but not as parts.
const (
	maxNested     = 100
	maxParts      = 1000
	maxPartHeads  = 1 << 20 // bytes of all headers
	maxBoundary   = 200     // bytes; RFC 2046 allows 70
	opaqueContent = "application/octet-stream"
)

// part is the offsets of a part and its header fields (RFC 2045).
type part struct {
	head, body, end int64 // offsets: start of the header, start of the body, end
	lines           int64 // of its body

	kind        string // media type, in lower case
	params      map[string]string
	encoding    string // in lower case
	id          string
	description string
	location    string
	language    []string
	disposition *imap.BodyStructureDisposition
	envelope    *imap.Envelope // of a message

	parts   []*part // of a multipart
	message *part   // of a message/rfc822
}

// structure returns the parsed structure of the message.
func (c *content) structure() (*part, error) {
	if c.layout == nil {
		l := layouter{root: &part{}}
		l.enter(l.root, "text/plain", maxHeader)
		if err := l.read(c.reader(0, math.MaxInt64), c.window()); err != nil {
			return nil, err
		}
		c.layout, c.size = l.root, l.root.end
	}
	return c.layout, nil
}

// layouter finds the parts of a message in one pass, at any depth.
type layouter struct {
	root  *part
	stack []*opened // outermost part first
	parts int
	heads int // bytes of buffered headers

	at       int64 // offset of the current line
	newlines int64 // before the current line
	ending   int64 // bytes of the preceding line end
}

// opened is a part whose end is not known yet.
type opened struct {
	*part
	inHead   bool
	raw      []byte
	most     int // limit of raw, bytes
	fallback string
	boundary string // "" if not a multipart
	over     bool   // after the closing boundary
	newlines int64  // before its body
}

func (l *layouter) enter(p *part, fallback string, most int) {
	p.head = l.at
	l.parts++
	l.stack = append(l.stack, &opened{part: p, inHead: true, most: most, fallback: fallback})
}

// read parses all lines, window bytes at a time. Only the first fragment of a line can be a boundary.
func (l *layouter) read(r io.Reader, window int) error {
	br := bufio.NewReaderSize(r, window)
	for first := true; ; {
		line, err := br.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && err != io.EOF {
			return err
		}
		if len(line) > 0 {
			l.line(line, first)
		}
		if err == io.EOF {
			l.close(0, l.at, l.newlines)
			return nil
		}
		first = err == nil
	}
}

func (l *layouter) line(line []byte, first bool) {
	text := line[:len(line)-lineEnd(line)]
	next := l.at + int64(len(line))
	newlines := l.newlines
	if line[len(line)-1] == '\n' {
		newlines++
	}
	if first && bytes.HasPrefix(text, []byte("--")) && l.boundary(text, next, newlines) {
		l.ending = int64(lineEnd(line)) // belongs to a boundary that follows
		return
	}
	top := l.stack[len(l.stack)-1]
	if top.inHead {
		if free := min(top.most-len(top.raw), maxPartHeads-l.heads); free > 0 {
			n := min(len(line), free)
			top.raw = append(top.raw, line[:n]...)
			l.heads += n
		}
	}
	blank := top.inHead && first && len(text) == 0
	l.at, l.newlines = next, newlines
	l.ending = int64(len(line) - len(text))
	if blank {
		l.ending = 0
		l.begin(top)
		l.descend(top)
	}
}

// boundary handles a potential boundary line; false if it is none.
func (l *layouter) boundary(text []byte, next, newlines int64) bool {
	for i := len(l.stack) - 1; i >= 0; i-- {
		o := l.stack[i]
		if o.boundary == "" || o.over {
			continue
		}
		rest, ok := bytes.CutPrefix(text[2:], []byte(o.boundary))
		if !ok {
			continue
		}
		rest = bytes.TrimRight(rest, " \t")
		last := string(rest) == "--"
		if !last && (len(rest) > 0 || l.parts >= maxParts) {
			continue
		}
		end := l.newlines
		if l.ending > 0 {
			end--
		}
		l.close(i+1, l.at-l.ending, end)
		l.at, l.newlines = next, newlines
		o.over = last
		if !last {
			p := &part{}
			o.parts = append(o.parts, p)
			fallback := "text/plain"
			if o.kind == "multipart/digest" {
				fallback = "message/rfc822"
			}
			l.enter(p, fallback, maxPartHeader)
		}
		return true
	}
	return false
}

// begin starts the body of a part.
func (l *layouter) begin(o *opened) {
	o.inHead = false
	o.body, o.newlines = l.at, l.newlines
	h := parseHeader(o.raw)
	o.raw = nil
	o.setHeader(h, o.fallback)
	if len(l.stack) == 1 || l.stack[len(l.stack)-2].part.message == o.part {
		o.envelope = envelope(h)
	}
	if deep := len(l.stack) >= maxNested; deep && nests(o.kind) || isMessage(o.kind) && !transparent(o.encoding) {
		o.kind, o.params = opaqueContent, nil
	}
}

// descend prepares for nested parts.
func (l *layouter) descend(o *opened) {
	switch {
	case isMessage(o.kind):
		o.message = &part{}
		l.enter(o.message, "text/plain", maxHeader)
	case nests(o.kind):
		if b := o.params["boundary"]; len(b) <= maxBoundary {
			o.boundary = strings.TrimRight(b, " \t")
		}
	}
}

func isMessage(kind string) bool { return kind == "message/rfc822" || kind == "message/global" }

func nests(kind string) bool { return strings.HasPrefix(kind, "multipart/") || isMessage(kind) }

// close ends the innermost parts, from index i of the stack on.
func (l *layouter) close(i int, end, newlines int64) {
	for j := len(l.stack) - 1; j >= i; j-- {
		o := l.stack[j]
		if o.inHead { // no body
			at, now := l.at, l.newlines
			l.at, l.newlines = max(end, o.head), newlines
			l.begin(o)
			l.at, l.newlines = at, now
		}
		o.end = max(end, o.body)
		end = o.end // an enclosing part ends no earlier
		o.lines = max(0, newlines-o.newlines)
		if nests(o.kind) && len(o.parts) == 0 && o.message == nil { // IMAP cannot represent it
			o.kind, o.params = opaqueContent, nil
		}
		l.stack = l.stack[:j]
	}
}

// setHeader sets the fields from a header.
func (p *part) setHeader(h textproto.Header, fallback string) {
	p.kind, p.params = mediaType(h.Get("Content-Type"), fallback)
	p.encoding = strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding")))
	if i := strings.IndexAny(p.encoding, " \t(;"); i >= 0 {
		p.encoding = p.encoding[:i]
	}
	p.id, p.description, p.location = h.Get("Content-Id"), h.Get("Content-Description"), h.Get("Content-Location")
	for one := range strings.SplitSeq(h.Get("Content-Language"), ",") {
		if one = strings.TrimSpace(one); one != "" {
			p.language = append(p.language, one)
		}
	}
	if value, params, err := mime.ParseMediaType(h.Get("Content-Disposition")); value != "" && (err == nil || errors.Is(err, mime.ErrInvalidMediaParameter)) {
		p.disposition = &imap.BodyStructureDisposition{Value: value, Params: asciiParams(params)}
	}
}

// mediaType parses a Content-Type leniently; without a valid type it returns the
// fallback (RFC 2045, 5.2).
func mediaType(field, fallback string) (string, map[string]string) {
	kind, params, err := mime.ParseMediaType(field)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !strings.Contains(kind, "/") {
		return fallback, nil
	}
	return kind, params
}

// transparent reports whether a transfer encoding is the identity (RFC 2045, 6).
func transparent(encoding string) bool {
	switch encoding {
	case "", "7bit", "8bit", "binary":
		return true
	}
	return false
}
