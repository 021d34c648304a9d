package mime

import (
	"bufio"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile are values whose naive parsing takes quadratic time.
var hostile = map[string]string{
	"comments": "(", "nested": "(a)(", "quotes": `"`, "escapes": `\"`, "angles": "<", "open angles": "<a,", "closed": "a>", "quoted angles": `<"`,
	"ats": "a@", "spaced": "a@b ", "groups": "a:", "ends": "a;", "words": "=?utf-8?q?a", "whole words": "=?utf-8?q?a?= ", "half words": "=?", "routes": "<@a,@b:",
	"parameters": "; a=b", "open values": `;a="`, "pieces": "; a*1=b", "names": ";a", "equals": "=", "dots": ". ", "stars": "*", "percents": "%F",
}

// parseAll parses a text as everything.
func parseAll(text string) {
	h := ParseHeader([]byte("To: " + text + "\r\nContent-Type: " + text + "\r\n\r\n"))
	for _, a := range h.Addresses("To") {
		_ = a.String()
	}
	_ = h.Text("To")
	_, params := ParseMediaType("text/plain; " + text)
	_ = params.Text("a")
	_ = params.ASCII()
	ParseDisposition(text)
	ParseDate(text)
	MessageIDs(text)
}

// TestLinear compares the memory for a text and for one of twice the length: what is
// quadratic allocates or copies four times as much.
func TestLinear(t *testing.T) {
	allocated := func(text string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		parseAll(text)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for name, piece := range hostile {
		n := 16 << 10 / len(piece)
		once, twice := allocated(strings.Repeat(piece, n)), allocated(strings.Repeat(piece, 2*n))
		if twice > 3*once+64<<10 {
			t.Errorf("%s: %d bytes for once, %d for twice", name, once, twice)
		}
	}
}

// BenchmarkHostile shows the time per byte for texts of different lengths.
func BenchmarkHostile(b *testing.B) {
	for name, piece := range hostile {
		for _, size := range []int{8 << 10, 32 << 10} {
			text := strings.Repeat(piece, size/len(piece))
			b.Run(name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					parseAll(text)
				}
			})
		}
	}
}

func seed(f *testing.F, values ...string) {
	for _, s := range hostile {
		f.Add(s + s)
	}
	for _, s := range values {
		f.Add(s)
	}
}

// FuzzAddresses: an address that was parsed is parsed as the same again.
func FuzzAddresses(f *testing.F) {
	seed(f, "a@x.test <a@x.test>", "\" 0\"@00", `"a\"b" <"c d"@x.test>, G: e@f;`, "=?utf-8?q?a,b?= <c@d>", "Ann [mailto:a@b]")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 4<<10 {
			return
		}
		for _, a := range ParseAddresses(s) {
			if !utf8.ValidString(a.Name+a.Local+a.Domain) || strings.ContainsAny(a.Name, "\r\n\x00") {
				t.Errorf("%q: %+v", s, a)
			}
			if a.Group != Single || a.Local == "" || strings.ContainsAny(a.Local+a.Domain, "\r\n\t\\\uFFFD") || strings.ContainsAny(a.Domain, "\"(),:;<>[]@ ") || a.Domain == "" {
				continue
			}
			again := ParseAddresses("<" + a.Address() + ">")
			if len(again) != 1 || again[0].Local != a.Local || again[0].Domain != a.Domain {
				t.Errorf("%q: %+v, again %+v", s, a, again)
			}
		}
	})
}

// FuzzDecode: what was decoded is UTF-8, and not longer than a few bytes for each.
func FuzzDecode(f *testing.F) {
	seed(f, "=?iso-2022-jp?B?GyRCJDMbKEI=?=", "=?x?q?=FF?= =?x?q?=00?=", "M\xfcller")
	f.Fuzz(func(t *testing.T, s string) {
		got := Decode(s)
		if !utf8.ValidString(got) || len(got) > 8*len(s)+16 {
			t.Errorf("%q: %q", s, got)
		}
	})
}

