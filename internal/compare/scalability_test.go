package compare

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mootspace/moot"
)

// small is a comparison with the fake program over loopback.
func small() Options {
	return Options{
		Peers: []int{2}, Architectures: moot.Architectures(), Size: 100_000, Repeats: 1,
		SourceUp: 80e6, Up: 40e6, Loopback: true, Version: "test",
	}
}

// measure runs a comparison on a machine with one core of the given load.
func measure(ctx context.Context, o Options, load float64) (*Report, error) {
	var mu sync.Mutex
	var now coreTime
	c := &comparison{Options: o, readCPU: func() []coreTime {
		mu.Lock()
		defer mu.Unlock()
		now.busy, now.total = now.busy+load, now.total+1
		return []coreTime{now}
	}}
	return c.run(ctx)
}

// TestScalability: each architecture with one and two receivers. Receivers are mere
// clients unless peers are asked, and only a server serves.
func TestScalability(t *testing.T) {
	log := logCommands(t)
	o := small()
	o.Peers = []int{2, 1}
	var progress []string
	o.Progress = func(line string) { progress = append(progress, line) }
	r, err := measure(t.Context(), o, 0.125)
	if err != nil {
		t.Fatal(err)
	}
	if r.Err() != nil || r.Scenario != "scalability" || r.Calibration != nil || len(r.Rows) != 6 {
		t.Fatalf("%+v: %v", r, r.Err())
	}
	for i, row := range r.Rows {
		if want := moot.Architectures()[i%3]; row.Architecture != want || row.Peers != 1+i/3 {
			t.Errorf("row %d is %s to %d", i, row.Architecture.Name(), row.Peers)
		}
		checkRow(t, row)
	}
	s := r.Setup
	if s.Fallback != "asked for" || s.Down != 0 || s.SourceUp != 80e6 || s.Up != 40e6 || s.Size != 100_000 || s.Version != "test" || s.CPUs < 1 {
		t.Errorf("%+v", s)
	}
	for prefix, want := range map[string]int{
		"h0 init --name compare --as h0":         6,
		"h0 serve --listen 127.0.0.1:0":          4,
		"h0 up --listen 127.0.0.1:0":             2,
		"h1 up --listen 127.0.0.1:0":             4,
		"h2 up --listen 127.0.0.1:0":             2,
		"h0 policy --rate 10000000":              6,
		"h1 policy --rate 5000000":               4,
		"h1 join moot://invitation --as h1":      6,
		"h2 join moot://invitation --as h2":      3,
		"h2 get data --via server":               1,
		"h2 get data --via peers":                1,
		"h2 get data --via both":                 1,
		"h0 share --as data":                     6,
		"h0 invite --uses 0":                     6,
		"h3":                                     0,
		"h1 serve":                               0,
		"h0 get":                                 0,
		"h1 get data --via peers --no-such-flag": 0,
	} {
		if got := log.count(prefix); got != want {
			t.Errorf("%q was run %d times, want %d", prefix, got, want)
		}
	}
	log.nothingLeft()
	contains(t, strings.Join(progress, "\n"), "over loopback", "run 1 of 6: client-server to 1, repeat 1", "run 6 of 6: hybrid to 2, repeat 1")
}

// checkRow: the fake source sends every copy.
func checkRow(t *testing.T, row Row) {
	t.Helper()
	name := row.Architecture.Name()
	if len(row.Runs) != 1 || row.Representing != 0 || row.Bound <= 0 {
		t.Fatalf("%s: %+v", name, row)
	}
	run := row.Runs[0]
	if run.Failed != "" || run.Verified != row.Peers || len(run.Receivers) != row.Peers || len(run.Sent) != row.Peers+1 {
		t.Errorf("%s: %+v", name, run)
	}
	if run.Void != "" || run.CPU == nil || run.CPU.Total != 0.125 {
		t.Errorf("%s: void %q with a load of %+v", name, run.Void, run.CPU)
	}
	if row.SourceShare.Median != 1 || row.Copies.Median != float64(row.Peers) || row.Overhead.Median != 1 {
		t.Errorf("%s: share %+v, copies %+v, overhead %+v", name, row.SourceShare, row.Copies, row.Overhead)
	}
	if !(0 < run.First && run.First <= run.Median && run.Median <= run.Last) || row.Last.Median != run.Last {
		t.Errorf("%s: first %v, median %v, last %v of %+v", name, run.First, run.Median, run.Last, row.Last)
	}
	if run.Receivers[0].Progress != nil {
		t.Errorf("%s: progress over loopback: %v", name, run.Receivers[0].Progress)
	}
}

