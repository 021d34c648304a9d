package mta

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/emersion/go-message/textproto"
	"github.com/emersion/go-msgauth/authres"

	"github.com/mootspace/moot"
)

// FuzzHeader: a stripped header has nothing that could be mistaken for a field of this
// server.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{
		"Authentication-Results: mx.example; dmarc=pass\r\n\r\n", "A: b\r\n c\r\n\r\nbody", "\r\n", "", "Authentication-Results: (x) mx.example 1; none\r\n",
		"Authentication-Results: \"mx.ex\\ample\"; none\r\n\r\n", " x\r\n\r\n", ": x\r\n\r\n", "From x\r\nA: b\r\n<html>", "A : b\r\nno field\r\n", "Authentication-Results :\r\n\tmx.example\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, at, err := parseHeader(b)
		if moot.KindOf(err) == moot.TooLarge {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if at > len(b) || h.Len() > maxFields {
			t.Fatalf("body at %d of %d, %d fields", at, len(b), h.Len())
		}
		stripTrusted(&h, "mx.example")
		var out bytes.Buffer
		if err := textproto.WriteHeader(&out, h); err != nil {
			t.Fatal(err)
		}
		again, err := textproto.ReadHeader(bufio.NewReader(&out))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range again.Values("Authentication-Results") {
			if id, _, _ := authres.Parse(v); strings.EqualFold(strings.TrimSpace(id), "mx.example") {
				t.Errorf("%q is left", v)
			}
		}
		fromDomains(again)
	})
}

// FuzzLines: what passes strictLines, and the output of crlfReader, has a CR before each
// LF and an LF after each CR; what passes is unchanged.
func FuzzLines(f *testing.F) {
	for _, s := range []string{"a\r\nb\r\n", "a\nb", "a\rb", "\r\r\n", "\n.\r\n", "\r", ""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		bare := func(b []byte) bool {
			return strings.ContainsAny(strings.ReplaceAll(string(b), "\r\n", ""), "\r\n")
		}
		for _, in := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b))} {
			got, err := io.ReadAll(&strictLines{r: in})
			if (err != nil) != bare(b) || err == nil && !bytes.Equal(got, b) {
				t.Errorf("%q: read %q, %v", b, got, err)
			}
		}
		made, err := io.ReadAll(iotest.OneByteReader(&crlfReader{r: bufio.NewReader(iotest.OneByteReader(bytes.NewReader(b)))}))
		if err != nil || bare(made) || !bare(b) && !bytes.Equal(made, b) {
			t.Errorf("%q became %q, %v", b, made, err)
		}
	})
}

// FuzzAddress: an accepted address is one token in SMTP and in a header.
func FuzzAddress(f *testing.F) {
	for _, s := range []string{"a@b.example", "a b@c.example", `"a"@b.example`, "a@[127.0.0.1]", "ä@ö.example", "a>@b.example", "@", `a\@b.example`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wire, domain, err := wireAddress(s)
		if err != nil {
			return
		}
		if strings.ContainsAny(wire, "\r\n\x00") || strings.Trim(domain, nameBytes) != "" || !strings.HasSuffix(wire, "@"+domain) {
			t.Fatalf("%q became %q", s, wire)
		}
		local := strings.TrimSuffix(wire, "@"+domain)
		if strings.ContainsAny(local, "<> ") && (local[0] != '"' || local[len(local)-1] != '"') {
			t.Fatalf("%q became %q", s, wire)
		}
		if again, _, err := wireAddress(wire); err != nil || again != wire {
			t.Errorf("%q became %q, and that %q, %v", s, wire, again, err)
		}
	})
}

// FuzzOneLine: untrusted text becomes one short printable line.
func FuzzOneLine(f *testing.F) {
	f.Add("a\r\nX-Evil: b\x00\u2028c")
	f.Add(strings.Repeat("é", 400))
	f.Fuzz(func(t *testing.T, s string) {
		if got := oneLine(s); len(got) > 500 || strings.ContainsAny(got, "\r\n\x00\u2028") || strings.ToValidUTF8(got, "?") != got {
			t.Errorf("%q", got)
		}
	})
}

func TestBackOff(t *testing.T) {
	r := Retry{}.orDefault()
	for attempts, want := range []time.Duration{1: 1, 2: 2, 3: 4, 8: 128, 9: 240, 100: 240, 2000: 240} {
		if want == 0 {
			continue
		}
		var delays []float64
		for range 200 {
			delays = append(delays, r.delay(attempts).Minutes())
		}
		low, high := slices.Min(delays), slices.Max(delays)
		if w := float64(want); low < 0.8*w || low > 0.9*w || high > 1.2*w || high < 1.1*w || math.IsNaN(low) {
			t.Errorf("after %d attempts: %v to %v minutes", attempts, low, high)
		}
	}
}
