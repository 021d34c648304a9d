package compare

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// outcome describes a run in one line.
func outcome(run Run, row Row) string {
	switch {
	case run.Failed != "":
		return "failed: " + run.Failed
	case run.Void != "":
		return fmt.Sprintf("%.2f s, but void: %s", run.Last, run.Void)
	}
	return fmt.Sprintf("%.2f s, bound %.2f s, %d copies verified", run.Last, row.Bound, run.Verified)
}

// Text writes the report as a table for a terminal, with the reasons of void runs.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	s := r.Setup
	fmt.Fprintf(&b, "%s from one source to N receivers at once. Source up %s, receivers up %s, all down %s.\n",
		megabytes(s.Size), rate(s.SourceUp), rate(s.Up), rate(s.Down))
	fmt.Fprintf(&b, "%s, %s, %d CPUs, moot %s, %s.\n", s.Date.Format(time.DateTime), s.System, s.CPUs, s.Version, plural(s.Repeats, "repeat"))
	fmt.Fprintf(&b, "Links: %s.\n", s.Links)
	if s.Fallback != "" {
		fmt.Fprintf(&b, "This is the fallback (%s): as root on Linux, figures say more.\n", s.Fallback)
	}
	if c := r.Calibration; c != nil {
		fmt.Fprintf(&b, "A link of %s carried %s of payload in one plain TCP stream: BOUND CAL. is with that.\n", rate(c.Nominal), rate(c.Payload))
	}
	b.WriteString("\n")
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "N\tARCHITECTURE\tLAST HAS IT\t(MIN–MAX)\tFIRST\tBOUND\tRATIO\tBOUND CAL.\tSOURCE SENT\tCOPIES\tSENT/PAYLOAD\tCPU\t")
	for _, row := range r.Rows {
		fmt.Fprintln(t, strings.Join(row.cells(), "\t"))
	}
	t.Flush() // into memory
	if voids := r.Voids(); len(voids) > 0 {
		fmt.Fprintf(&b, "\n%s did not count; a row of which none counts is VOID:\n  %s\n", plural(len(voids), "run"), strings.Join(voids, "\n  "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cells are the columns of the table.
func (row Row) cells() []string {
	cells := []string{strconv.Itoa(row.Peers), row.Architecture.Name()}
	if row.Representing < 0 {
		return append(cells, "failed")
	}
	cpu, void := "-", ""
	if row.CPU != nil {
		cpu = fmt.Sprintf("%.0f %%", 100*row.CPU.Median)
	}
	if row.Void != "" {
		void = "VOID"
	}
	return append(cells,
		fmt.Sprintf("%.2f s", row.Last.Median), fmt.Sprintf("%.2f–%.2f", row.Last.Min, row.Last.Max),
		fmt.Sprintf("%.2f s", row.First.Median), positive("%.2f s", row.Bound), positive("%.2f", row.Ratio), positive("%.2f s", row.Calibrated),
		fmt.Sprintf("%.0f %%", 100*row.SourceShare.Median), fmt.Sprintf("%.2f", row.Copies.Median),
		fmt.Sprintf("%.2f", row.Overhead.Median), cpu, void)
}

// positive formats a figure that is 0 where there is none.
func positive(format string, v float64) string {
	if v <= 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

func rate(bits float64) string {
	if bits == 0 {
		return "without limit"
	}
	return fmt.Sprintf("%.4g Mbit/s", bits/1e6)
}

func megabytes(size int64) string { return fmt.Sprintf("%.4g MB", float64(size)/1e6) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
