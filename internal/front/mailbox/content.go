package mailbox

import (
	"context"
	"errors"
	"io"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
)

// kept is how much of a message's beginning is kept in memory. What is behind it is
// streamed, from the beginning again if it is asked for out of order: nothing of a
// message is written to a disk.
const (
	kept      = 512 << 10
	firstRead = 16 << 10
)

// content is a message's bytes at any place.
type content struct {
	ctx context.Context
	mb  mail.Mailbox
	id  moot.BlobID

	size  int64  // bytes, as the Mailbox says; known once all of it was read
	begin []byte // the first bytes
	whole bool   // begin is all
	rc    io.ReadCloser
	at    int64 // where rc stands

	layout *part // nil: not made yet
}

// open returns the content of a message; that of the message before is closed.
func (s *imapSession) open(m *message) *content {
	if s.content != nil {
		if s.content.id == m.id {
			return s.content
		}
		s.content.close()
	}
	s.content = &content{ctx: s.selected.Load().ctx, mb: s.mb, id: m.id, size: m.size}
	return s.content
}

func (c *content) close() {
	if c.rc != nil {
		c.rc.Close()
		c.rc = nil
	}
}

// readAt reads some bytes from a place on; io.EOF behind the end.
func (c *content) readAt(p []byte, off int64) (int, error) {
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

// fill reads the beginning up to a place, as far as it is kept.
func (c *content) fill(to int64) error {
	for !c.whole && int64(len(c.begin)) < min(to, kept) {
		if err := c.seek(int64(len(c.begin))); err != nil {
			return err
		}
		n := min(max(firstRead, len(c.begin)), kept-len(c.begin))
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

// seek makes rc stand at a place.
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

// stretch reads from one place to another; it ends early where the content does.
func (c *content) stretch(from, to int64) io.Reader { return &stretch{c, from, to} }

type stretch struct {
	c        *content
	from, to int64
}

func (s *stretch) Read(p []byte) (int, error) {
	if s.from >= s.to {
		return 0, io.EOF
	}
	n, err := s.c.readAt(p[:min(int64(len(p)), s.to-s.from)], s.from)
	s.from += int64(n)
	return n, err
}

// length returns how many bytes the message has: exactly if all of it is kept in
// memory, else as the Mailbox says.
func (c *content) length() (int64, error) {
	if c.size <= kept {
		if err := c.fill(kept); err != nil {
			return 0, err
		}
	}
	return c.size, nil
}
