package mailbox

import (
	"context"
	"errors"
	"io"

	"github.com/emersion/go-imap/v2"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mime"
)

// maxBuffered is how many bytes of a message are buffered in memory. The rest is
// streamed, from the start again if it is read out of order: no part of a message is
// written to disk.
const (
	maxBuffered = 512 << 10
	firstRead   = 16 << 10
)

// content gives random access to a message.
type content struct {
	ctx context.Context //nolint:containedctx // methods of io take no context
	mb  mail.Mailbox
	id  moot.BlobID

	size  int64  // bytes, from the Mailbox; exact once the whole message was read
	begin []byte // buffered first bytes
	whole bool   // begin is the whole message
	rc    io.ReadCloser
	at    int64 // offset of rc

	layout *mime.Part // nil: not parsed yet
}

// open returns the content of a message, and closes that of the previous one. begin is
// its first bytes; none if they are not known.
func (s *imapSession) open(m *message, begin []byte) *content {
	if s.content != nil {
		if s.content.id == m.id {
			return s.content
		}
		s.content.close()
	}
	whole := len(begin) > 0 && int64(len(begin)) == m.size
	s.content = &content{ctx: s.selected.Load().ctx, mb: s.mb, id: m.id, size: m.size, begin: begin, whole: whole}
	return s.content
}

// mostBeginnings is of how many messages the first bytes are read at once.
const mostBeginnings = 256

// beginnings reads the first bytes of a folder's messages, of ever more at once while
// they are asked for in order.
type beginnings struct {
	v    *selection
	from int // index of the first message that was read
	to   int // after the last one
	data map[imap.UID][]byte
}

// of returns the first bytes of the message with an index; none if they are not at hand.
func (b *beginnings) of(i int) []byte {
	if i < b.from || i >= b.to {
		n := 1
		if i == b.to && b.data != nil {
			n = min(2*(b.to-b.from), mostBeginnings)
		}
		b.read(i, min(i+n, len(b.v.messages)))
	}
	return b.data[b.v.messages[i].uid]
}

// read reads those of the messages between two indexes. What fails is left out: opening
// the messages then reports why.
func (b *beginnings) read(from, to int) {
	b.from, b.to, b.data = from, to, map[imap.UID][]byte{}
	items, err := b.v.mb.List(b.v.ctx, mail.Query{
		Folder: b.v.folder, First: uint32(b.v.messages[from].uid), Last: uint32(b.v.messages[to-1].uid), Brief: true, Begin: true,
	})
	if err != nil {
		return
	}
	for _, it := range items {
		b.data[imap.UID(it.UID)] = it.Begin
	}
}

func (c *content) close() {
	if c.rc != nil {
		c.rc.Close()
		c.rc = nil
	}
}

// readAt reads at an offset; io.EOF past the end.
func (c *content) readAt(p []byte, off int64) (int, error) {
	if off < int64(len(c.begin)) { // so that a header that is there opens nothing
		return copy(p, c.begin[off:]), nil
	}
	if err := c.fill(off + int64(len(p))); err != nil {
		return 0, err
	}
	if off < int64(len(c.begin)) {
		return copy(p, c.begin[off:]), nil
	}
	if c.whole {
		return 0, io.EOF
	}
	if err := c.seek(off); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(c.rc, p[:min(len(p), 32<<10)])
	c.at += int64(n)
	switch {
	case err == nil || err == io.EOF:
	case err == io.ErrUnexpectedEOF:
		err = nil
	default:
		c.close()
	}
	return n, err
}

// fill buffers the message up to an offset, within maxBuffered.
func (c *content) fill(to int64) error {
	for !c.whole && int64(len(c.begin)) < min(to, maxBuffered) {
		if err := c.seek(int64(len(c.begin))); err != nil {
			return err
		}
		n := min(max(firstRead, len(c.begin)), maxBuffered-len(c.begin))
		buf := make([]byte, n)
		n, err := io.ReadFull(c.rc, buf)
		c.at += int64(n)
		c.begin = append(c.begin, buf[:n]...)
		switch {
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			c.whole, c.size = true, int64(len(c.begin))
			c.close()
		case err != nil:
			c.close()
			return err
		}
	}
	return nil
}

// seek moves rc to an offset.
func (c *content) seek(off int64) error {
	if c.rc != nil && c.at > off {
		c.close()
	}
	if c.rc == nil {
		rc, err := c.mb.Open(c.ctx, c.id)
		if err != nil {
			return err
		}
		c.rc, c.at = rc, 0
	}
	n, err := io.CopyN(io.Discard, c.rc, off-c.at)
	c.at += n
	if err != nil && !errors.Is(err, io.EOF) {
		c.close()
	}
	return err
}

// reader returns the bytes between two offsets; it ends early where the content ends.
func (c *content) reader(from, to int64) io.Reader { return &sectionReader{c, from, to} }

type sectionReader struct {
	c        *content
	from, to int64
}

func (s *sectionReader) Read(p []byte) (int, error) {
	if s.from >= s.to {
		return 0, io.EOF
	}
	n, err := s.c.readAt(p[:min(int64(len(p)), s.to-s.from)], s.from)
	s.from += int64(n)
	return n, err
}

// window returns how many bytes are read at once: no more than there are, since most
// messages are small.
func (c *content) window() int { return int(min(textWindow, max(c.size+1, 4<<10))) }

// length returns the size of the message: exact if it is buffered whole, else the
// Mailbox's.
func (c *content) length() (int64, error) {
	if c.size <= maxBuffered {
		if err := c.fill(maxBuffered); err != nil {
			return 0, err
		}
	}
	return c.size, nil
}
