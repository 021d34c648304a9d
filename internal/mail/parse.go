package mail

import (
	"errors"
	"io"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // texts in older encodings
	gomail "github.com/emersion/go-message/mail"
	"golang.org/x/net/html"

	"github.com/mootspace/moot"
)

// Limits of what is indexed of a message; the rest is in the message, but neither listed
// nor searched.
const (
	MaxHeader   = 256 << 10 // bytes of a message's header
	maxDepth    = 16        // multiparts within multiparts
	maxParts    = 256
	maxText     = 256 << 10 // bytes of text that are searched
	maxShown    = 2 << 10   // bytes of text that a list holds
	maxListed   = 64        // attachments, recipients and references
	maxOneField = 1 << 10   // bytes of a subject or a name
)

// digest is the parsed part of a message that is indexed.
type digest struct {
	Summary
	header header
	words  string // text to be searched
}

// header has the header fields that routing and classification need.
type header struct {
	from       string // the address in From, or ""
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
	d := digest{}
	e, err := message.ReadWithOptions(count, &message.ReadOptions{MaxHeaderBytes: MaxHeader})
	if e != nil {
		d.readHeader(gomail.Header{Header: e.Header})
		w := walker{digest: &d}
		_ = walkParts(e, w.leaf) // parts before the damage are listed
		if d.words == "" {
			d.words = plain(w.html)
		}
	}
	if _, drain := io.Copy(io.Discard, count); drain != nil {
		return d, drain
	}
	if err != nil && e == nil {
		d.Subject = "(damaged message)"
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

func (d *digest) readHeader(h gomail.Header) {
	d.header = readHeader(h)
	d.MessageID, d.References = d.header.messageID, d.header.references
	d.Subject, _ = h.Subject()
	d.Subject = oneLine(d.Subject)
	d.Date, _ = h.Date()
	if from := addresses(h, "From"); len(from) > 0 {
		d.From = oneLine(from[0].String())
	}
	d.To = append(displayForms(addresses(h, "To")), displayForms(addresses(h, "Cc"))...)
	d.Thread = d.MessageID
	if len(d.References) > 0 {
		d.Thread = d.References[0]
	}
}

func readHeader(h gomail.Header) header {
	var out header
	if from := addresses(h, "From"); len(from) > 0 {
		out.from = from[0].Address
	}
	out.to, out.cc, out.bcc = bare(addresses(h, "To")), bare(addresses(h, "Cc")), bare(addresses(h, "Bcc"))
	out.messageID, _ = h.MessageID()
	out.spam = strings.EqualFold(strings.TrimSpace(h.Get("X-Spam-Flag")), "YES")
	refs, _ := h.MsgIDList("References")
	if len(refs) == 0 {
		refs, _ = h.MsgIDList("In-Reply-To")
	}
	out.references = refs[:min(len(refs), maxListed)]
	return out
}

// addresses parses a field; a damaged one as far as possible.
func addresses(h gomail.Header, field string) []*mail.Address {
	list, err := h.AddressList(field)
	if err == nil {
		return list
	}
	text, _ := h.Text(field)
	for one := range strings.SplitSeq(text, ",") {
		one = strings.TrimSpace(one)
		a, err := mail.ParseAddress(one)
		if err != nil { // may be a member's name without a domain
			a = &mail.Address{Address: one}
		}
		if one != "" && len(list) < MaxRecipients {
			list = append(list, a)
		}
	}
	return list
}

func bare(list []*mail.Address) (out []string) {
	for _, a := range list {
		out = append(out, a.Address)
	}
	return out
}

func displayForms(list []*mail.Address) (out []string) {
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

func (w *walker) leaf(e *message.Entity) error {
	name, kind, attached := partOf(e)
	if attached {
		size, _ := io.Copy(io.Discard, e.Body) // a damaged part is listed with its readable size
		if len(w.Attachments) < maxListed {
			w.Attachments = append(w.Attachments, Attachment{Name: FileName(name), Type: oneLine(kind), Size: size})
		}
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(e.Body, maxText))
	if kind == "text/html" {
		w.html = cut(w.html+string(text), maxText)
	} else {
		w.words = cut(w.words+normalize(string(text)), maxText)
	}
	return nil
}

// partOf returns a part's file name, its media type, and whether it is an attachment.
func partOf(e *message.Entity) (name, kind string, attached bool) {
	kind, params, _ := e.Header.ContentType()
	disposition, dparams, _ := e.Header.ContentDisposition()
	name = dparams["filename"]
	if name == "" {
		name = params["name"]
	}
	text := kind == "" || strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "multipart/")
	return name, kind, name != "" || disposition == "attachment" || !text
}

// walkParts calls leaf for every part that is not a multipart, in order, within limits.
func walkParts(e *message.Entity, leaf func(*message.Entity) error) error {
	parts := 0
	var walk func(*message.Entity, int) error
	walk = func(e *message.Entity, depth int) error {
		multi := e.MultipartReader()
		if multi == nil || depth >= maxDepth {
			return leaf(e)
		}
		for ; parts < maxParts; parts++ {
			part, err := multi.NextPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if part == nil {
				return moot.Errorf(moot.Invalid, "a damaged message: %w", err)
			}
			if err := walk(part, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(e, 0)
}

// Extract calls save with every attachment of a message and its decoded content.
func Extract(r io.Reader, save func(Attachment, io.Reader) error) error {
	e, err := message.ReadWithOptions(r, &message.ReadOptions{MaxHeaderBytes: MaxHeader})
	if e == nil {
		return moot.Errorf(moot.Invalid, "not a MIME message: %w", err)
	}
	return walkParts(e, func(e *message.Entity) error {
		name, kind, attached := partOf(e)
		if !attached {
			return nil
		}
		return save(Attachment{Name: FileName(name), Type: kind}, e.Body)
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
