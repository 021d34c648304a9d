package mail

import (
	"bytes"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/mootspace/moot/internal/mime"
)

// Limits of what is indexed of a message; the rest is in the message, but neither listed
// nor searched.
const (
	MaxHeader   = mime.MaxHeader // bytes of a message's header
	maxText     = 256 << 10      // bytes of text that are searched
	maxShown    = 2 << 10        // bytes of text that a list holds
	maxListed   = 64             // attachments, recipients and references
	maxOneField = 1 << 10        // bytes of a subject or a name
)

// digest is the parsed part of a message that is indexed.
type digest struct {
	Summary
	header header
	words  string // text to be searched
}

// header has the header fields that routing and classification need.
type header struct {
	authors    []mime.Address // in all From fields
	from       []string       // the values of these fields
	to, cc     []string
	bcc        []string
	messageID  string
	spam       bool // X-Spam-Flag, trusted only in messages that a server received
	references []string
}

// summarize parses a whole message. Only reading can fail: a damaged message is indexed
// as far as it can be parsed.
func summarize(r io.Reader) (digest, error) {
	count := &counter{r: r}
	parts := mime.NewReader(count)
	d := digest{}
	d.readHeader(parts.Header())
	w := walker{digest: &d}
	err := eachPart(parts, w.part)
	if err != nil {
		return d, err
	}
	if d.words == "" {
		d.words = plain(w.html)
	}
	d.Size = count.n
	d.Text = cut(d.words, maxShown)
	return d, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (d *digest) readHeader(h mime.Header) {
	d.header = readHeader(h)
	d.MessageID, d.References = d.header.messageID, d.header.references
	d.Subject = oneLine(h.Text("Subject"))
	d.Date, _ = mime.ParseDate(h.Get("Date"))
	d.From = oneLine(strings.Join(displayForms(d.header.authors), ", "))
	d.To = append(displayForms(addresses(h, "To")), displayForms(addresses(h, "Cc"))...)
	d.Thread = d.MessageID
	if len(d.References) > 0 {
		d.Thread = d.References[0]
	}
}

func readHeader(h mime.Header) header {
	out := header{
		authors: addresses(h, "From"), from: h.Values("From"),
		to: bare(addresses(h, "To")), cc: bare(addresses(h, "Cc")), bcc: bare(addresses(h, "Bcc")),
		messageID: cut(mime.MessageID(h.Get("Message-Id")), maxOneField),
		spam:      strings.EqualFold(h.Get("X-Spam-Flag"), "YES"),
	}
	for _, f := range h {
		if bytes.Count(f.Raw, []byte("\r")) == bytes.Count(f.Raw, []byte("\r\n")) {
			continue
		}
		hidden := mime.ParseHeader(bytes.ReplaceAll(f.Raw, []byte("\r"), []byte("\n"))) // a line end to some programs
		out.authors = append(out.authors, addresses(hidden, "From")...)
		out.from = append(out.from, hidden.Values("From")...)
	}
	refs := mime.MessageIDs(h.Get("References"))
	if len(refs) == 0 {
		refs = mime.MessageIDs(h.Get("In-Reply-To"))
	}
	out.references = refs[:min(len(refs), maxListed)]
	return out
}

// addresses returns the addresses of a field.
func addresses(h mime.Header, field string) []mime.Address {
	list := mime.Singles(h.Addresses(field))
	return list[:min(len(list), MaxRecipients+1)] // one more than is allowed
}

// bare returns addresses without names, or the name of one that has nothing else: it may
// be a member's.
func bare(list []mime.Address) (out []string) {
	for _, a := range list {
		if a.Local == "" && a.Domain == "" {
			out = append(out, a.Name)
		} else {
			out = append(out, a.Address())
		}
	}
	return out
}

func displayForms(list []mime.Address) (out []string) {
	for _, a := range list[:min(len(list), maxListed)] {
		out = append(out, oneLine(a.String()))
	}
	return out
}

// walker collects texts and attachments.
type walker struct {
	*digest
	html string // used only if there is no plain text
}

func (w *walker) part(p *mime.Part, r *mime.Reader) error {
	name, attached := attachment(p)
	if attached {
		size, err := io.Copy(io.Discard, r.Content())
		if len(w.Attachments) < maxListed {
			w.Attachments = append(w.Attachments, Attachment{Name: FileName(name), Type: oneLine(p.Type), Size: size})
		}
		return err
	}
	text, err := io.ReadAll(io.LimitReader(r.Text(), maxText))
	if p.Type == "text/html" {
		w.html = cut(w.html+string(text), maxText)
	} else {
		w.words = cut(w.words+normalize(string(text)), maxText)
	}
	return err
}

// attachment returns a part's file name, and whether it is an attachment.
func attachment(p *mime.Part) (name string, attached bool) {
	name = p.FileName()
	disposition, _ := mime.ParseDisposition(p.Header.Get("Content-Disposition"))
	return name, name != "" || disposition == "attachment" || !strings.HasPrefix(p.Type, "text/")
}

// eachPart calls do for every part that has no parts, in order.
func eachPart(r *mime.Reader, do func(*mime.Part, *mime.Reader) error) error {
	for {
		p, err := r.Next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := do(p, r); err != nil {
			return err
		}
	}
}

// Extract calls save with every attachment of a message and its decoded content.
func Extract(r io.Reader, save func(Attachment, io.Reader) error) error {
	return eachPart(mime.NewReader(r), func(p *mime.Part, r *mime.Reader) error {
		name, attached := attachment(p)
		if !attached {
			return nil
		}
		return save(Attachment{Name: FileName(name), Type: p.Type}, r.Content())
	})
}

// FileName sanitizes the file name of an attachment: no path, no control characters,
// never empty.
func FileName(s string) string {
	s = s[strings.LastIndexAny(s, `/\`)+1:]
	s = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Bidi_Control, r) || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(s, "_"))
	s = cut(strings.TrimLeft(strings.TrimSpace(s), "."), 200)
	if s == "" {
		return "attachment"
	}
	return s
}

// plain returns the text of an HTML document.
func plain(page string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(page))
	z.SetMaxBuf(maxText)
	for skip := 0; ; {
		switch z.Next() {
		case html.ErrorToken:
			return normalize(b.String())
		case html.TextToken:
			if skip == 0 {
				b.Write(z.Text())
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			t := z.Token()
			hidden := t.Data == "script" || t.Data == "style" || t.Data == "head"
			switch {
			case hidden && t.Type == html.StartTagToken:
				skip++
			case hidden && t.Type == html.EndTagToken && skip > 0:
				skip--
			}
			b.WriteByte(' ')
		}
	}
}

// tidy returns valid UTF-8 with LF line ends.
func normalize(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\r\n", "\n"), "\x00", "")
}

func oneLine(s string) string {
	return cut(strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), unicode.IsControl), " "), maxOneField)
}

// cut shortens text to n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// when returns the message's date, or when it was announced if the date is implausible.
func when(d, announced time.Time) time.Time {
	if d.IsZero() || d.Year() < 1970 || d.After(announced.Add(24*time.Hour)) {
		return announced
	}
	return d
}

// Text returns a message's plain text, or the text of its HTML.
func Text(r io.Reader) (string, error) {
	d, err := summarize(r)
	return d.words, err
}
