package compare

import (
	"fmt"
	"time"

	"github.com/mootspace/moot"
)

// Report is everything that a comparison of scalability found out.
type Report struct {
	Scenario    string       `json:"scenario"`
	Setup       Setup        `json:"setup"`
	Calibration *Calibration `json:"calibration"` // null where no link was shaped by the kernel
	Rows        []Row        `json:"rows"`        // by number of peers, then architecture
}

// Setup is what was run on what. Rates are in bits per second, 0 for no limit.
type Setup struct {
	Version  string    `json:"version"`
	Date     time.Time `json:"date"`
	System   string    `json:"system"` // and its kernel
	CPUs     int       `json:"cpus"`
	Links    string    `json:"links"`         // how they were made, in words
	Fallback string    `json:"fallback_why"`  // why not by network namespaces; "" if they were
	Size     int64     `json:"size_bytes"`    // of the file
	SourceUp float64   `json:"source_up_bps"` // the source's uplink
	Up       float64   `json:"up_bps"`        // each receiver's
	Down     float64   `json:"down_bps"`      // everybody's
	Repeats  int       `json:"repeats"`
}

// Calibration is one plain TCP transfer over one of the links: what they can carry.
type Calibration struct {
	Asked   float64 `json:"asked_bps"`   // the rate of the link, with all headers
	Payload float64 `json:"payload_bps"` // what arrived of a plain stream
	Wire    float64 `json:"wire_bps"`    // the same with all headers
	Void    string  `json:"void,omitempty"`
}

// efficiency is the payload's share of the asked rate.
func (c *Calibration) efficiency() float64 {
	if c == nil {
		return 0
	}
	return ratio(c.Payload, c.Asked)
}

// Row is one architecture with one number of receivers. Figures are over the runs that
// are not void; if all are, over all that did not fail, and the row is void.
type Row struct {
	Architecture Architecture `json:"architecture"`
	Peers        int          `json:"peers"`
	Bound        float64      `json:"bound_seconds"`            // see package plan
	Calibrated   float64      `json:"calibrated_bound_seconds"` // with the payload rate attainable; 0 if not known
	Ratio        float64      `json:"ratio"`                    // median of the last receiver to the bound; 0 without a bound
	Last         Spread       `json:"last_seconds"`             // until the last receiver had the file
	Middle       Spread       `json:"median_seconds"`           // until half of them had
	First        Spread       `json:"first_seconds"`
	SourceShare  Spread       `json:"source_share"` // of all bytes sent
	Copies       Spread       `json:"source_copies"`
	Overhead     Spread       `json:"sent_per_payload"`
	CPU          *Spread      `json:"cpu"`          // share busy of the whole machine; null if not known
	Busiest      *Spread      `json:"cpu_busiest"`  // share busy of its busiest core
	Void         string       `json:"void"`         // why no run counts, or ""
	Runs         []Run        `json:"runs"`         // by repeat
	Representing int          `json:"representing"` // the index of the run whose last receiver is nearest the median; -1: none
}

// Run is one architecture, one number of receivers, one time.
type Run struct {
	Repeat    int        `json:"repeat"`
	Failed    string     `json:"failed,omitempty"` // why there are no figures
	Void      string     `json:"void,omitempty"`   // why the figures do not count
	Verified  int        `json:"copies_verified"`
	Last      float64    `json:"last_seconds"`
	Middle    float64    `json:"median_seconds"`
	First     float64    `json:"first_seconds"`
	Receivers []Receiver `json:"receivers"`
	Sent      []int64    `json:"sent_bytes"` // by host, the source first
	Share     float64    `json:"source_share"`
	Copies    float64    `json:"source_copies"`    // bytes that the source sent, in files
	Overhead  float64    `json:"sent_per_payload"` // bytes sent by all, by the files that arrived
	CPU       *CPU       `json:"cpu"`
}

// Receiver is when one receiver had the file, and how it came.
type Receiver struct {
	Seconds  float64 `json:"seconds"`
	Progress []Point `json:"progress,omitempty"` // none where it is not known
}

// Point is how many bytes had come in over the receiver's link after a time.
type Point struct {
	Seconds float64 `json:"s"`
	Bytes   int64   `json:"bytes"`
}

// CPU is how busy the machine was, as shares of 1.
type CPU struct {
	Total   float64 `json:"total"`
	Busiest float64 `json:"busiest"`
}

// Voids says of each row that does not count, or counts in part only, why.
func (r *Report) Voids() (why []string) {
	for _, row := range r.Rows {
		for _, run := range row.Runs {
			switch {
			case run.Failed != "":
				why = append(why, fmt.Sprintf("%s to %d, repeat %d: failed: %s", row.Architecture.Name(), row.Peers, run.Repeat, run.Failed))
			case run.Void != "":
				why = append(why, fmt.Sprintf("%s to %d, repeat %d: void: %s", row.Architecture.Name(), row.Peers, run.Repeat, run.Void))
			}
		}
	}
	return why
}

// Err is an error of kind Unavailable if runs failed: then the report has gaps.
func (r *Report) Err() error {
	failed, all := 0, 0
	for _, row := range r.Rows {
		for _, run := range row.Runs {
			all++
			if run.Failed != "" {
				failed++
			}
		}
	}
	if failed == 0 {
		return nil
	}
	return moot.Errorf(moot.Unavailable, "%d of %d runs failed: see the report's notes", failed, all)
}

// summarise makes a row's figures of its runs.
func (row *Row) summarise(calibration *Calibration) {
	var counting, finished []Run
	for _, r := range row.Runs {
		if r.Failed == "" {
			finished = append(finished, r)
			if r.Void == "" {
				counting = append(counting, r)
			}
		}
	}
	row.Void, row.Representing = "", -1
	if len(counting) == 0 {
		counting = finished
		row.Void = "all runs failed"
		if len(finished) > 0 {
			row.Void = finished[0].Void
		}
	}
	row.Last = spreadOf(counting, func(r Run) float64 { return r.Last })
	row.Middle = spreadOf(counting, func(r Run) float64 { return r.Middle })
	row.First = spreadOf(counting, func(r Run) float64 { return r.First })
	row.SourceShare = spreadOf(counting, func(r Run) float64 { return r.Share })
	row.Copies = spreadOf(counting, func(r Run) float64 { return r.Copies })
	row.Overhead = spreadOf(counting, func(r Run) float64 { return r.Overhead })
	row.CPU, row.Busiest = busy(counting)
	row.Ratio = ratio(row.Last.Median, row.Bound)
	row.Calibrated = ratio(row.Bound, calibration.efficiency())
	row.Representing = row.nearest()
}

// busy is how busy the machine was, if that was seen in all runs.
func busy(runs []Run) (total, busiest *Spread) {
	for _, r := range runs {
		if r.CPU == nil {
			return nil, nil
		}
	}
	if len(runs) == 0 {
		return nil, nil
	}
	t := spreadOf(runs, func(r Run) float64 { return r.CPU.Total })
	b := spreadOf(runs, func(r Run) float64 { return r.CPU.Busiest })
	return &t, &b
}

// nearest is the index of the run that took about the row's median time.
func (row *Row) nearest() int {
	best, least := -1, 0.0
	for i, r := range row.Runs {
		if r.Failed != "" || r.Void != "" && row.Void == "" {
			continue
		}
		if d := max(r.Last-row.Last.Median, row.Last.Median-r.Last); best < 0 || d < least {
			best, least = i, d
		}
	}
	return best
}
