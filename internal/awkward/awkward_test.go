package awkward

import (
	"slices"
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	all := Messages()
	if len(all) < 300 {
		t.Errorf("%d messages", len(all))
	}
	names := map[string]string{}
	for _, m := range all {
		if strings.Contains(string(m.Text), "\\*") {
			t.Errorf("%s: an escape is left", m.Name)
		}
		if names[m.Name] != "" {
			t.Errorf("%s: twice", m.Name)
		}
		names[m.Name] = string(m.Text)
	}
	for name, want := range map[string]string{
		"from-latin1-raw":                     "From: Gr\xfcn <ann@moot.test>\r\n\r\nx\r\n",
		"nothing-at-all":                      "",
		"only-header-without-line-end":        "From: ann@moot.test\r\nSubject: only header",
		"boundary-last-line-without-line-end": "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n--a--",
		"lines-end-with-cr":                   "From: ann@moot.test\rSubject: at\r noon\r\rline one\rline two\r",
	} {
		if names[name] != want {
			t.Errorf("%s: %q, want %q", name, names[name], want)
		}
	}
	got := parse("-- a -- LF\n\\*3{\\i\\x00}\n-- b --\n\\-\n")
	if want := []Message{{"a", []byte("1\x002\x003\x00\n")}, {"b", nil}}; !slices.EqualFunc(got, want, func(a, b Message) bool {
		return a.Name == b.Name && string(a.Text) == string(b.Text)
	}) {
		t.Errorf("%q", got)
	}
}
