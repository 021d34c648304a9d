package compare

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

//go:embed report.html
var page string

// HTML writes the report as one self-contained page without scripts.
func (r *Report) HTML(w io.Writer) error {
	t, err := template.New("report").Parse(page)
	if err == nil {
		err = t.Execute(w, r.view())
	}
	if err != nil {
		return moot.Errorf(moot.Internal, "%w", err)
	}
	return nil
}

// view is the data of the page's template.
type view struct {
	Title    string
	Summary  string
	Fallback string
	Voids    []string
	Runs     int
	Times    timesPlot
	Shares   []shareGroup
	Progress [][]progressPlot
	Table    []tableRow
	Facts    [][2]string
}

// shareGroup is the shares of bytes sent with one number of receivers.
type shareGroup struct {
	Peers string
	Bars  []shareBar
}

// shareBar is one bar, in percent.
type shareBar struct {
	Class, Name, Source, Receivers, Label string
	Void                                  bool
}

// tableRow is a row of the table of figures.
type tableRow struct {
	Class, Void string
	First       bool // of its number of receivers
	Cells       []string
}

func (r *Report) view() view {
	v := view{
		Title:    fmt.Sprintf("%s to more and more receivers", megabytes(r.Setup.Size)),
		Summary:  r.summary(),
		Fallback: r.Setup.Fallback,
		Voids:    r.Voids(),
		Times:    r.timesPlot(),
		Progress: r.progressPlots(),
		Facts:    r.facts(),
	}
	for i, row := range r.Rows {
		first := i == 0 || row.Peers != r.Rows[i-1].Peers
		v.Runs += len(row.Runs)
		v.Table = append(v.Table, tableRow{Class: row.Architecture.String(), Void: row.Void, First: first, Cells: row.cells()})
		if first {
			v.Shares = append(v.Shares, shareGroup{Peers: plural(row.Peers, "receiver")})
		}
		if row.Representing >= 0 {
			group := &v.Shares[len(v.Shares)-1]
			group.Bars = append(group.Bars, row.bar())
		}
	}
	return v
}

func (row Row) bar() shareBar {
	share := 100 * row.SourceShare.Median
	return shareBar{
		Class: row.Architecture.String(), Name: row.Architecture.Name(), Void: row.Void != "",
		Source: fmt.Sprintf("%.1f", share), Receivers: fmt.Sprintf("%.1f", 100-share),
		Label: fmt.Sprintf("%.0f %% · %.1f copies", share, row.Copies.Median),
	}
}

// summary is the result in a sentence: the times with the greatest number of receivers
// for which a row is valid.
func (r *Report) summary() string {
	most := 0
	for _, row := range r.Rows {
		if row.Void == "" {
			most = max(most, row.Peers)
		}
	}
	var parts []string
	for _, row := range r.Rows {
		if row.Peers == most && row.Void == "" {
			parts = append(parts, fmt.Sprintf("%s took %s%s", row.Architecture.Name(), formatSeconds(row.Last.Median), positive(" (%.2f times its bound)", row.Ratio)))
		}
	}
	if len(parts) == 0 {
		return "No run counts: see why below."
	}
	return fmt.Sprintf("Until the last of %s had a verified copy: %s.", plural(most, "receiver"), strings.Join(parts, "; "))
}

func formatSeconds(seconds float64) string { return fmt.Sprintf("%.3g s", seconds) }

// facts describe the set-up.
func (r *Report) facts() [][2]string {
	s := r.Setup
	facts := [][2]string{
		{"File", megabytes(s.Size)},
		{"Source's uplink", rate(s.SourceUp)},
		{"Receivers' uplinks", rate(s.Up)},
		{"Downlinks", rate(s.Down)},
		{"Links", s.Links},
		{"Measured", plural(s.Repeats, "time") + ", architectures taking turns"},
		{"Program", "moot " + s.Version},
		{"Machine", fmt.Sprintf("%s, %s", s.System, plural(s.CPUs, "CPU"))},
		{"Date", s.Date.Format(time.RFC1123)},
	}
	if c := r.Calibration; c != nil {
		facts = append(facts, [2]string{"A link carried", fmt.Sprintf("%s of payload in a plain TCP stream, %s with headers; asked for: %s", rate(c.Payload), rate(c.Wire), rate(c.Nominal))})
	}
	return facts
}
