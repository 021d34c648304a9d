package mail

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"io"
	stdmime "mime"
	"net/mail"
	"path/filepath"
	"slices"
	"strings"
	"time"

	gomail "github.com/emersion/go-message/mail"
	"github.com/emersion/go-message/textproto"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/mime"
)

// Message is a message to compose.
type Message struct {
	To, Cc, Bcc []string // addresses
	Subject     string
	Text        string
	Attach      []File
	InReplyTo   *Summary // nil: not a reply
}

// File is an attachment to compose.
type File struct {
	Name string
	Open func() (io.ReadCloser, error)
}

// WriteTo streams the message as MIME, attachments of any size included; Send adds From
// and Date.
func (m Message) WriteTo(w io.Writer) (int64, error) {
	count := &writeCounter{w: w}
	buffered := bufio.NewWriterSize(count, 64<<10) // attachments are written line by line
	err := m.write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	return count.n, moot.Wrap("write the message", err)
}

func (m Message) write(w io.Writer) error {
	var h gomail.Header
	for field, list := range map[string][]string{"To": m.To, "Cc": m.Cc, "Bcc": m.Bcc} {
		addrs, err := fieldOf(list)
		if err != nil {
			return err
		}
		if len(addrs) > 0 {
			h.SetAddressList(field, addrs)
		}
	}
	h.SetSubject(oneLine(m.Subject))
	if m.InReplyTo != nil && m.InReplyTo.MessageID != "" {
		h.SetMsgIDList("In-Reply-To", []string{m.InReplyTo.MessageID})
		h.SetMsgIDList("References", append(slices.Clone(m.InReplyTo.References), m.InReplyTo.MessageID))
	}
	mw, err := gomail.CreateWriter(w, h)
	if err != nil {
		return err
	}
	if err := m.writeText(mw); err != nil {
		return err
	}
	for _, f := range m.Attach {
		if err := attach(mw, f); err != nil {
			return err
		}
	}
	return mw.Close()
}

func (m Message) writeText(mw *gomail.Writer) error {
	var th gomail.InlineHeader
	th.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
	tw, err := mw.CreateSingleInline(th)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(tw, crlf(m.Text)); err != nil {
		return err
	}
	return tw.Close()
}

