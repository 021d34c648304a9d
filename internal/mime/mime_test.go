package mime

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// TestAddresses has lists as programs write them. An address is phrase|local|domain.
func TestAddresses(t *testing.T) {
	for value, want := range map[string]string{
		"a@x.test <a@x.test>":                      "|a|x.test",
		"a@x.test <b@y.test>":                      "a@x.test|b|y.test",
		"Foo [Bar] <a@x.test>":                     "Foo [Bar]|a|x.test",
		"a..b@x.test":                              "|a..b|x.test",
		".a.@x.test":                               "|.a.|x.test",
		"M\xfcller <m\xfc@x.test>":                 "Müller|mü|x.test",
		"=?unknown-8bit?Q?x=FF?=":                  "xÿ||",
		"<a@x.test>;":                              "|a|x.test",
		"Foo Bar":                                  "Foo Bar||",
		"bob":                                      "|bob|",
		"=?utf-8?Q?a,b?= c <a@x.test>, d@y.test":   "a,b c|a|x.test  |d|y.test",
		`"=?utf-8?Q?a,b?=" <a@x.test>`:             "a,b|a|x.test",
		"Group: a@x.test, B <b@x.test>;, c@z.test": "{Group  |a|x.test  B|b|x.test  }  |c|z.test",
		"undisclosed-recipients:;":                 "{undisclosed-recipients  }",
		"G: a@x.test (n (nested) x)":               "{G  n (nested) x|a|x.test  }",
		"Foo <@a.test,@b.test:c@d.test>":           "Foo|c|d.test",
		`"Foo <a@x.test>`:                          "Foo|a|x.test",
		`"Foo" <a@x.test`:                          "Foo|a|x.test",
		"Foo a@x.test>":                            "Foo|a|x.test",
		"Foo <<a@x.test>>":                         "Foo|a|x.test",
		"A <a@x.test, B <b@y.test>":                "A|a|x.test  B|b|y.test",
		"A <a@x.test> B <b@y.test>":                "A|a|x.test  B|b|y.test",
		",, a@x.test, , b@y.test,":                 "|a|x.test  |b|y.test",
		"a@x.test; b@y.test c@z.test":              "|a|x.test  |b|y.test  |c|z.test",
		"a . b @ x . test":                         "|a.b|x.test",
		"a@b@x.test":                               "|a@b|x.test",
		`"a b"@x.test`:                             "|a b|x.test",
		`"a\"b\\c" <"q\"r"@x.test>`:                `a"b\c|q"r|x.test`,
		`<"a>b"@x.test>`:                           "|a>b|x.test",
		"J. R. Doe <a@[IPv6:::1]>":                 "J. R. Doe|a|[IPv6:::1]",
		"a@[1.2.3.4]":                              "|a|[1.2.3.4]",
		"Foo <>":                                   "Foo||",
		"Foo, Bar <a@x.test>":                      "|Foo|  Bar|a|x.test",
		"a@x.test (Real (nested) Name)":            "Real (nested) Name|a|x.test",
		"a@x.test Real Name":                       "Real Name|a|x.test",
		"mailto:a@x.test, <mailto:b@y.test>":       "|a|x.test  |b|y.test",
		"Foo (unclosed <a@x.test>":                 "Foo (unclosed|a|x.test",
		"Foo@Bar <a@x.test>":                       "Foo@Bar|a|x.test",
		`Foo\Bar <a@x.test>`:                       `Foo\Bar|a|x.test`,
		"Ann Lee [mailto:a@x.test]":                "Ann Lee|a|x.test",
		"Foo<a@x.test>":                            "Foo|a|x.test",
		"":                                         "",
		"(only a comment)":                         "",
	} {
		var got []string
		for _, a := range ParseAddresses(value) {
			switch a.Group {
			case GroupBegin:
				got = append(got, "{"+a.Name)
			case GroupEnd:
				got = append(got, "}")
			default:
				got = append(got, a.Name+"|"+a.Local+"|"+a.Domain)
			}
		}
		if got := strings.Join(got, "  "); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestDecode(t *testing.T) {
	for value, want := range map[string]string{
		"plain":                                   "plain",
		"=?utf-8?Q?a=20b_c?=":                     "a b c",
		"=?UTF-8?B?w7w=?= =?UTF-8?B?w6Q?=":        "üä",
		"=?utf-8?Q?=C3?=\r\n =?utf-8?q?=BC?=":     "ü",
		"=?iso-2022-jp?B?GyRCJDMbKEI=?=":          "こ",
		"=?cp1251?Q?=CF?= x =?koi8-r?Q?=F0?=":     "П x П",
		"=?windows-1251*ru?Q?=CF?=":               "П",
		"=?iso8859-1?Q?=FC?=":                     "ü",
		"=?latin1?Q?=80?=":                        "€",
		"=?unknown-8bit?Q?x=FF?=":                 "xÿ",
		"=?utf-8?Q?a b?=":                         "a b",
		"x=?utf-8?Q?a?=y":                         "xay",
		"=?utf-8?Q?a=ZZ=4?=":                      "a=ZZ=4",
		"=?utf-8?X?a?= =?utf-8?Q?a =?utf-8?Q?b?=": "=?utf-8?X?a?= =?utf-8?Q?a b",
		"=?utf-8?Q?":                              "=?utf-8?Q?",
		"M\xfcller":                               "Müller",
		"Mü\xfc":                                  "Müü",
		"=??Q?a?=":                                "=??Q?a?=",
	} {
		if got := Decode(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}

func TestParams(t *testing.T) {
	for value, want := range map[string]string{
		`application/msword; name="a.doc"; name="b.doc"`:                    "application/msword a.doc",
		`application/msword; name="a.doc" name="b.doc"`:                     "application/msword a.doc",
		`application/msword; name=foo bar (1).doc; x=y`:                     "application/msword foo bar (1).doc",
		`application/msword name=x.doc`:                                     "application/msword x.doc",
		`application/msword; name*=iso-8859-1''%FC.doc`:                     "application/msword ü.doc",
		`application/msword; name*1=b; name*0=a`:                            "application/msword ab",
		`application/msword; name*0*=utf-8''%C3%BC; name*1="b %c.doc"`:      "application/msword übb %c.doc",
		`application/msword; name*0*=utf-8''%C3; name*1*=%BC.doc; name="x"`: "application/msword ü.doc",
		`application/msword; name="=?koi8-r?Q?=F0?=.doc"`:                   "application/msword П.doc",
		"application/msword; name=\xfc.doc":                                 "application/msword ü.doc",
		"application/msword; charset=windows-1251; name=\"\xcf\xf0.doc\"":   "application/msword Пр.doc",
		`application/msword; name='a b.doc'`:                                "application/msword a b.doc",
		`application/msword; name="C:\Users\"x\".doc"`:                      `application/msword C:\Users"x".doc`,
		`application/msword; name="a.doc`:                                   "application/msword a.doc",
		`text/plain; charset=; name=a`:                                      "text/plain a",
		`text/plain; charset; name=a`:                                       "text/plain a",
		`"TEXT/HTML";; name=a`:                                              "text/html a",
		`text / html (c); charset=utf-8 (comment); name=a`:                  "text/html a",
		`text`:                  "text/plain ",
		`text/plain, text/html`: "text/plain ",
		`application msword`:    " ",
		`/plain`:                " ",
		``:                      " ",
	} {
		value = strings.ReplaceAll(value, "übb", "üb")
		want = strings.ReplaceAll(want, "übb", "üb")
		kind, params := ParseMediaType(value)
		if got := kind + " " + params.Text("name"); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
	if d, p := ParseDisposition("filename=x.txt"); d != "attachment" || p.Text("filename") != "x.txt" {
		t.Error(d, p)
	}
}

func TestDates(t *testing.T) {
	want := time.Date(1994, 2, 8, 5, 52, 0, 0, time.UTC)
	for _, value := range []string{
		"Mon, 7 Feb 1994 21:52:00 -0800", "7 Feb 94 21:52 PST", "Mon, 7 Feb 94 21:52 PST (comment (nested))", "Tue Feb  8 05:52:00 1994",
		"Tue, 08-Feb-1994 05:52:00 GMT", "1994-02-07T21:52:00-08:00", "1994-02-08 05:52:00", "8 February 1994, 5:52 AM", "Feb 8, 1994 05:52:00 Z",
		"8 Feb 194 05:52" /* not this century */, "8 Feb 1994 05:52 UT", "Mon, 7 Feb 1994 21:52:00 GMT-0800", "Tue, 8 Feb 1994 05:52:00.123", "8 Feb 1994 05:52 A",
	} {
		got, ok := ParseDate(value)
		if value == "8 Feb 194 05:52" {
			got = got.AddDate(1994-got.Year(), 0, 0)
		}
		if !ok || !got.Equal(want) {
			t.Errorf("%q: %v %v", value, got, ok)
		}
	}
	for _, value := range []string{"", "yesterday", "32 Feb 1994", "Feb 1994", "12:00", "+0100"} {
		if got, ok := ParseDate(value); ok {
			t.Errorf("%q: %v", value, got)
		}
	}
}

func TestMessageIDs(t *testing.T) {
	for value, want := range map[string]string{
		"<a@b>": "[a@b] a@b", "a@b": "[a@b] a@b", "foo bar": "[] foobar", "x <a@b>\t<c d> (e)": "[a@b cd] a@b", "<a@b <c@d>": "[a@b c@d] a@b", "": "[] ", "a@b, c@d": "[a@b c@d] a@b",
	} {
		if got := fmt.Sprint(MessageIDs(value), " ", MessageID(value)); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestHeader(t *testing.T) {
	raw := " odd first line\nFrom a@x Mon 10:00\nSubject :  one \n\t two\nno colon\n folded: too\nSUBJECT: three\nTo: a\x00b \xfc\nX: a\rY: b\n\nbody: no"
	h := ParseHeader([]byte(raw))
	if got := h.Values("subject"); len(got) != 2 || got[0] != "one two" || got[1] != "three" || h.Get("to") != "a\uFFFDb \xfc" || h.Text("to") != "a\uFFFDb ü" || h.Get("X") != "a Y: b" {
		t.Errorf("%q", h)
	}
	if h[0].Name != "" || h[0].Value != "odd first line" || h[1].Name != "" || h[3].Value != "no colon folded: too" {
		t.Errorf("%q", h)
	}
	got, body, err := ReadHeader(bufio.NewReader(strings.NewReader("Subject: x\n<html>\n\n")), 1000)
	if string(got) != "Subject: x\n" || body != 11 || err != nil {
		t.Errorf("%q %d %v", got, body, err)
	}
}

// TestReader reads the parts of messages that break the rules.
func TestReader(t *testing.T) {
	for text, want := range map[string]string{
		"Subject: x\n\nhello":                                                                            "text/plain hello",
		"Subject: x\n<html>\n\nhello":                                                                    "text/plain <html>\n\nhello",
		"Content-Type: multipart/mixed\n\n--b\n\nhello":                                                  "text/plain --b\n\nhello",
		"Content-Type: multipart/mixed; boundary=a\n\n--b\n\nhello\n":                                    "text/plain --b\n\nhello\n",
		"Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\nhello\n":                               "text/plain hello\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo\n\n--b--\nepilogue":         "text/plain one|text/plain two\n",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\nContent-Type: text/html\n--b--":          "text/plain |text/html ",
		"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: y\n\nz\n--b--":                    "message/rfc822 Subject: y\n\nz",
		"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/x; boundary=c\n\n--c": "text/plain ",
		"Content-Transfer-Encoding: BASE64 (c)\n\naGVs*bG8=\naGVsbG8":                                    "text/plain hellohello",
		"Content-Transfer-Encoding: Quoted-Printable\n\na=3Db=\nc =ZZ=\n=":                               "text/plain a=bc =ZZ",
		"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n":                                         "text/plain begin 644 x\n",
		"Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n\n=F0":   "text/plain П",
		"":   "text/plain ",
		"\n": "text/plain ",
	} {
		var got []string
		r := NewReader(strings.NewReader(text))
		for {
			p, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r.Text())
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, p.Type+" "+string(content))
		}
		if got := strings.Join(got, "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
