package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"pgregory.net/rapid"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/awkward"
	"github.com/mootspace/moot/internal/mime"
)

// contentOf is a message on its own.
func contentOf(text string) *content {
	m := newMemory()
	m.texts[moot.BlobID{}] = []byte(text)
	return &content{ctx: context.Background(), mb: m, size: int64(len(text))}
}

// drawPart draws a well-formed part with all that is below it, and the paths of all.
func drawPart(t *rapid.T, depth int, path []int, paths *[][]int) string {
	*paths = append(*paths, path)
	kinds := []string{"text", "text", "plain"}
	if depth < 4 {
		kinds = append(kinds, "multipart", "message")
	}
	words := rapid.StringMatching(`([a-z -]{0,12}\r\n){0,3}[a-z]{0,3}`)
	switch kind := rapid.SampledFrom(kinds).Draw(t, "kind"); kind {
	case "multipart":
		b := fmt.Sprintf("b%d.%d", depth, rapid.IntRange(0, 1000).Draw(t, "boundary"))
		s := "Content-Type: multipart/mixed; boundary=" + b + "\r\n\r\n" + rapid.SampledFrom([]string{"", "preamble\r\n"}).Draw(t, "preamble")
		for i := range rapid.IntRange(1, 3).Draw(t, "parts") {
			s += "--" + b + "\r\n" + drawPart(t, depth+1, append(path[:len(path):len(path)], i+1), paths) + "\r\n"
		}
		return s + "--" + b + "--" + rapid.SampledFrom([]string{"", "\r\n", "\r\nepilogue"}).Draw(t, "epilogue")
	case "message":
		if len(path) == 0 {
			return "Subject: x\r\n\r\n" + words.Draw(t, "text")
		}
		var inner [][]int
		s := "Content-Type: message/rfc822\r\n\r\n" + drawPart(t, depth+1, path, &inner)
		if strings.Contains(s[32:], "Content-Type: message/") && len(inner) == 1 {
			inner = nil // the library counts a message directly within a message otherwise
		}
		*paths = append(*paths, inner...)
		return s
	case "text":
		return "Content-Type: text/plain\r\nX-Long: folded\r\n over lines\r\n\r\n" + words.Draw(t, "text")
	default:
		return "\r\n" + words.Draw(t, "text")
	}
}

// TestLayout compares the parts of well-formed messages with the library's, which reads
// each part into memory.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var paths [][]int
		text := drawPart(t, 0, nil, &paths)
		c := contentOf(text)
		root, err := c.structure()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := outlineSent(sent(t, root)), outline(imapserver.ExtractBodyStructure(strings.NewReader(text))); got != want {
			t.Fatalf("%q: %s, want %s", text, got, want)
		}
		for _, path := range paths {
			for _, what := range []imap.PartSpecifier{imap.PartSpecifierNone, imap.PartSpecifierMIME, imap.PartSpecifierHeader, imap.PartSpecifierText} {
				item := &imap.FetchItemBodySection{Part: path, Specifier: what}
				if len(path) > 0 && what != imap.PartSpecifierNone && !within822(c, path) {
					continue // there is no such section
				}
				if len(path) == 0 && what == imap.PartSpecifierMIME {
					continue
				}
				s, err := c.section(item)
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(s.reader())
				if err != nil || int64(len(got)) != s.size {
					t.Fatalf("%v%s: %d bytes, %v, announced were %d", path, what, len(got), err, s.size)
				}
				if want := imapserver.ExtractBodySection(strings.NewReader(text), item); string(got) != string(want) {
					t.Fatalf("%v%s of %q:\n%q, want\n%q", path, what, text, got, want)
				}
			}
		}
	})
}

// outline is the compared part of a structure.
func outline(b imap.BodyStructure) string {
	switch b := b.(type) {
	case *imap.BodyStructureMultiPart:
		s := b.MediaType() + "("
		for _, one := range b.Children {
			s += outline(one) + " "
		}
		return s + ")"
	case *imap.BodyStructureSinglePart:
		s := fmt.Sprint(b.MediaType(), " ", b.Size)
		if b.Text != nil {
			s += fmt.Sprint("/", b.Text.NumLines)
		}
		if m := b.MessageRFC822; m != nil {
			s += fmt.Sprint("/", m.NumLines, "[", outline(m.BodyStructure), "]")
		}
		return s
	}
	return "?"
}

// outlineSent is the outline of a structure as it is sent.
func outlineSent(v any) string {
	p, _ := v.([]any)
	if children, sub, _, ok := multipart(p); ok {
		s := "multipart/" + sub + "("
		for _, one := range children {
			s += outlineSent(one) + " "
		}
		return s + ")"
	}
	if len(p) < 7 {
		return fmt.Sprintf("malformed: %.200q", v)
	}
	s := fmt.Sprint(p[0], "/", p[1], " ", p[6])
	switch {
	case p[0] == "text":
		s += fmt.Sprint("/", p[7])
	case hasEnvelope(p):
		s += fmt.Sprint("/", p[9], "[", outlineSent(p[8]), "]")
	}
	return s
}

// sent are the values of a part's structure, as a program reads them.
func sent(t interface{ Fatal(...any) }, p *mime.Part) any {
	var b items
	b.structure(p, true)
	values, err := responses{bufio.NewReader(strings.NewReader(string(b) + "\r\n"))}.next()
	if err != nil || len(values) != 1 {
		t.Fatal(string(b), values, err)
	}
	return values[0]
}

