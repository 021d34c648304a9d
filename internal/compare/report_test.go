package compare

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// sampleReport has a valid row, a void one and a failed one.
func sampleReport() *Report {
	run := func(last float64, void string) Run {
		r := Run{Repeat: 1, Void: void, Verified: 1, CPU: &CPU{0.5, 0.9}, Receivers: []Receiver{{
			Seconds: last, Progress: []Point{{last / 2, 500_000}, {last, 1_100_000}},
		}}}
		r.summarise([]int64{0, 0}, []int64{1_000_000, 100_000}, 1e6)
		return r
	}
	all := moot.Architectures()
	r := &Report{
		Scenario:    "scalability",
		Setup:       Setup{Version: "<b>1</b>", Date: time.Unix(1e9, 0).UTC(), System: "Linux 6", CPUs: 2, Links: "namespaces", Size: 1e6, SourceUp: 8e6, Up: 4e6, Repeats: 1},
		Calibration: &Calibration{Nominal: 8e6, Payload: 7.6e6, Wire: 8e6},
		Rows: []Row{
			{Architecture: all[0], Peers: 1, Bound: 1, Runs: []Run{run(1.25, "")}},
			{Architecture: all[1], Peers: 1, Bound: 1, Runs: []Run{run(1.5, "the machine was the limit")}},
			{Architecture: all[2], Peers: 2, Bound: 1, Runs: []Run{{Repeat: 1, Failed: "a <wire> was cut"}}},
		},
	}
	for i := range r.Rows {
		r.Rows[i].summarise(r.Calibration)
	}
	return r
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := sampleReport().Text(&b); err != nil {
		t.Fatal(err)
	}
	contains(t, b.String(), "Source up 8 Mbit/s", "all down without limit", "carried 7.6 Mbit/s",
		"client-server  1.25 s", "1.05 s", "VOID", "2 runs did not count",
		"peer-to-peer to 1, repeat 1: void: the machine was the limit", "hybrid to 2, repeat 1: failed: a <wire> was cut")
}

func TestHTML(t *testing.T) {
	var b strings.Builder
	if err := sampleReport().HTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	contains(t, page, "<!doctype html>", "client-server took 1.25 s (1.25 times its bound)", "a &lt;wire&gt; was cut",
		"&lt;b&gt;1&lt;/b&gt;", `class="mark void"`, "2 of 3 runs do not count", "prefers-color-scheme: dark", `<polyline class="curve" points="4,112 `)
	for _, foreign := range []string{"<wire>", "<b>1", "<script", "http://", "https://", "ZgotmplZ", "%!", "NaN"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %q", foreign)
		}
	}
	r := sampleReport()
	r.Rows = r.Rows[2:]
	b.Reset()
	if err := r.HTML(&b); err != nil {
		t.Errorf("with nothing but a failed run: %v", err)
	}
	if strings.Contains(b.String(), "client-server bound") {
		t.Error("a bound of an architecture that was not measured")
	}
	contains(t, b.String(), "No run counts", "only network namespaces show it")
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(sampleReport())
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(text), `"scenario":"scalability"`, `"size_bytes":1000000`, `"payload_bps":7600000`, `"ratio":1.25`,
		`"void":"the machine was the limit"`, `"copies_verified":1`, `"sent_bytes":[1000000,100000]`, `"failed":"a \u003cwire\u003e was cut"`)
	var back Report
	if err := json.Unmarshal(text, &back); err != nil || back.Err() == nil || len(back.Voids()) != 2 {
		t.Errorf("read back: %v, %v, %q", err, back.Err(), back.Voids())
	}
}

func contains(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%.4000s", want, text)
		}
	}
}

// TestCells: a column each, "-" for what is not known.
func TestCells(t *testing.T) {
	r := sampleReport()
	for i, want := range []string{
		"1 client-server 1.25 s 1.25–1.25 1.25 s 1.00 s 1.25 1.05 s 91 % 1.00 1.10 50 % ",
		"1 peer-to-peer 1.50 s 1.50–1.50 1.50 s 1.00 s 1.50 1.05 s 91 % 1.00 1.10 50 % VOID",
		"2 hybrid failed",
	} {
		if got := strings.Join(r.Rows[i].cells(), " "); got != want {
			t.Errorf("row %d: %q, want %q", i, got, want)
		}
	}
	row := r.Rows[0]
	row.Bound, row.Runs[0].CPU = 0, nil
	row.summarise(nil)
	if got, want := strings.Join(row.cells(), " "), "1 client-server 1.25 s 1.25–1.25 1.25 s - - - 91 % 1.00 1.10 - "; got != want {
		t.Errorf("without bound and load: %q, want %q", got, want)
	}
}

// TestOutcome: one line for the terminal after each run.
func TestOutcome(t *testing.T) {
	r := sampleReport()
	for i, want := range []string{
		"1.25 s, bound 1.00 s, 1 copies verified",
		"1.50 s, but void: the machine was the limit",
		"failed: a <wire> was cut",
	} {
		if got := outcome(r.Rows[i].Runs[0], r.Rows[i]); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestTextFallback: a report over loopback has the reason, and no note on void runs without one.
func TestTextFallback(t *testing.T) {
	r := sampleReport()
	r.Setup.Fallback, r.Setup.Repeats, r.Calibration, r.Rows = "asked for", 3, nil, r.Rows[:1]
	var b strings.Builder
	if err := r.Text(&b); err != nil {
		t.Fatal(err)
	}
	contains(t, b.String(), "This is the fallback (asked for)", "3 repeats")
	for _, absent := range []string{"plain TCP stream", "did not count", "VOID:"} {
		if strings.Contains(b.String(), absent) {
			t.Errorf("%q in:\n%s", absent, b.String())
		}
	}
}

// TestWritersFail: Text and HTML return the error of their writer.
func TestWritersFail(t *testing.T) {
	full := errors.New("the disk is full")
	r := sampleReport()
	for name, write := range map[string]func(io.Writer) error{"text": r.Text, "page": r.HTML} {
		reader, writer := io.Pipe()
		reader.CloseWithError(full)
		if err := write(writer); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
