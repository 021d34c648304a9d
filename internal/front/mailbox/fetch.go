package mailbox

import (
	"errors"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/mime"
)

const (
	maxSections  = 64 // of a message in one FETCH
	maxUnread    = 10 // consecutive unavailable messages after which FETCH gives up
	respUnissued = "EXPUNGEISSUED"
)

// Fetch implements imapserver.Session.
func (s *imapSession) Fetch(w *imapserver.FetchWriter, set imap.NumSet, options *imap.FetchOptions) error {
	if len(options.BodySection)+len(options.BinarySection)+len(options.BinarySectionSize) > maxSections {
		return no(imap.ResponseCodeLimit, "Too many sections at once: ask for fewer")
	}
	v := s.selected.Load()
	v.mu.Lock()
	defer v.mu.Unlock()
	picked, err := v.pick(set)
	if err != nil {
		return err
	}
	var t fetchErrors
	var read []int
	begin := beginnings{v: v}
	for _, i := range picked {
		m := &v.messages[i]
		var first []byte
		if opens(options) {
			first = begin.of(i)
		}
		a, err := s.fetchResponse(m, first, options)
		if t.add(err) {
			break
		}
		if err != nil {
			continue
		}
		s.extension.describe(a.described)
		if err := a.write(s, w.CreateMessage(uint32(i+1)), m, options); err != nil {
			return err
		}
		if marksSeen(options) && !v.readOnly && !hasFlag(m.flags, mail.Seen) {
			read = append(read, i)
		}
	}
	if err := s.markSeen(w, read); err != nil {
		return err
	}
	return s.failure(t.err())
}

// fetchErrors collects unavailable messages, so that the others are sent first.
type fetchErrors struct {
	last         error
	gone, failed int
	row          int
}

// add records an error, and reports whether to give up.
func (t *fetchErrors) add(err error) bool {
	switch {
	case err == nil:
		t.row = 0
		return false
	case errors.Is(err, moot.NotFound):
		t.gone++
		return false
	}
	t.last = err
	t.failed++
	t.row++
	return t.row >= maxUnread
}

func (t *fetchErrors) err() error {
	switch {
	case t.failed > 0:
		return moot.Wrap("some messages are unavailable", t.last)
	case t.gone > 0:
		return no(respUnissued, "Some messages were removed concurrently")
	}
	return nil
}

// opens reports whether what is asked for is in the messages.
func opens(o *imap.FetchOptions) bool {
	return o.Envelope || o.BodyStructure != nil || len(o.BodySection)+len(o.BinarySection)+len(o.BinarySectionSize) > 0
}

func marksSeen(options *imap.FetchOptions) bool {
	for _, b := range options.BodySection {
		if !b.Peek {
			return true
		}
	}
	for _, b := range options.BinarySection {
		if !b.Peek {
			return true
		}
	}
	return false
}

// markSeen marks messages as read after they were sent.
func (s *imapSession) markSeen(w *imapserver.FetchWriter, read []int) error {
	if len(read) == 0 {
		return nil
	}
	changed, err := s.change(read, mail.Change{Set: []mail.Flag{mail.Seen}})
	if err != nil {
		return s.failure(err)
	}
	return s.selected.Load().showFlags(w, changed)
}

// fetchResponse is the response to FETCH for one message. Whatever can fail is done
// before the first byte is sent.
type fetchResponse struct {
	described items // ENVELOPE and BODYSTRUCTURE
	sections  []section
	binaries  []section
	sizes     []uint32
}

func (s *imapSession) fetchResponse(m *message, begin []byte, options *imap.FetchOptions) (a fetchResponse, err error) {
	c := s.open(m, begin)
	if options.Envelope {
		h, _, err := c.header()
		if err != nil {
			return a, err
		}
		a.described = append(a.described, "ENVELOPE "...)
		a.described.envelope(h)
		a.described.space()
	}
	if options.BodyStructure != nil {
		p, err := c.structure()
		if err != nil {
			return a, err
		}
		a.describe(p, s.extension.run.body, options.BodyStructure.Extended)
	}
	for _, item := range options.BodySection {
		one, err := c.section(item)
		if err != nil {
			return a, err
		}
		a.sections = append(a.sections, one)
	}
	for _, item := range options.BinarySection {
		one, err := c.binary(item.Part)
		if err != nil {
			return a, err
		}
		a.binaries = append(a.binaries, one.partial(item.Partial))
	}
	for _, item := range options.BinarySectionSize {
		one, err := c.binary(item.Part)
		if err != nil {
			return a, err
		}
		a.sizes = append(a.sizes, uint32(one.size))
	}
	return a, nil
}

// describe adds BODY, BODYSTRUCTURE, or both.
func (a *fetchResponse) describe(p *mime.Part, body, extended bool) {
	if body || !extended {
		a.described = append(a.described, "BODY "...)
		a.described.structure(p, false)
		a.described.space()
	}
	if extended {
		a.described = append(a.described, "BODYSTRUCTURE "...)
		a.described.structure(p, true)
		a.described.space()
	}
}

// write sends the response. Errors are the connection's.
func (a fetchResponse) write(s *imapSession, w *imapserver.FetchResponseWriter, m *message, options *imap.FetchOptions) error {
	w.WriteUID(m.uid)
	if options.Flags {
		w.WriteFlags(protocolFlags(m.flags))
	}
	if options.InternalDate {
		w.WriteInternalDate(m.arrived)
	}
	if options.RFC822Size {
		w.WriteRFC822Size(m.size)
	}
	for i, item := range options.BinarySectionSize {
		w.WriteBinarySectionSize(item, a.sizes[i])
	}
	var err error
	for i, item := range options.BodySection {
		err = errors.Join(err, s.send(w.WriteBodySection(item, a.sections[i].size), a.sections[i]))
	}
	for i, item := range options.BinarySection {
		err = errors.Join(err, s.send(w.WriteBinarySection(item, a.binaries[i].size), a.binaries[i]))
	}
	return errors.Join(err, w.Close())
}

// send sends a literal. If the message ends before its announced length, the protocol
// has no way to recover: the connection ends.
func (s *imapSession) send(w io.WriteCloser, from section) error {
	n, err := io.Copy(w, from.reader())
	if err == nil && n < from.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.conn.abort()
	}
	return errors.Join(err, w.Close())
}
