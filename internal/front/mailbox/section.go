package mailbox

import (
	"encoding/base64"
	"io"
	"mime/quotedprintable"

	"github.com/emersion/go-imap/v2"
)

// section is a range of bytes to send, which can be read repeatedly.
type section struct {
	size int64
	from func(off int64) io.Reader
}

// empty is the section of a part that does not exist.
func empty() section { return section{from: func(int64) io.Reader { return eof{} }} }

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// reader returns the bytes of the section.
func (s section) reader() io.Reader { return io.LimitReader(s.from(0), s.size) }

// partial returns a part of a section (RFC 9051, 6.4.5.1).
func (s section) partial(p *imap.SectionPartial) section {
	if p == nil {
		return s
	}
	skip := min(p.Offset, s.size)
	return section{min(p.Size, s.size-skip), func(off int64) io.Reader { return s.from(skip + off) }}
}

// bytesOf is a range of the message, undecoded.
func (c *content) bytesOf(from, to int64) section {
	return section{max(0, to-from), func(off int64) io.Reader { return c.reader(from+off, to) }}
}

// computed is the output of a reader that can be created repeatedly.
func computed(open func() io.Reader) (section, error) {
	n, err := io.Copy(io.Discard, open())
	return section{n, func(off int64) io.Reader {
		r := open()
		if _, err := io.CopyN(io.Discard, r, off); err != nil {
			return failed{err}
		}
		return r
	}}, err
}

type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// section returns the section that BODY[...] names.
func (c *content) section(item *imap.FetchItemBodySection) (section, error) {
	s, err := c.wholeSection(item)
	return s.partial(item.Partial), err
}

func (c *content) wholeSection(item *imap.FetchItemBodySection) (section, error) {
	if len(item.Part) == 0 {
		return c.messageSection(item)
	}
	root, err := c.structure()
	if err != nil {
		return section{}, err
	}
	p := root.find(item.Part)
	switch {
	case p == nil:
		return empty(), nil
	case item.Specifier == imap.PartSpecifierNone:
		return c.bytesOf(p.body, p.end), nil
	case item.Specifier == imap.PartSpecifierMIME:
		return c.bytesOf(p.head, p.body), nil
	case p.message == nil:
		return empty(), nil // only messages have HEADER and TEXT
	}
	return c.pieceOf(item, p.message.head, p.message.body, p.message.end)
}

// messageSection needs no structure: the header is at the start of the message.
func (c *content) messageSection(item *imap.FetchItemBodySection) (section, error) {
	size, err := c.size, error(nil)
	if item.Specifier != imap.PartSpecifierHeader { // which needs no more than the beginning
		size, err = c.length()
	}
	if err != nil || item.Specifier == imap.PartSpecifierNone {
		return c.bytesOf(0, size), err
	}
	_, body, err := c.header()
	if err != nil {
		return section{}, err
	}
	return c.pieceOf(item, 0, body, max(size, body))
}

// pieceOf is the header, selected fields, or the text of a message.
func (c *content) pieceOf(item *imap.FetchItemBodySection, head, body, end int64) (section, error) {
	switch {
	case item.Specifier == imap.PartSpecifierText:
		return c.bytesOf(body, end), nil
	case len(item.HeaderFields) > 0:
		return computed(func() io.Reader { return newFieldFilter(c.reader(head, body), item.HeaderFields, false) })
	case len(item.HeaderFieldsNot) > 0:
		return computed(func() io.Reader { return newFieldFilter(c.reader(head, body), item.HeaderFieldsNot, true) })
	}
	return c.bytesOf(head, body), nil
}

// find resolves part numbers (RFC 9051, 6.4.5.1); nil if there is no such part.
func (p *part) find(path []int) *part {
	for i, n := range path {
		whole := i == 0
		if p.message != nil && !whole {
			p, whole = p.message, true
		}
		switch {
		case len(p.parts) > 0 && n >= 1 && n <= len(p.parts):
			p = p.parts[n-1]
		case len(p.parts) == 0 && n == 1 && whole: // part 1 of a message without parts
		default:
			return nil
		}
	}
	return p
}

// binary returns the section that BINARY[...] names, decoded (RFC 9051, 6.4.5).
func (c *content) binary(path []int) (section, error) {
	if len(path) == 0 {
		size, err := c.length()
		return c.bytesOf(0, size), err
	}
	root, err := c.structure()
	if err != nil {
		return section{}, err
	}
	p := root.find(path)
	switch {
	case p == nil:
		return empty(), nil
	case p.encoding != "base64" && p.encoding != "quoted-printable":
		if !transparent(p.encoding) {
			return section{}, no(imap.ResponseCodeUnknownCTE, "The part's encoding is unknown: fetch it with BODY")
		}
		return c.bytesOf(p.body, p.end), nil
	}
	return computed(func() io.Reader { return decoded(c.reader(p.body, p.end), p.encoding) })
}

// decoded decodes a transfer encoding, as far as it is valid.
func decoded(r io.Reader, encoding string) io.Reader {
	src := &errorRecorder{r: r}
	switch encoding {
	case "base64":
		return truncatingReader{base64.NewDecoder(base64.StdEncoding, onlyBase64{src}), src}
	case "quoted-printable":
		return truncatingReader{quotedprintable.NewReader(src), src}
	}
	return r
}

// errorRecorder keeps the error of a reader.
type errorRecorder struct {
	r   io.Reader
	err error
}

func (s *errorRecorder) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// truncatingReader ends at malformed input of a decoder, and fails only if its source
// does.
type truncatingReader struct {
	decoder io.Reader
	src     *errorRecorder
}

func (l truncatingReader) Read(p []byte) (int, error) {
	n, err := l.decoder.Read(p)
	if err != nil {
		if err = l.src.err; err == nil {
			err = io.EOF
		}
	}
	return n, err
}

// onlyBase64 skips bytes outside of the alphabet (RFC 2045, 6.8).
type onlyBase64 struct{ r io.Reader }

func (o onlyBase64) Read(p []byte) (int, error) {
	for {
		n, err := o.r.Read(p)
		filled := 0
		for _, b := range p[:n] {
			if 'A' <= b && b <= 'Z' || 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '+' || b == '/' || b == '=' {
				p[filled] = b
				filled++
			}
		}
		if filled > 0 || err != nil {
			return filled, err
		}
	}
}
