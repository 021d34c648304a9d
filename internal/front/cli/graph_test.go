package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

func TestParseGraph(t *testing.T) {
	g, order, err := parseGraph([]byte(`
as: out
jobs:
  page: {run: page.wasm, args: [--title, "My photos"], after: [thumbs, sizes]}
  thumbs: {run: thumb.wasm, each: [photos], env: {B: 2, A: 1}, time: 2d}
  sizes: {run: sizes.wasm, each-of: thumbs}
`))
	if err != nil || !slices.Equal(order, []string{"thumbs", "sizes", "page"}) || g.As != "out" || g.Jobs["page"].Args[1] != "My photos" {
		t.Fatalf("%+v, %v, %v", g, order, err)
	}
	o, err := g.Jobs["thumbs"].flags()
	if err != nil || !slices.Equal(o.env, []string{"A=1", "B=2"}) || o.wall != 48*time.Hour || !slices.Equal(o.each, []string{"photos"}) {
		t.Errorf("%+v, %v", o, err)
	}
	for text, why := range map[string]string{
		"":                                "no jobs",
		"jobs: {}":                        "no jobs",
		"jobs: [a]":                       "unmarshal",
		"jobs: {a: {}}":                   "what to run",
		"jobs: {a: {run: x, afer: [b]}}":  "afer",
		"jobs: {a: {run: x, after: [b]}}": `"b", which there is not`,
		"jobs: {a: {run: x, after: [b]}, b: {run: x, each-of: a}}": "waits for itself",
		"jobs: {a/b: {run: x}}":                    "name of a job",
		"jobs: {..: {run: x}}":                     "name of a job",
		"jobs: {a: {run: x, each: [b], count: 2}}": "a count",
	} {
		if _, _, err := parseGraph([]byte(text)); moot.KindOf(err) != moot.Invalid || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// FuzzParseGraph: whatever is accepted has an order in which each job follows those it
// waits for.
func FuzzParseGraph(f *testing.F) {
	f.Add([]byte("jobs: {a: {run: x, after: [b]}, b: {run: x, each-of: c}, c: {run: y}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		g, order, err := parseGraph(text)
		if err != nil {
			return
		}
		if len(order) != len(g.Jobs) {
			t.Fatalf("%d jobs, %d in order", len(g.Jobs), len(order))
		}
		for i, name := range order {
			for _, other := range g.Jobs[name].needs() {
				if j := slices.Index(order, other); j < 0 || j >= i {
					t.Errorf("%s comes before %s", name, other)
				}
			}
		}
	})
}

func TestParseAt(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	for text, want := range map[string]string{
		"22:00": "2026-03-04T22:00:00+01:00", "05:06": "2026-03-05T05:06:00+01:00", "2026-12-24 18:00": "2026-12-24T18:00:00+01:00",
		"2026-12-24T18:00:00Z": "2026-12-24T18:00:00Z", "90m": "2026-03-04T06:36:07+01:00", "2d": "2026-03-06T05:06:07+01:00",
	} {
		if got, err := parseAt(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "noon", "25:00", "2026-03-04 05:06", "-3h"} {
		if _, err := parseAt(text, now); moot.KindOf(err) != moot.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
