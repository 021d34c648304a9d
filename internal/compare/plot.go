package compare

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mootspace/moot"
)

// scale maps values to coordinates. Plots are numbers only, which the page's template
// renders as SVG.
type scale struct {
	least, most float64 // values
	from, to    float64 // their coordinates
}

func (s scale) at(v float64) float64 {
	if s.most == s.least {
		return s.from
	}
	return math.Round(10*(s.from+(v-s.least)/(s.most-s.least)*(s.to-s.from))) / 10
}

// tick is a label on an axis.
type tick struct {
	At    float64
	Label string
}

// ticks returns about so many round values from 0 up to a scale's most, in steps of 1, 2
// or 5 times a power of ten.
func (s scale) ticks(about int) (list []tick) {
	if s.most <= 0 {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(s.most/float64(about))))
	for _, m := range []float64{1, 2, 5, 10} {
		if s.most/(m*step) <= float64(about) {
			step *= m
			break
		}
	}
	for i := 0.0; i*step <= s.most*1.0001; i++ {
		list = append(list, tick{s.at(i * step), fmt.Sprintf("%.6g", i*step)})
	}
	return list
}

// inSeconds adds the unit to the last tick.
func inSeconds(list []tick) []tick {
	if n := len(list); n > 0 {
		list[n-1].Label += " s"
	}
	return list
}

// line is the points of an SVG polyline.
type line []string

func (l *line) add(x, y float64) { *l = append(*l, fmt.Sprintf("%g,%g", x, y)) }

func (l line) String() string { return strings.Join(l, " ") }

// Geometry of the plot of times.
const (
	timesWidth, timesHeight         = 480, 330
	timesLeft, timesRight           = 48, 468
	timesTop, timesBottom           = 14, 290
	dodge                   float64 = 4 // horizontal distance of the architectures' marks
)

// timesPlot is the last receiver's time against the number of receivers.
type timesPlot struct {
	X, Y   []tick
	Bounds []boundLine
	Series []series
}

// boundLine is a bound of package plan.
type boundLine struct {
	Class, Name string
	Points      line
}

// series is the times of one architecture.
type series struct {
	Class, Name string
	Points      line
	Marks       []mark
}

// mark is a median with its range as a bar.
type mark struct {
	X, Y, Top, Bottom float64
	Void              bool
	Title             string
}

func (r *Report) timesPlot() timesPlot {
	most, last := 1, 0.0
	for _, row := range r.Rows {
		most, last = max(most, row.Peers), max(last, row.Last.Max, row.Bound)
	}
	x := scale{0, float64(most) * 1.04, timesLeft, timesRight}
	y := scale{0, max(last*1.05, 0.01), timesBottom, timesTop}
	p := timesPlot{Y: inSeconds(y.ticks(6)), Bounds: r.boundLines(x, y, most)}
	seen := map[int]bool{}
	for _, row := range r.Rows {
		// Labels of small numbers would overlap.
		if !seen[row.Peers] && (row.Peers*8 >= most || row.Peers == 1) {
			p.X = append(p.X, tick{x.at(float64(row.Peers)), fmt.Sprint(row.Peers)})
		}
		seen[row.Peers] = true
	}
	for i, a := range moot.Architectures() {
		s := series{Class: a.String(), Name: a.Name()}
		for _, row := range r.Rows {
			if row.Architecture == a && row.Representing >= 0 {
				s.add(row, x.at(float64(row.Peers))+dodge*float64(i-1), y)
			}
		}
		if len(s.Marks) > 0 {
			p.Series = append(p.Series, s)
		}
	}
	return p
}

func (s *series) add(row Row, x float64, y scale) {
	s.Points.add(x, y.at(row.Last.Median))
	s.Marks = append(s.Marks, mark{
		X: x, Y: y.at(row.Last.Median), Top: y.at(row.Last.Max), Bottom: y.at(row.Last.Min), Void: row.Void != "",
		Title: fmt.Sprintf("%s to %d: %.2f s (%.2f–%.2f), bound %.2f s%s", row.Architecture.Name(), row.Peers, row.Last.Median, row.Last.Min, row.Last.Max, row.Bound, voidSuffix(row.Void)),
	})
}

func voidSuffix(reason string) string {
	if reason == "" {
		return ""
	}
	return " – void: " + reason
}

// boundLines are the bounds of the measured architectures, over all numbers of
// receivers. Architectures that ask peers share a bound.
func (r *Report) boundLines(x, y scale, most int) (lines []boundLine) {
	o := Options{SourceUp: r.Setup.SourceUp, Up: r.Setup.Up, Down: r.Setup.Down}
	for _, peers := range []bool{false, true} {
		if !slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Architecture.Peers == peers }) {
			continue
		}
		l := boundLine{}
		var names []string
		for _, a := range moot.Architectures() {
			if a.Peers == peers {
				names, l.Class = append(names, a.Name()), cmp.Or(l.Class, a.String())
			}
		}
		l.Name = strings.Join(names, " and ") + " bound"
		for n := 1; n <= most; n++ {
			l.Points.add(x.at(float64(n)), y.at(bound(peers, r.Setup.Size, n, o.source(), o.receiver()).Seconds()))
		}
		lines = append(lines, l)
	}
	return lines
}

// Geometry of the plot of one run's progress.
const (
	progressLeft, progressRight = 4, 216
	progressTop, progressBottom = 6, 112
	progressPoints              = 80 // of a curve, at most
)

// progressPlot is the progress of each receiver in one run.
type progressPlot struct {
	Class, Name string
	Peers       int
	Void        string
	X           []tick
	Curves      []line
	Bound       float64 // its x coordinate; 0: none
}

// progressPlots are grouped by number of receivers, with one time axis a group. There
// are none where progress is not known.
func (r *Report) progressPlots() (groups [][]progressPlot) {
	peers := 0
	for _, row := range r.Rows {
		if row.Representing < 0 || len(row.Runs[row.Representing].Receivers[0].Progress) == 0 {
			continue
		}
		if row.Peers != peers {
			groups, peers = append(groups, nil), row.Peers
		}
		x := scale{0, r.slowest(row.Peers) * 1.02, progressLeft, progressRight}
		p := progressPlot{Class: row.Architecture.String(), Name: row.Architecture.Name(), Peers: row.Peers, Void: row.Void, X: inSeconds(x.ticks(4))}
		if row.Bound > 0 {
			p.Bound = x.at(row.Bound)
		}
		for _, receiver := range row.Runs[row.Representing].Receivers {
			p.Curves = append(p.Curves, r.curve(receiver, x))
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], p)
	}
	return groups
}

// slowest is the longest time of the plotted runs with so many receivers.
func (r *Report) slowest(peers int) (longest float64) {
	for _, row := range r.Rows {
		if row.Peers == peers && row.Representing >= 0 {
			longest = max(longest, row.Runs[row.Representing].Last, row.Bound)
		}
	}
	return longest
}

// curve is one receiver's progress as a share of all bytes it received, which are more
// than the file by headers and gossip.
func (r *Report) curve(receiver Receiver, x scale) (l line) {
	y := scale{0, 1, progressBottom, progressTop}
	points := receiver.Progress
	all := float64(points[len(points)-1].Bytes)
	every := len(points)/progressPoints + 1
	l.add(x.at(0), y.at(0))
	for i := 0; i < len(points)-1; i += every {
		l.add(x.at(points[i].Seconds), y.at(ratio(float64(points[i].Bytes), all)))
	}
	l.add(x.at(receiver.Seconds), y.at(1))
	return l
}
