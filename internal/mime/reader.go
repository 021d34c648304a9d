package mime

import (
	"bufio"
	"bytes"
	"io"
)

// Reader reads a message once, part by part: those that have no parts, in order. A message
// within the message is one part.
type Reader struct {
	r      *bufio.Reader
	l      *layouter
	leaves []*leaf // the current one, and those after it that were parsed already
	err    error   // after the last line
}

// leaf is a part with the content that was not read yet.
type leaf struct {
	part    *Part
	content bytes.Buffer
	taken   bool // returned by Next
	skipped bool
	closed  bool
}

// NewReader reads the header of a message.
func NewReader(r io.Reader) *Reader {
	m := &Reader{r: bufio.NewReaderSize(r, 16<<10), l: newLayouter(true)}
	m.l.sink = sink{m.open, m.write, m.close}
	for m.err == nil && m.l.stack[0].inHead {
		m.err = m.l.step(m.r)
	}
	return m
}

// Header returns the message's header.
func (m *Reader) Header() Header { return m.l.root.Header }

// Next returns the next part; io.EOF after the last. The rest of the current one is
// skipped. Its Lines and End, and those of the enclosing parts, are not known yet.
func (m *Reader) Next() (*Part, error) {
	if len(m.leaves) > 0 && m.leaves[0].taken {
		current := m.leaves[0]
		for current.skipped = true; !current.closed && m.err == nil; {
			m.err = m.l.step(m.r)
		}
		m.leaves = m.leaves[1:]
	}
	for len(m.leaves) == 0 {
		if m.err != nil {
			return nil, m.err
		}
		m.err = m.l.step(m.r)
	}
	m.leaves[0].taken = true
	return m.leaves[0].part, nil
}

func (m *Reader) open(p *Part) { m.leaves = append(m.leaves, &leaf{part: p}) }

func (m *Reader) write(b []byte) {
	if last := m.leaves[len(m.leaves)-1]; !last.skipped {
		last.content.Write(b)
	}
}

func (m *Reader) close() { m.leaves[len(m.leaves)-1].closed = true }

// Raw reads the content of the current part, still encoded.
func (m *Reader) Raw() io.Reader { return &leafReader{m, m.leaves[0]} }

// Content reads the content of the current part without its transfer encoding.
func (m *Reader) Content() io.Reader {
	return TransferReader(m.Raw(), m.leaves[0].part.Encoding)
}

// Text reads the content of the current part as text in UTF-8.
func (m *Reader) Text() io.Reader {
	return CharsetReader(m.Content(), m.leaves[0].part.Params["charset"])
}

type leafReader struct {
	m *Reader
	*leaf
}

func (r *leafReader) Read(p []byte) (int, error) {
	for r.content.Len() == 0 {
		switch {
		case r.closed:
			return 0, io.EOF
		case r.m.err != nil:
			return 0, r.m.err
		}
		r.m.err = r.m.l.step(r.m.r)
	}
	return r.content.Read(p)
}