// TestFileOfOnesOwn: its size is that of the comparison, and its rates are not limited.
func TestFileOfOnesOwn(t *testing.T) {
	log := logCommands(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, make([]byte, 12_345), 0o600); err != nil {
		t.Fatal(err)
	}
	o := small()
	o.File, o.Architectures, o.SourceUp, o.Up, o.Repeats = file, moot.Architectures()[:1], 0, 0, 2
	r, err := measure(t.Context(), o, 0.125)
	if err != nil {
		t.Fatal(err)
	}
	if r.Setup.Size != 12_345 || len(r.Rows) != 1 || len(r.Rows[0].Runs) != 2 || r.Rows[0].Bound != 0 || r.Rows[0].Ratio != 0 {
		t.Errorf("%+v", r)
	}
	for i, run := range r.Rows[0].Runs {
		if run.Repeat != i+1 || run.Verified != 2 {
			t.Errorf("run %d: %+v", i, run)
		}
	}
	if n := log.count("h0 policy"); n != 0 {
		t.Errorf("%d rates were limited", n)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the original: %v", err)
	}
}

// TestBusyMachine: the figures are there, but do not count. The set-up does not wait
// for ever for the machine to become idle.
func TestBusyMachine(t *testing.T) {
	o := small()
	o.Peers, o.Architectures = []int{1}, o.Architectures[:1]
	r, err := measure(t.Context(), o, 0.875)
	if err != nil {
		t.Fatal(err)
	}
	row := r.Rows[0]
	if want := "the machine was the limit (88 % of its CPU busy)"; row.Void != want || row.Runs[0].Void != want || row.Last.Median <= 0 {
		t.Errorf("%+v", row)
	}
	if r.Err() != nil || len(r.Voids()) != 1 {
		t.Errorf("void runs %q, error %v", r.Voids(), r.Err())
	}
}

// TestFailedRun: a failure after a success is reported, and the other runs go on.
func TestFailedRun(t *testing.T) {
	for _, c := range []struct{ fault, reason string }{
		{"fail get data --via peers", "get: no member can be reached"},
		{"corrupt get data --via peers", "differs from the original"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			log := logCommands(t)
			t.Setenv(envFault, c.fault)
			o := small()
			o.Peers = []int{1}
			r, err := measure(t.Context(), o, 0.125)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"", c.reason, ""} {
				row := r.Rows[i]
				if got := row.Runs[0].Failed; want == "" && got != "" || !strings.Contains(got, want) {
					t.Errorf("%s failed with %q, want %q", row.Architecture.Name(), got, want)
				}
				if failed := row.Representing < 0; failed != (want != "") || failed && row.Void != "all runs failed" {
					t.Errorf("%s: void %q, representing %d", row.Architecture.Name(), row.Void, row.Representing)
				}
			}
			if err := r.Err(); moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "1 of 3 runs failed") {
				t.Errorf("the report's error: %v", err)
			}
			log.nothingLeft()
		})
	}
}

// TestFirstRunFails: the comparison ends with the reason.
func TestFirstRunFails(t *testing.T) {
	for _, c := range []struct{ fault, reason string }{
		{"fail init", "h0: init: init: no member"},
		{"fail serve", "h0: serve: serve: no member"},
		{"silent serve", "h0: serve: unexpected EOF"},
		{"silent share", "h0: share: exit status 1"},
		{"fail policy", "h0: policy: policy: no member"},
		{"fail share", "h0: share: share: no member"},
		{"fail invite", "h0: invite: invite: no member"},
		{"fail join", "h1: join: join: no member"},
		{"garbage status", "read a node's status"},
		{"fail get", "h1: get: get: no member"},
	} {
		t.Run(c.fault, func(t *testing.T) {
			log := logCommands(t)
			t.Setenv(envFault, c.fault)
			o := small()
			o.Peers, o.Architectures = []int{1}, o.Architectures[:1]
			r, err := measure(t.Context(), o, 0.125)
			if r != nil || err == nil || !strings.Contains(err.Error(), c.reason) || !strings.HasPrefix(err.Error(), "compare scalability: client-server: ") {
				t.Errorf("%v, want %q", err, c.reason)
			}
			log.nothingLeft()
		})
	}
}

