package mailbox

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	gomessage "github.com/emersion/go-message"
	"github.com/emersion/go-message/charset"
)

// fold normalizes case (as RFC 5051, without decomposition).
func fold(s string) string { return strings.ToLower(strings.ToUpper(strings.ToValidUTF8(s, "\uFFFD"))) }

// hits are the words found in a message.
type hits struct{ header, body map[string]bool }

// find searches the headers and texts of a message for words. Texts are decoded and
// streamed.
func (c *content) find(words []string, top *gomessage.Header) (*hits, error) {
	h := &hits{header: map[string]bool{}, body: map[string]bool{}}
	inHeader(words, top, h.header)
	root, err := c.structure()
	if err != nil {
		return nil, err
	}
	return h, c.findIn(root, words, h)
}

func (c *content) findIn(p *part, words []string, h *hits) error {
	switch {
	case p.message != nil:
		if err := c.findInHead(p.message, words, h.body); err != nil {
			return err
		}
		return c.findIn(p.message, words, h)
	case len(p.parts) > 0:
		for _, one := range p.parts {
			if err := c.findInHead(one, words, h.header); err != nil {
				return err
			}
			if err := c.findIn(one, words, h); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(p.kind, "text/") || strings.HasPrefix(p.kind, "message/"):
		return findText(utf8Of(decoded(c.reader(p.body, p.end), p.encoding), p.params["charset"]), words, h.body, c.window())
	}
	return nil
}

func (c *content) findInHead(p *part, words []string, found map[string]bool) error {
	raw, err := io.ReadAll(c.reader(p.head, min(p.body, p.head+maxPartHeader)))
	if err != nil {
		return err
	}
	inHeader(words, &gomessage.Header{Header: parseHeader(raw)}, found)
	return nil
}

func inHeader(words []string, header *gomessage.Header, found map[string]bool) {
	for fields := header.Fields(); fields.Next(); {
		text := fold(fields.Key() + ": " + fieldText(fields))
		raw := fold(fields.Key() + ": " + fields.Value())
		for _, w := range words {
			if strings.Contains(text, w) || strings.Contains(raw, w) {
				found[w] = true
			}
		}
	}
}

// utf8Of converts a text to UTF-8; one in an unknown encoding is returned unchanged.
func utf8Of(r io.Reader, name string) io.Reader {
	switch strings.ToLower(name) {
	case "", "utf-8", "us-ascii":
		return r
	}
	if converted, err := charset.Reader(name, r); err == nil {
		return converted
	}
	return r
}

const textWindow = 64 << 10

// findText searches a text of any length for folded words.
func findText(r io.Reader, words []string, found map[string]bool, size int) error {
	overlap := 0
	for _, w := range words {
		overlap = max(overlap, len(w))
	}
	var window []byte // folded
	buf := make([]byte, size)
	left := 0 // bytes of an incomplete character
	for {
		n, err := io.ReadFull(r, buf[left:])
		n += left
		ended := err == io.EOF || err == io.ErrUnexpectedEOF
		if err != nil && !ended {
			return err
		}
		whole := n
		if !ended {
			whole = n - partial(buf[:n])
		}
		window = append(window, fold(string(buf[:whole]))...)
		findIn(window, words, found)
		if ended || len(found) == len(words) {
			return nil
		}
		left = copy(buf, buf[whole:n])
		window = append(window[:0], window[max(0, len(window)-overlap):]...)
	}
}

func findIn(window []byte, words []string, found map[string]bool) {
	for _, w := range words {
		if !found[w] && bytes.Contains(window, []byte(w)) {
			found[w] = true
		}
	}
}

// partial returns how many bytes at the end are an incomplete character.
func partial(b []byte) int {
	for i := 1; i < utf8.UTFMax && i <= len(b); i++ {
		if c := b[len(b)-i]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}
