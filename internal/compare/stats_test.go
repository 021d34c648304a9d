package compare

import (
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

func TestRange(t *testing.T) {
	for _, c := range []struct {
		name   string
		values []float64
		want   Range
	}{
		{"nothing", nil, Range{}},
		{"one", []float64{2}, Range{2, 2, 2}},
		{"odd, unsorted", []float64{9, 1, 2}, Range{2, 1, 9}},
		{"even: the mean of the middle two", []float64{4, 1, 2, 9}, Range{3, 1, 9}},
	} {
		if got := rangeOf(c.values); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	values := []float64{3, 1, 2}
	rangeOf(values)
	if values[0] != 3 {
		t.Error("rangeOf sorted its caller's values")
	}
	if got := ratio(1, 0); got != 0 {
		t.Errorf("a ratio to nothing is %v, want 0", got)
	}
}

func TestCPUBetween(t *testing.T) {
	before := []coreTime{{10, 100}, {20, 100}}
	c := cpuBetween(before, []coreTime{{110, 200}, {70, 200}})
	if c == nil || c.Total != 0.75 || c.Busiest != 1 || c.void() != "" {
		t.Errorf("100 and 50 of 100 ticks busy: %+v", c)
	}
	c = cpuBetween(before, []coreTime{{110, 200}, {90, 200}})
	if why := c.void(); !strings.Contains(why, "the machine was the limit") {
		t.Errorf("85 %% busy: %q", why)
	}
	for _, after := range [][]coreTime{nil, {{110, 200}}, before} {
		if c := cpuBetween(before, after); c != nil || c.void() != "" {
			t.Errorf("a load without two readings: %+v", c)
		}
	}
}

// TestRunFigures: a run's figures from its receivers and counters.
func TestRunFigures(t *testing.T) {
	r := Run{Receivers: []Receiver{{Seconds: 3}, {Seconds: 1}, {Seconds: 2}}}
	r.summarise([]int64{5, 5, 5, 5}, []int64{205, 55, 50, 10}, 100)
	if r.First != 1 || r.Median != 2 || r.Last != 3 {
		t.Errorf("first %v, median %v, last %v", r.First, r.Median, r.Last)
	}
	if r.Share != 200./300 || r.Copies != 2 || r.Overhead != 1 {
		t.Errorf("share %v, copies %v, overhead %v", r.Share, r.Copies, r.Overhead)
	}
}

// TestRowFigures: void runs are left out beside valid ones; a row without valid runs is void.
func TestRowFigures(t *testing.T) {
	run := func(last float64, void string) Run {
		return Run{Last: last, Void: void, CPU: &CPU{Total: last / 10}, Receivers: []Receiver{{Seconds: last}}}
	}
	row := Row{Bound: 2, Runs: []Run{run(4, ""), run(9, "busy"), run(6, ""), {Failed: "no"}}}
	row.summarise(&Calibration{Nominal: 100, Payload: 50})
	if row.Void != "" || row.Last != (Range{5, 4, 6}) || row.Ratio != 2.5 || row.Calibrated != 4 || row.CPU.Median != 0.5 || row.Representing != 0 {
		t.Errorf("two of four valid: %+v", row)
	}
	row.Runs = []Run{{Failed: "no"}, run(9, "busy")}
	row.summarise(nil)
	if row.Void != "busy" || row.Last.Median != 9 || row.Calibrated != 0 || row.Representing != 1 {
		t.Errorf("only a void one: %+v", row)
	}
	row.Runs = row.Runs[:1]
	row.summarise(nil)
	if row.Void == "" || row.Representing != -1 || row.CPU != nil {
		t.Errorf("only a failed one: %+v", row)
	}
}

func TestValidate(t *testing.T) {
	good := Options{Peers: []int{1, 2}, Architectures: moot.Architectures(), Size: 1, Repeats: 1}
	if err := good.validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Options){
		"numbers of receivers":  func(o *Options) { o.Peers = []int{0} },
		"from 1 to 128":         func(o *Options) { o.Peers = []int{129} },
		"given twice":           func(o *Options) { o.Peers = []int{2, 2} },
		"at least one":          func(o *Options) { o.Architectures = nil },
		"one that asks servers": func(o *Options) { o.Architectures = []moot.Architecture{{}} },
		"cannot be measured":    func(o *Options) { o.Size = 0 },
		"repeats":               func(o *Options) { o.Repeats = 0 },
		"cannot be shaped":      func(o *Options) { o.Up = -1 },
	} {
		o := good
		change(&o)
		if err := o.validate(); moot.KindOf(err) != moot.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestTicks(t *testing.T) {
	for most, want := range map[float64]string{0: "", 1.05: "0 0.2 0.4 0.6 0.8 1", 43: "0 10 20 30 40", 230: "0 50 100 150 200"} {
		var labels []string
		for _, tick := range (scale{0, most, 0, 100}).ticks(6) {
			labels = append(labels, tick.Label)
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("up to %g: %q, want %q", most, got, want)
		}
	}
}