func within822(c *content, path []int) bool {
	root, err := c.structure()
	if err != nil {
		return false
	}
	p := find(root, path)
	return p != nil && p.Message != nil
}

// FuzzLayout parses any bytes: parts must lie within their enclosing parts, and convert
// to the protocol.
func FuzzLayout(f *testing.F) {
	f.Add([]byte(nested))
	f.Add([]byte(hello))
	for _, m := range awkward.Messages() {
		f.Add(m.Text)
	}
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n--a--"))
	f.Add([]byte("Content-Type: message/rfc822\r\n\r\nContent-Type: multipart/digest; boundary=\"\"\r\n\r\n--\r\n\r\n--\r\n----"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := contentOf(string(text))
		root, err := c.structure()
		if err != nil {
			t.Fatal(err)
		}
		if root.End != int64(len(text)) {
			t.Errorf("ends at %d of %d", root.End, len(text))
		}
		checkPart(t, root)
		if got := outlineSent(sent(t, root)); strings.Contains(got, "malformed") {
			t.Errorf("%q: %s", text, got)
		}
		h, body, err := c.header()
		if err != nil || body != root.Body {
			t.Errorf("the body begins at %d, or at %d: %v", body, root.Body, err)
		}
		new(items).envelope(h)
		if _, err := c.find([]string{"a", "--"}, h); err != nil {
			t.Error(err)
		}
		for _, names := range [][]string{{"content-type"}, {"x"}} {
			some, _ := c.section(&imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFields: names})
			rest, _ := c.section(&imap.FetchItemBodySection{Specifier: imap.PartSpecifierHeader, HeaderFieldsNot: names})
			a, _ := io.ReadAll(some.reader())
			b, _ := io.ReadAll(rest.reader())
			if !bytes.HasSuffix(a, []byte("\r\n")) || !bytes.HasSuffix(b, []byte("\r\n")) || int64(len(a)+len(b)) > body+8 {
				t.Errorf("fields: %q and %q of %d bytes", a, b, body)
			}
		}
	})
}

func checkPart(t *testing.T, p *mime.Part) {
	if p.Head > p.Body || p.Body > p.End || p.Lines < 0 || p.Lines > p.End-p.Body || !strings.Contains(p.Type, "/") {
		t.Errorf("a part %+v", p)
	}
	at := p.Body
	for _, one := range append(p.Parts, p.Message) {
		if one == nil {
			continue
		}
		if one.Head < at || one.End > p.End {
			t.Errorf("%d–%d is not within %d–%d", one.Head, one.End, at, p.End)
		}
		at = one.End
		checkPart(t, one)
	}
}

// TestHostileMessages are large in every dimension; they must be parsed fast.
func TestHostileMessages(t *testing.T) {
	begin := time.Now()
	deep := func(kind, between string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: %s; boundary=b%d\r\n\r\n", kind, i)
			if between != "" {
				fmt.Fprintf(&b, between, i)
			}
		}
		return b.String() + "end"
	}
	for name, text := range map[string]string{
		"fields":           strings.Repeat("X-Field: value\r\n", 100_000) + "\r\nbody",
		"one field":        "Subject: " + strings.Repeat("x", 3<<20) + "\r\n\r\nbody",
		"continuations":    "To: a@b\r\n" + strings.Repeat(" \r\n", 1<<20) + "\r\nbody",
		"comments":         "In-Reply-To: " + strings.Repeat("(", 200_000) + "\r\nTo: " + strings.Repeat("(a", 200_000) + "\r\n\r\nbody",
		"addresses":        "To: " + strings.Repeat("a@b, ", 200_000) + "a@b\r\n\r\nbody",
		"multiparts":       deep("multipart/mixed", "--b%d\r\n", 5000),
		"messages":         deep("message/rfc822", "", 5000),
		"parts":            "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\n\r\n", 200_000) + "--b--\r\n",
		"boundaries":       deep("multipart/mixed", "--b%d\r\n", 99) + strings.Repeat("\r\n--b", 500_000),
		"parameters":       "Content-Type: text/plain" + strings.Repeat("; a=b", 100_000) + "\r\n\r\n",
		"no end of a line": "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + strings.Repeat("x", 7<<20),
		"nothing":          "",
		"no header":        "\r\n",
		"only a line end":  "\n",
		"zero bytes":       strings.Repeat("\x00", 1<<20),
		"carriage returns": strings.Repeat("\r", 1<<20),
		"a long boundary":  "Content-Type: multipart/mixed; boundary=" + strings.Repeat("b", 15000) + "\r\n\r\n--" + strings.Repeat("b", 15000) + "\r\n\r\nx",
	} {
		c := contentOf(text)
		root, err := c.structure()
		if err != nil {
			t.Fatal(name, err)
		}
		checkPart(t, root)
		h, _, err := c.header()
		if err != nil {
			t.Fatal(name, err)
		}
		new(items).envelope(h)
		if _, err := c.find([]string{"needle"}, h); err != nil {
			t.Fatal(name, err)
		}
	}
	if d := time.Since(begin); d > 30*time.Second {
		t.Errorf("took %v", d)
	}
}
