package mailbox

import (
	"bytes"
	"io"
	"math"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot/internal/mime"
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

// structure returns the parsed structure of the message.
func (c *content) structure() (*mime.Part, error) {
	if c.layout == nil {
		root, err := mime.ParsePart(c.reader(0, math.MaxInt64), c.window())
		if err != nil {
			return nil, err
		}
		c.layout, c.size = root, root.End
	}
	return c.layout, nil
}

// section returns the section that BODY[...] names.
func (c *content) section(item *imap.FetchItemBodySection) (section, error) {
	s, err := c.wholeSection(item)
	from := s.from
	s.from = func(off int64) io.Reader { return withoutNUL{from(off)} }
	return s.partial(item.Partial), err
}

// withoutNUL replaces NUL, which literals may not have, by 0x80, as Dovecot does.
type withoutNUL struct{ r io.Reader }

func (w withoutNUL) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	for left := p[:n]; len(left) > 0; {
		i := bytes.IndexByte(left, 0)
		if i < 0 {
			break
		}
		left[i] = 0x80
		left = left[i+1:]
	}
	return n, err
}

func (c *content) wholeSection(item *imap.FetchItemBodySection) (section, error) {
	if len(item.Part) == 0 {
		return c.messageSection(item)
	}
	root, err := c.structure()
	if err != nil {
		return section{}, err
	}
	p := find(root, item.Part)
	switch {
	case p == nil:
		return empty(), nil
	case item.Specifier == imap.PartSpecifierNone:
		return c.bytesOf(p.Body, p.End), nil
	case item.Specifier == imap.PartSpecifierMIME:
		return c.bytesOf(p.Head, p.Body), nil
	case p.Message == nil:
		return empty(), nil // only messages have HEADER and TEXT
	}
	return c.pieceOf(item, p.Message.Head, p.Message.Body, p.Message.End)
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
	_, body, err := c.rawHeader()
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
		return c.fields(head, body, item.HeaderFields, false)
	case len(item.HeaderFieldsNot) > 0:
		return c.fields(head, body, item.HeaderFieldsNot, true)
	}
	return c.bytesOf(head, body), nil
}

// fields is the selected fields of a header: in memory if that is, else read again.
func (c *content) fields(head, body int64, names []string, not bool) (section, error) {
	size := int(min(body-head+1, 8<<10)) // of the buffer
	if body > int64(len(c.begin)) {
		return computed(func() io.Reader { return newFieldFilter(c.reader(head, body), size, names, not) })
	}
	out, err := io.ReadAll(newFieldFilter(bytes.NewReader(c.begin[head:body]), size, names, not))
	return section{int64(len(out)), func(off int64) io.Reader { return bytes.NewReader(out[off:]) }}, err
}

// find resolves part numbers (RFC 9051, 6.4.5.1); nil if there is no such part.
func find(p *mime.Part, path []int) *mime.Part {
	for i, n := range path {
		whole := i == 0
		if p.Message != nil && !whole {
			p, whole = p.Message, true
		}
		switch {
		case len(p.Parts) > 0 && n >= 1 && n <= len(p.Parts):
			p = p.Parts[n-1]
		case len(p.Parts) == 0 && n == 1 && whole: // part 1 of a message without parts
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
	p := find(root, path)
	switch {
	case p == nil:
		return empty(), nil
	case p.Encoding != "base64" && p.Encoding != "quoted-printable":
		if !p.Transparent() {
			return section{}, no(imap.ResponseCodeUnknownCTE, "The part's encoding is unknown: fetch it with BODY")
		}
		return c.bytesOf(p.Body, p.End), nil
	}
	return computed(func() io.Reader { return mime.TransferReader(c.reader(p.Body, p.End), p.Encoding) })
}
