package compare

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/mootspace/moot"
)

func TestScale(t *testing.T) {
	s := scale{0, 10, 100, 0}
	for v, want := range map[float64]float64{0: 100, 10: 0, 2.5: 75, 3.333: 66.7} {
		if got := s.at(v); got != want {
			t.Errorf("%v is at %v, want %v", v, got, want)
		}
	}
	if got := (scale{1, 1, 5, 9}).at(1); got != 5 {
		t.Errorf("without an extent: %v", got)
	}
	if list := inSeconds(nil); list != nil {
		t.Errorf("no ticks: %v", list)
	}
	if list := inSeconds(s.ticks(5)); list[0].Label != "0" || list[len(list)-1].Label != "10 s" {
		t.Errorf("%v", list)
	}
}

// plotted is a report with every architecture for these numbers of receivers; the last
// receiver of n has the file after n seconds.
func plotted(numbers ...int) *Report {
	r := &Report{Setup: Setup{Size: 1e6, SourceUp: 8e6, Up: 8e6}}
	for _, n := range numbers {
		for _, a := range moot.Architectures() {
			t := float64(n)
			run := Run{Repeat: 1, Last: t, Receivers: []Receiver{{Seconds: t}}}
			for i := range 200 {
				run.Receivers[0].Progress = append(run.Receivers[0].Progress, Point{t * float64(i) / 200, int64(i) * 1e4})
			}
			row := Row{Architecture: a, Peers: n, Bound: t / 2, Runs: []Run{run}}
			row.summarise(nil)
			r.Rows = append(r.Rows, row)
		}
	}
	return r
}

// TestTimesPlot: a series an architecture, side by side; a bound for those with peers and
// one for those without.
func TestTimesPlot(t *testing.T) {
	p := plotted(1, 2, 32).timesPlot()
	var names []string
	for i, s := range p.Series {
		names = append(names, s.Name, s.Class)
		if len(s.Marks) != 3 || len(s.Points) != 3 {
			t.Fatalf("%s: %+v", s.Name, s)
		}
		if i > 0 && math.Abs(s.Marks[0].X-p.Series[i-1].Marks[0].X-dodge) > 1e-9 {
			t.Errorf("%s is at %v, the one before at %v", s.Name, s.Marks[0].X, p.Series[i-1].Marks[0].X)
		}
		if m := s.Marks[2]; m.Top != m.Y || m.Bottom != m.Y || m.Void || m.Y >= s.Marks[0].Y {
			t.Errorf("%s: %+v", s.Name, m)
		}
	}
	if want := []string{"client-server", "server", "peer-to-peer", "peers", "hybrid", "both"}; !slices.Equal(names, want) {
		t.Errorf("series %q", names)
	}
	var bounds []string
	for _, b := range p.Bounds {
		bounds = append(bounds, b.Name, b.Class)
		if len(b.Points) != 32 {
			t.Errorf("%s has %d points", b.Name, len(b.Points))
		}
	}
	if want := []string{"client-server bound", "server", "peer-to-peer and hybrid bound", "peers"}; !slices.Equal(bounds, want) {
		t.Errorf("bounds %q", bounds)
	}
	var labels []string
	for _, tick := range p.X {
		labels = append(labels, tick.Label)
	}
	if !slices.Equal(labels, []string{"1", "32"}) { // 2 would overlap
		t.Errorf("labels %q", labels)
	}
}

// TestBoundsOfMeasured: only those of measured architectures.
func TestBoundsOfMeasured(t *testing.T) {
	r := plotted(4)
	r.Rows = r.Rows[2:]
	p := r.timesPlot()
	if len(p.Bounds) != 1 || p.Bounds[0].Name != "peer-to-peer and hybrid bound" || len(p.Series) != 1 {
		t.Errorf("%+v", p)
	}
}

// TestProgressPlots: grouped by number of receivers, on one axis, of bounded detail.
func TestProgressPlots(t *testing.T) {
	r := plotted(1, 2)
	r.Rows[4].Runs[0].Last = 8 // slower than the others of its group
	r.Rows[4].summarise(nil)
	r.Rows[5].Void, r.Rows[5].Bound = "busy", 0
	groups := r.progressPlots()
	if len(groups) != 2 || len(groups[0]) != 3 || len(groups[1]) != 3 {
		t.Fatalf("%+v", groups)
	}
	for _, group := range groups {
		for _, p := range group {
			if fmt.Sprint(p.X) != fmt.Sprint(group[0].X) {
				t.Errorf("%s has an axis of its own: %v", p.Name, p.X)
			}
			curve := p.Curves[0]
			if len(curve) > progressPoints+2 || curve[0] != "4,112" {
				t.Errorf("%s: %d points from %s", p.Name, len(curve), curve[0])
			}
		}
	}
	// The axis ends 2 % after the slowest run, at 8.16 s.
	if curve := groups[1][0].Curves[0]; curve[len(curve)-1] != "56,6" {
		t.Errorf("a receiver of 2 s ends at %s", curve[len(curve)-1])
	}
	if p := groups[1][2]; p.Void != "busy" || p.Bound != 0 || groups[1][1].Bound <= progressLeft {
		t.Errorf("%+v beside %+v", p, groups[1][1])
	}
	r.Rows[0].Runs[0].Receivers[0].Progress = nil
	if groups := r.progressPlots(); len(groups[0]) != 2 {
		t.Errorf("%d plots where one has no progress", len(groups[0]))
	}
}