// FuzzParams: values are UTF-8, and in ASCII where they must be; what ASCII returns means
// the same.
func FuzzParams(f *testing.F) {
	seed(f, `text/plain; name="a"; charset=x`, "a/b; name*=koi8-r''%F0", "a/b; name*0*=utf-8''%C3; name*1=\xbc")
	f.Fuzz(func(t *testing.T, s string) {
		kind, params := ParseMediaType(s)
		ParseDisposition(s)
		if len(params) > maxParams || kind != "" && !strings.Contains(kind, "/") {
			t.Errorf("%q: %q %v", s, kind, params)
		}
		for name := range params {
			if text := params.Text(strings.TrimSuffix(name, "*")); !utf8.ValidString(text) {
				t.Errorf("%q: %q", s, text)
			}
		}
		for _, v := range params.ASCII() {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q: %q", s, v)
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	seed(f, "Mon, 7 Feb 1994 21:52:00 -0800", "2026-03-02T08:30:00Z", "8:30PM+01 1 Jan 99")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := ParseDate(s); ok && (got.Year() < -1 || got.Year() > 10_000) {
			t.Errorf("%q: %v", s, got)
		}
	})
}

func FuzzMessageID(f *testing.F) {
	seed(f, "<a@b> <c", "a@b c@d")
	f.Fuzz(func(t *testing.T, s string) {
		for _, id := range append(MessageIDs(s), MessageID(s)) {
			if strings.ContainsAny(id, " \t\r\n") || len(id) > len(s) {
				t.Errorf("%q: %q", s, id)
			}
		}
	})
}

// FuzzHeader: the fields are the header, and it ends where the structure says.
func FuzzHeader(f *testing.F) {
	seed(f, "a: b\r\n c\r\nd\r\n\r\ne", "\r\r\n\r\n", "<a", "a: b\n<html>", "\x00: \x00\n\n")
	f.Fuzz(func(t *testing.T, s string) {
		raw, body, err := ReadHeader(bufio.NewReader(strings.NewReader(s)), MaxHeader)
		if err != nil || body > int64(len(s)) || string(raw) != s[:min(int(body), MaxHeader)] {
			t.Fatalf("%q: %q, %d, %v", s, raw, body, err)
		}
		size := 0
		for _, field := range ParseHeader(raw) {
			size += len(field.Raw)
			if strings.ContainsAny(field.Value, "\r\n\x00") {
				t.Errorf("%q: %q", s, field.Value)
			}
		}
		if rest := raw[min(size, len(raw)):]; len(strings.Trim(string(rest), "\r\n")) > 0 {
			t.Errorf("%q: %q is in no field", s, rest)
		}
		if root, err := ParsePart(strings.NewReader(s), 64<<10); err != nil || root.Body != body || root.End != int64(len(s)) {
			t.Errorf("%q: %+v, body at %d", s, root, body)
		}
	})
}

// FuzzReader: parts are read whole, and decoding makes nothing longer.
func FuzzReader(f *testing.F) {
	seed(f, "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Transfer-Encoding: base64\n\naGk\n--a--",
		"Content-Type: message/rfc822\n\nContent-Type: multipart/digest; boundary=\"\"\n\n--\n\n", "Content-Transfer-Encoding: quoted-printable\n\n=3D=\n=")
	f.Fuzz(func(t *testing.T, s string) {
		r := NewReader(strings.NewReader(s))
		size := 0
		for skip := false; ; skip = !skip {
			p, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil || p.Type == "" {
				t.Fatalf("%q: %+v %v", s, p, err)
			}
			if skip {
				continue
			}
			content, err := io.ReadAll(r.Content())
			if err != nil {
				t.Fatal(err)
			}
			size += len(content)
			p.FileName()
		}
		if size > len(s) {
			t.Errorf("%q: %d bytes", s, size)
		}
	})
}
