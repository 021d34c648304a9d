package mail

import (
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

var searchNow = time.Date(2026, 11, 28, 15, 30, 0, 0, time.FixedZone("", 3600))

func day(month time.Month, d int) time.Time {
	return time.Date(2026, month, d, 0, 0, 0, 0, searchNow.Location())
}

func TestParseSearch(t *testing.T) {
	for text, want := range map[string]Query{
		"":                                    {},
		"report 2026":                         {Words: "report 2026"},
		`"board meeting" soon`:                {Words: `"board meeting" soon`},
		"from:zoe FROM:smith to:#general":     {From: "zoe smith", To: "#general"},
		`subject:"board meeting" subject:new`: {Subject: `"board meeting" new`},
		"in:Archive has:attachments":          {Folder: "Archive", Attached: true},
		`in:"Work/next year" x`:               {Folder: "Work/next year", Words: "x"},
		"after:2026-11-02 before:2026-11":     {After: day(11, 2), Before: day(11, 1)},
		"after:yesterday before:today":        {After: day(11, 27), Before: day(11, 28)},
		"after:7d":                            {After: searchNow.Add(-7 * 24 * time.Hour)},
		"before:2w":                           {Before: searchNow.Add(-14 * 24 * time.Hour)},
		"after:2026":                          {After: day(1, 1)},
		"https://x.test/a:b re:x":             {Words: "https://x.test/a:b re:x"},
	} {
		if got, err := ParseSearch(text, searchNow); err != nil || !got.After.Equal(want.After) || !got.Before.Equal(want.Before) {
			t.Errorf("%q: %+v, %v; want %+v", text, got, err, want)
		} else if got.After, got.Before = want.After, want.Before; got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"from:":                             "from: wants something right after the colon, as from:zoe or from:zoe@example.org",
		"from: zoe":                         "right after the colon",
		`subject:""`:                        "right after the colon",
		`say "so`:                           "a quote is not closed",
		"before:soon":                       `"soon" is no date: want before:2026-11-28, before:yesterday or before:7d`,
		"after:99999999999999999d":          "is no date",
		"after:2026-13-01":                  "is no date",
		"has:legs":                          "want has:attachment",
		"in:a in:b":                         "in: is given twice",
		strings.Repeat("a ", 40):            "too many words",
		strings.Repeat("a", 3000):           "too many words",
		"from:" + strings.Repeat("a", 3000): "too many words",
	} {
		if q, err := ParseSearch(text, searchNow); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %+v, %v; want %q", text, q, err, want)
		} else if k := moot.KindOf(err); k != moot.Invalid && k != moot.TooLarge {
			t.Errorf("%.40q: kind %q", text, k)
		}
	}
}

func TestSearchMatches(t *testing.T) {
	s := Summary{From: `"Zoë Smith" <zoe.s@x.test>`, To: []string{"ann@moot.alt", "Bob <bob@moot.alt>"}, Channel: "#general", Attachments: []Attachment{{Name: "a"}}}
	for _, c := range []struct {
		q    Query
		want bool
	}{
		{Query{From: "zoe"}, true}, {Query{From: "ZOË sm"}, true}, {Query{From: `"zoe smith"`}, true}, {Query{From: `"zoe smi"`}, false},
		{Query{From: `"smith zoe s"`}, true}, {Query{From: "ann"}, false}, {Query{From: "zoe.s@x.test"}, true}, {Query{From: "zoe.t"}, false},
		{Query{To: "bob"}, true}, {Query{To: "zoe"}, false}, {Query{To: "#general"}, true}, {Query{From: "zoe", To: "carl"}, false},
		{Query{Attached: true}, true}, {Query{From: "@"}, true},
	} {
		if got := c.q.matches(s); got != c.want {
			t.Errorf("%+v: %t", c.q, got)
		}
	}
	if (Query{Attached: true}).matches(Summary{}) {
		t.Error("a message without attachments has some")
	}
}

// FuzzParseSearch has anything be typed: the index understands what comes of it.
func FuzzParseSearch(f *testing.F) {
	for _, s := range []string{"", "a b", `from:"x y" to:z`, `"`, "a\x00b", "NEAR(a b) OR subject : x*", "after:7d", `sub"ject:a" "b`, "from:\"\"\"a"} {
		f.Add(s)
	}
	x, err := OpenIndex(f.Context(), "")
	if err != nil {
		f.Fatal(err)
	}
	defer x.Close()
	a, err := x.forMember(f.Context(), moot.MemberID{1}, searchNow)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseSearch(text, searchNow)
		if err != nil {
			return
		}
		if _, err := a.list(t.Context(), q); err != nil {
			t.Errorf("%q became %+v: %v", text, q, err)
		}
		q.matches(Summary{From: text, To: []string{text}})
	})
}