func attach(mw *gomail.Writer, f File) error {
	kind := stdmime.TypeByExtension(filepath.Ext(f.Name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	var ah gomail.AttachmentHeader
	ah.Set("Content-Type", kind)
	ah.SetFilename(FileName(f.Name))
	aw, err := mw.CreateAttachment(ah)
	if err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if _, err := io.Copy(aw, r); err != nil {
		return err
	}
	return aw.Close()
}

// fieldOf parses addresses for a header field; those without a domain get StableDomain.
func fieldOf(list []string) (addrs []*mail.Address, err error) {
	for _, s := range list {
		a, err := parseAddress(s)
		if err != nil {
			return nil, err
		}
		if a.Domain == "" {
			a.Domain = StableDomain
			if !strings.HasPrefix(a.Local, "#") {
				a.Local = LocalPart(a.Local)
			}
		}
		addrs = append(addrs, &mail.Address{Name: a.Name, Address: a.Local + "@" + a.Domain})
	}
	return addrs, nil
}

func crlf(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", "\r\n")
	if s != "" && !strings.HasSuffix(s, "\r\n") {
		s += "\r\n"
	}
	return s
}

// outgoing is a message with its header completed and its body still unread.
type outgoing struct {
	header
	fields mime.Header
	text   []byte // the header to send, with the empty line that ends it
	body   io.Reader
}

// setFrom replaces From.
func (o *outgoing) setFrom(from mail.Address) error {
	o.authors = mime.ParseAddresses(from.String())
	return errors.Join(o.set(func(h *gomail.Header) { h.SetAddressList("From", []*mail.Address{&from}) }), o.write())
}

// set replaces the fields that a function sets.
func (o *outgoing) set(do func(*gomail.Header)) error {
	var h gomail.Header
	do(&h)
	var b bytes.Buffer
	if err := textproto.WriteHeader(&b, h.Header.Header); err != nil {
		return moot.Errorf(moot.Invalid, "the message's header is malformed: %w", err)
	}
	for _, field := range mime.ParseHeader(b.Bytes()) {
		o.fields.Set(field)
	}
	return nil
}

// write serializes the header.
func (o *outgoing) write() error {
	var b bytes.Buffer
	_, err := o.fields.WriteTo(&b)
	o.text = b.Bytes()
	return err
}

// complete reads the header of a message, adds From if it names no address, Date and
// Message-ID if they are missing, and removes Bcc. Kinds: Invalid, TooLarge.
func complete(r io.Reader, from mail.Address, now time.Time) (*outgoing, error) {
	br := bufio.NewReaderSize(&untilHeader{r: r, left: MaxHeader}, 4096)
	raw, _, err := mime.ReadHeader(br, MaxHeader)
	if err != nil {
		return nil, err
	}
	out := &outgoing{fields: mime.ParseHeader(raw), body: io.MultiReader(buffered(br), r)}
	out.header = readHeader(out.fields)
	if err := out.withDomains(); err != nil {
		return nil, err
	}
	_, dated := mime.ParseDate(out.fields.Get("Date"))
	err = out.set(func(h *gomail.Header) {
		if !slices.ContainsFunc(out.authors, func(a mime.Address) bool { return a.Local != "" || a.Domain != "" }) {
			h.SetAddressList("From", []*mail.Address{&from})
			out.authors = mime.ParseAddresses(from.String())
		}
		if !dated {
			h.SetDate(now)
		}
		if out.messageID == "" {
			_, domain, _ := strings.Cut(from.Address, "@")
			out.messageID = newMessageID(domain)
			h.SetMessageID(out.messageID)
		}
	})
	if err != nil {
		return nil, err
	}
	out.fields.Del("Bcc")
	out.fields.Del(relayField)
	return out, out.write()
}

// withDomains adds StableDomain to recipients that are named without a domain.
func (o *outgoing) withDomains() error {
	for _, field := range []string{"To", "Cc"} {
		list := addresses(o.fields, field)
		if !slices.ContainsFunc(list, func(a mime.Address) bool { return a.Domain == "" }) {
			continue
		}
		named := make([]string, len(list))
		for i, name := range bare(list) {
			named[i] = name
			if list[i].Domain != "" {
				named[i] = list[i].String()
			}
		}
		addrs, err := fieldOf(named)
		if err != nil {
			return err
		}
		if err := o.set(func(h *gomail.Header) { h.SetAddressList(field, addrs) }); err != nil {
			return err
		}
	}
	return nil
}

// buffered returns the bytes that a reader has read ahead.
func buffered(br *bufio.Reader) io.Reader {
	b, _ := br.Peek(br.Buffered()) // never fails: all of it is buffered
	return bytes.NewReader(bytes.Clone(b))
}

// untilHeader bounds the header to left bytes; the body is read past it.
type untilHeader struct {
	r    io.Reader
	left int
}

func (u *untilHeader) Read(p []byte) (int, error) {
	if u.left <= 0 {
		return 0, moot.Errorf(moot.TooLarge, "the message's header is larger than %d KiB", MaxHeader>>10)
	}
	n, err := u.r.Read(p[:min(len(p), u.left)])
	u.left -= n
	return n, err
}

func newMessageID(domain string) string {
	var b [15]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	if domain == "" {
		domain = StableDomain
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:])) + "@" + domain
}

type writeCounter struct {
	w io.Writer
	n int64
}

func (c *writeCounter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// relayField is the first header field of the copy for the space's server: the addresses
// in other domains to relay to. The server removes it.
const relayField = "Moot-Relay"
