package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/compare"
)

func (a *commandLine) compareCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "compare SCENARIO",
		Short: "Measure the architectures beside each other",
		Long: `Measure what each architecture gives a group: run this program as real processes
on hosts joined by links of a given speed, let them do the same thing through each
architecture in turn, and print the figures beside what is possible at best.

As root on Linux the hosts are network namespaces on this machine. Elsewhere, and
without root, all processes share the loopback and limit their own uploads.`,
		Example: "  moot compare scalability\n  moot compare scalability --peers 1,2,4 --size 16MB --report report.html",
	}
	requireSubcommand(c)
	c.AddCommand(a.scalabilityCommand())
	return c
}

func (a *commandLine) scalabilityCommand() *cobra.Command {
	o := compare.Options{Version: Version, Progress: func(progress string) { fmt.Fprintln(a.err, clean(progress)) }}
	var size, report string
	var architectures []string
	var sourceUp, up, down float64
	c := &cobra.Command{
		Use:   "scalability [--peers N,…] [--size BYTES | --file F] [--report OUT.html]",
		Short: "Time how long a file takes to reach more and more receivers",
		Long: `Time how long one file takes from one source to 1, 2, 4, … receivers that all want
it at once, through each architecture, beside the least time that the links allow.
Every copy is compared with the original. A run in which the machine or its links
were the limit is void, and said to be.`,
		Example: `  moot compare scalability --peers 1,2,4 --size 16MB --repeats 1
  moot compare scalability --source-up 20 --up 20 --down 100 --report report.html`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if o.Size, err = parseSize(size); err != nil {
				return err
			}
			o.SourceUp, o.Up, o.Down = sourceUp*1e6, up*1e6, down*1e6
			if a.viaFlag != "" { // as everywhere: by this one
				architectures = []string{a.viaFlag}
			}
			for _, name := range architectures {
				architecture, err := moot.ParseArchitecture(name)
				if err != nil {
					return err
				}
				o.Architectures = append(o.Architectures, architecture)
			}
			return a.scalability(c, o, report)
		},
	}
	f := c.Flags()
	f.IntSliceVar(&o.Peers, "peers", []int{1, 2, 4, 8, 16, 32}, "`NUMBERS` of receivers")
	f.StringSliceVar(&architectures, "architectures", words(moot.Architectures()), "which to compare: server, peers, both")
	f.StringVar(&size, "size", "64MB", "share a file of so many random `BYTES` (as 500K, 64MB or 1000000)")
	f.StringVar(&o.File, "file", "", "share this `FILE` instead")
	f.Float64Var(&sourceUp, "source-up", 100, "the source's uplink, in `Mbit/s`; 0 for no limit")
	f.Float64Var(&up, "up", 50, "each receiver's uplink, in `Mbit/s`")
	f.Float64Var(&down, "down", 200, "everybody's downlink, in `Mbit/s`")
	f.IntVar(&o.Repeats, "repeats", 3, "measure everything `N` times")
	f.BoolVar(&o.Loopback, "loopback", false, "use the loopback even where hosts could be made")
	f.StringVar(&report, "report", "", "write a report with plots to `OUT.html`")
	c.MarkFlagsMutuallyExclusive("size", "file")
	return c
}

// words are the architectures as flags name them.
func words(list []moot.Architecture) (words []string) {
	for _, a := range list {
		words = append(words, a.String())
	}
	return words
}

// scalability measures, and shows the figures even if some runs failed.
func (a *commandLine) scalability(c *cobra.Command, o compare.Options, to string) (err error) {
	page, err := newReport(to)
	if err != nil {
		return moot.Wrap("compare scalability", err)
	}
	defer page.close()
	r, err := compare.Scalability(c.Context(), o)
	if err != nil {
		return err
	}
	if a.json {
		a.print(r)
	} else if err := r.Text(a.out); err != nil {
		return err
	}
	if to != "" {
		if err := page.write(r); err != nil {
			return moot.Wrap("compare scalability", err)
		}
		fmt.Fprintf(a.err, "wrote %s\n", name(to))
	}
	return moot.Wrap("compare scalability", r.Err())
}

// reportFile is where a report will be: made before anything is measured, so that
// nobody waits an hour to hear that it cannot be written, and in its place only when
// it is whole.
type reportFile struct {
	*os.File
	to string
}

// newReport makes a report's file; none for no name.
func newReport(to string) (*reportFile, error) {
	if to == "" {
		return &reportFile{}, nil
	}
	if filepath.Ext(to) != ".html" {
		return nil, moot.Errorf(moot.Invalid, "the report is a web page: give --report a name that ends in .html")
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".moot-report-*")
	if err != nil {
		return nil, moot.Errorf(moot.Invalid, "write the report: %w", err)
	}
	return &reportFile{f, to}, nil
}

func (f *reportFile) write(r *compare.Report) error {
	err := errors.Join(r.HTML(f), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.to)
	}
	if err != nil {
		return moot.Errorf(moot.Internal, "write the report: %w", err)
	}
	return nil
}

// close removes what was not written.
func (f *reportFile) close() {
	if f.File != nil {
		f.File.Close()
		os.Remove(f.Name())
	}
}
