package mailbox

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/mootspace/moot/internal/mime"
)

// fold normalizes case (as RFC 5051, without decomposition).
func fold(s string) string { return strings.ToLower(strings.ToUpper(strings.ToValidUTF8(s, "\uFFFD"))) }

// hits are the words found in a message.
type hits struct{ header, body map[string]bool }

// find searches the headers and texts of a message for words. Texts are decoded and
// streamed.
func (c *content) find(words []string, top mime.Header) (*hits, error) {
	h := &hits{header: map[string]bool{}, body: map[string]bool{}}
	inHeader(words, top, h.header)
	root, err := c.structure()
	if err != nil {
		return nil, err
	}
	return h, c.findIn(root, words, h)
}

func (c *content) findIn(p *mime.Part, words []string, h *hits) error {
	switch {
	case p.Message != nil:
		inHeader(words, p.Message.Header, h.body)
		return c.findIn(p.Message, words, h)
	case len(p.Parts) > 0:
		for _, one := range p.Parts {
			inHeader(words, one.Header, h.header)
			if err := c.findIn(one, words, h); err != nil {
				return err
			}
		}
		return nil
	case strings.HasPrefix(p.Type, "text/") || strings.HasPrefix(p.Type, "message/"):
		return findText(mime.CharsetReader(mime.TransferReader(c.reader(p.Body, p.End), p.Encoding), p.Params["charset"]), words, h.body, c.window())
	}
	return nil
}

func inHeader(words []string, header mime.Header, found map[string]bool) {
	for i := range header {
		text := fold(header[i].Name + ": " + mime.Decode(header[i].Value))
		raw := fold(header[i].Name + ": " + header[i].Value)
		for _, w := range words {
			if strings.Contains(text, w) || strings.Contains(raw, w) {
				found[w] = true
			}
		}
	}
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
