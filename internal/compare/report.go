package compare

import (
	"fmt"
	"time"

	"github.com/mootspace/moot"
)

// Report is the result of a comparison of scalability.
type Report struct {
	Scenario    string       `json:"scenario"`
	Setup       Setup        `json:"setup"`
	Calibration *Calibration `json:"calibration"` // null where the kernel shaped no link
	Rows        []Row        `json:"rows"`        // by number of peers, then architecture
}

// Setup describes program, machine and workload. Rates are in bits per second, 0 for no limit.
type Setup struct {
	Version  string    `json:"version"`
	Date     time.Time `json:"date"`
	System   string    `json:"system"` // and its kernel
	CPUs     int       `json:"cpus"`
	Links    string    `json:"links"`         // how they were shaped
	Fallback string    `json:"fallback_why"`  // why not by network namespaces; "" if they were
	Size     int64     `json:"size_bytes"`    // of the file
	SourceUp float64   `json:"source_up_bps"` // the source's uplink
	Up       float64   `json:"up_bps"`        // each receiver's
	Down     float64   `json:"down_bps"`      // everybody's
	Repeats  int       `json:"repeats"`
}

// Calibration is the throughput of one plain TCP transfer over one of the links.
type Calibration struct {
	Nominal float64 `json:"asked_bps"`   // the rate of the link, with all headers
	Payload float64 `json:"payload_bps"` // received
	Wire    float64 `json:"wire_bps"`    // the same with all headers
	Void    string  `json:"void,omitempty"`
}

// efficiency is the payload's share of the nominal rate; 0 if not known.
func (c *Calibration) efficiency() float64 {
	if c == nil {
		return 0
	}
	return ratio(c.Payload, c.Nominal)
}

// Row is one architecture with one number of receivers. Its figures are over the valid
// runs; if there are none, over all that did not fail, and the row is void.
type Row struct {
	Architecture moot.Architecture `json:"architecture"`
	Peers        int               `json:"peers"`
	Bound        float64           `json:"bound_seconds"`            // see package plan
	Calibrated   float64           `json:"calibrated_bound_seconds"` // with the payload rate attainable; 0 if not known
	Ratio        float64           `json:"ratio"`                    // median of the last receiver to the bound; 0 without a bound
	Last         Range             `json:"last_seconds"`             // until the last receiver had the file
	Median       Range             `json:"median_seconds"`           // until half of them had it
	First        Range             `json:"first_seconds"`
	SourceShare  Range             `json:"source_share"` // of all bytes sent
	Copies       Range             `json:"source_copies"`
	Overhead     Range             `json:"sent_per_payload"`
	CPU          *Range            `json:"cpu"`          // share busy of the whole machine; null if not known
	Busiest      *Range            `json:"cpu_busiest"`  // share busy of its busiest core
	Void         string            `json:"void"`         // why no run is valid, or ""
	Runs         []Run             `json:"runs"`         // by repeat
	Representing int               `json:"representing"` // index of the run whose last receiver is nearest the median; -1: none
}

// Run is one architecture, one number of receivers, one time.
type Run struct {
	Repeat    int        `json:"repeat"`
	Failed    string     `json:"failed,omitempty"` // why there are no figures
	Void      string     `json:"void,omitempty"`   // why the figures do not count
	Verified  int        `json:"copies_verified"`
	Last      float64    `json:"last_seconds"`
	Median    float64    `json:"median_seconds"`
	First     float64    `json:"first_seconds"`
	Receivers []Receiver `json:"receivers"`
	Sent      []int64    `json:"sent_bytes"` // by host, the source first
	Share     float64    `json:"source_share"`
	Copies    float64    `json:"source_copies"`    // bytes that the source sent, in files
	Overhead  float64    `json:"sent_per_payload"` // bytes sent by all, by the files that arrived
	CPU       *CPU       `json:"cpu"`
}

// Receiver is one receiver's time, and its progress over that time.
type Receiver struct {
	Seconds  float64 `json:"seconds"`
	Progress []Point `json:"progress,omitempty"` // absent where it is not known
}

// Point is the bytes received over a link after a time.
type Point struct {
	Seconds float64 `json:"s"`
	Bytes   int64   `json:"bytes"`
}

// CPU is the machine's load, as shares of 1.
type CPU struct {
	Total   float64 `json:"total"`
	Busiest float64 `json:"busiest"`
}

// Voids lists the runs that failed or are void, with the reason.
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

// Err is an error of kind Unavailable if runs failed, so that the report has gaps.
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

// summarise computes a row's figures from its runs.
func (row *Row) summarise(calibration *Calibration) {
	var valid, finished []Run
	for _, r := range row.Runs {
		if r.Failed == "" {
			finished = append(finished, r)
			if r.Void == "" {
				valid = append(valid, r)
			}
		}
	}
	row.Void, row.Representing = "", -1
	if len(valid) == 0 {
		valid = finished
		row.Void = "all runs failed"
		if len(finished) > 0 {
			row.Void = finished[0].Void
		}
	}
	row.Last = rangeOver(valid, func(r Run) float64 { return r.Last })
	row.Median = rangeOver(valid, func(r Run) float64 { return r.Median })
	row.First = rangeOver(valid, func(r Run) float64 { return r.First })
	row.SourceShare = rangeOver(valid, func(r Run) float64 { return r.Share })
	row.Copies = rangeOver(valid, func(r Run) float64 { return r.Copies })
	row.Overhead = rangeOver(valid, func(r Run) float64 { return r.Overhead })
	row.CPU, row.Busiest = cpuRanges(valid)
	row.Ratio = ratio(row.Last.Median, row.Bound)
	row.Calibrated = ratio(row.Bound, calibration.efficiency())
	row.Representing = row.nearest()
}

// cpuRanges are nil unless the load is known of all runs.
func cpuRanges(runs []Run) (total, busiest *Range) {
	for _, r := range runs {
		if r.CPU == nil {
			return nil, nil
		}
	}
	if len(runs) == 0 {
		return nil, nil
	}
	t := rangeOver(runs, func(r Run) float64 { return r.CPU.Total })
	b := rangeOver(runs, func(r Run) float64 { return r.CPU.Busiest })
	return &t, &b
}

// nearest is the index of the run that is nearest the row's median time.
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