// TestInterrupted: during the set-up and while a receiver fetches.
func TestInterrupted(t *testing.T) {
	for _, fault := range []string{"hang join", "hang get"} {
		t.Run(fault, func(t *testing.T) {
			log := logCommands(t)
			t.Setenv(envFault, fault)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, command, _ := strings.Cut(fault, " ")
			started := make(chan error, 1)
			go func() {
				started <- awaitLine(ctx, log, "h1 "+command)
				cancel()
			}()
			o := small()
			o.Peers, o.Architectures = []int{1}, o.Architectures[:1]
			_, err := measure(ctx, o, 0.125)
			if moot.KindOf(err) != moot.Unavailable || !strings.Contains(err.Error(), "interrupted; nothing is left behind") {
				t.Errorf("%v", err)
			}
			if err := <-started; err != nil {
				t.Error(err)
			}
			log.nothingLeft()
		})
	}
}

// TestPrepare: options and files that cannot be measured.
func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		change func(*Options)
		kind   moot.ErrorKind
		want   string
	}{
		{func(o *Options) { o.File = filepath.Join(dir, "missing") }, moot.NotFound, "no such file"},
		{func(o *Options) { o.File = dir }, moot.Invalid, "is not a file"},
		{func(o *Options) { o.Repeats = 101 }, moot.Invalid, "101 repeats: want 1 to 100"},
		{func(o *Options) { o.Size, o.Peers = maxSize, []int{maxPeers} }, moot.Full, "all copies together take"},
	} {
		o := small()
		c.change(&o)
		if _, err := Scalability(t.Context(), o); moot.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q of kind %s", err, c.want, c.kind)
		}
	}
}

func TestWriteRandom(t *testing.T) {
	const size = 1<<20 + 7
	var contents [2][]byte
	for i := range contents {
		path := filepath.Join(t.TempDir(), "random")
		if err := writeRandom(path, size); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) != size {
			t.Fatalf("%d bytes: %v", len(content), err)
		}
		contents[i] = content
		if err := writeRandom(path, 1); moot.KindOf(err) != moot.Internal || !errors.Is(err, os.ErrExist) {
			t.Errorf("over another file: %v", err)
		}
	}
	if bytes.Equal(contents[0], contents[1]) {
		t.Error("two files are equal")
	}
	if block := contents[0]; bytes.Equal(block[:7], block[1<<20:]) {
		t.Error("a block repeats")
	}
}

func TestOneLine(t *testing.T) {
	if got := oneLine(errors.New(" a\n\tb  c ")); got != "a b c" {
		t.Errorf("%q", got)
	}
	if got := []rune(oneLine(errors.New(strings.Repeat("ü", 400)))); len(got) != 301 || got[300] != '…' {
		t.Errorf("%d runes, ending in %q", len(got), got[len(got)-1])
	}
}

// TestBound: with peers, receivers add their uplinks.
func TestBound(t *testing.T) {
	o := Options{SourceUp: 8e6, Up: 8e6, Down: 80e6}
	for peers, want := range map[bool]float64{false: 4, true: 1} {
		if got := bound(peers, 1e6, 4, o.source(), o.receiver()).Seconds(); got != want {
			t.Errorf("peers %v: %v s, want %v", peers, got, want)
		}
	}
}

// TestRows: by number of receivers, then in the order of the architectures asked for.
func TestRows(t *testing.T) {
	c := comparison{Options: small()}
	c.Peers, c.Architectures = []int{4, 1}, moot.Architectures()[1:]
	var got []string
	for _, row := range c.rows() {
		got = append(got, row.Architecture.String(), strings.Repeat("·", row.Peers))
	}
	if want := []string{"peers", "·", "both", "·", "peers", "····", "both", "····"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if c.Peers[0] != 4 {
		t.Error("rows sorted its caller's numbers")
	}
}
