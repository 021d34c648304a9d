package compare

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
)

// Scalability times the distribution of a file to increasing numbers of receivers
// through each architecture. Within each repeat the architectures alternate, so that a
// temporary disturbance affects all of them. The error is of kind Invalid for invalid
// options; a run that fails after another succeeded is reported instead (see [Report.Err]).
func Scalability(ctx context.Context, o Options) (*Report, error) {
	return (&comparison{Options: o, readCPU: readCPU}).run(ctx)
}

func (c *comparison) run(ctx context.Context) (_ *Report, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = moot.Errorf(moot.Unavailable, "interrupted; nothing is left behind")
		}
		err = errors.Join(moot.Wrap("compare scalability", err), c.close())
	}()
	for _, step := range []func(context.Context) error{c.prepare, c.chooseTopology, c.runAll} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &c.report, nil
}

// comparison is the state of one comparison.
type comparison struct {
	Options
	dir         string // temporary, for all data
	file        string // path of the original
	newTopology func(n int) (topology, error)
	readCPU     func() []coreTime // may return nil: not known
	report      Report
	succeeded   bool // by at least one run
}

func (c *comparison) close() error {
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// prepare makes the temporary directory and the file.
func (c *comparison) prepare(context.Context) (err error) {
	if c.File != "" {
		info, err := os.Stat(c.File)
		if err != nil {
			return moot.Errorf(moot.NotFound, "%w", err)
		}
		if !info.Mode().IsRegular() {
			return moot.Errorf(moot.Invalid, "%s is not a file", c.File)
		}
		c.Size = info.Size()
	}
	if err := c.validate(); err != nil {
		return err
	}
	// The original and the source's blob; each receiver's blob and its copy.
	need := c.Size*int64(2*slices.Max(c.Peers)+2) + c.Size/16 + 64<<20
	parent, err := directoryFor(need)
	if err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp(parent, "moot-compare-"); err != nil {
		return moot.Errorf(moot.Internal, "make a temporary directory: %w", err)
	}
	if c.file, err = filepath.Abs(c.File); err != nil || c.File != "" {
		return err
	}
	c.file = filepath.Join(c.dir, sharedName)
	return writeRandom(c.file, c.Size)
}

// directoryFor prefers memory to disks, so that no disk is measured. Kind Full.
func directoryFor(need int64) (string, error) {
	const memory = "/dev/shm"
	if freeSpace(memory) > need {
		return memory, nil
	}
	dir := os.TempDir()
	if free := freeSpace(dir); free > 0 && free < need {
		return "", moot.Errorf(moot.Full, "%s has room for %d MB, and all copies together take %d: ask for a smaller file or fewer peers, or set TMPDIR", dir, free/1e6, need/1e6)
	}
	return dir, nil
}

// writeRandom writes incompressible bytes.
func writeRandom(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return moot.Errorf(moot.Internal, "make the file: %w", err)
	}
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(rand.Uint32())
	}
	random, block := rand.NewChaCha8(seed), make([]byte, 1<<20)
	for size > 0 && err == nil {
		part := block[:min(size, int64(len(block)))]
		random.Read(part) // never fails
		_, err = f.Write(part)
		size -= int64(len(part))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return moot.Errorf(moot.Internal, "make the file: %w", err)
	}
	return nil
}

// chooseTopology prefers network namespaces, of which it measures a link, to loopback.
func (c *comparison) chooseTopology(ctx context.Context) error {
	setup := Setup{
		Version: c.Version, Date: time.Now().Truncate(time.Second), System: system(), CPUs: runtime.NumCPU(),
		Size: c.Size, SourceUp: c.SourceUp, Up: c.Up, Repeats: c.Repeats,
	}
	defer func() { c.report.Scenario, c.report.Setup = "scalability", setup }()
	setup.Fallback = "asked for"
	if !c.Loopback {
		t, err := newNetnsTopology(1, c.Options)
		if err == nil {
			c.newTopology = func(n int) (topology, error) { return newNetnsTopology(n, c.Options) }
			setup.Fallback, setup.Down = "", c.Down
			setup.Links = "network namespaces on this machine, joined by a bridge, links shaped by tbf"
			c.progress("measuring a link")
			c.report.Calibration, err = t.calibrate(ctx)
			return errors.Join(err, t.close())
		}
		setup.Fallback = err.Error()
	}
	c.Down = 0
	c.newTopology = func(n int) (topology, error) { return newLoopback(n, c.Options), nil }
	setup.Links = "loopback: each node limits its own uploads, downlinks are not limited"
	c.progress("no network namespaces (%s): shaping in the process, over loopback", setup.Fallback)
	return nil
}

// runAll executes all runs and computes the rows.
func (c *comparison) runAll(ctx context.Context) error {
	rows, done, of := c.rows(), 0, c.Repeats*len(c.Peers)*len(c.Architectures)
	for repeat := range c.Repeats {
		for i := range rows {
			row := &rows[i]
			done++
			c.progress("run %d of %d: %s to %d, repeat %d", done, of, row.Architecture.Name(), row.Peers, repeat+1)
			run, err := c.runOnce(ctx, row)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && !c.succeeded:
				return moot.Wrap(row.Architecture.Name(), err) // the remaining ones would fail likewise
			case err != nil:
				run = Run{Failed: oneLine(err)}
			}
			c.succeeded = true
			run.Repeat = repeat + 1
			c.progress("  %s", outcome(run, *row))
			row.Runs = append(row.Runs, run)
		}
	}
	for i := range rows {
		rows[i].summarise(c.report.Calibration)
	}
	c.report.Rows = rows
	return nil
}

// oneLine truncates: a command's error may be long.
func oneLine(err error) string {
	const limit = 300
	words := []rune(strings.Join(strings.Fields(err.Error()), " "))
	if len(words) > limit {
		return string(words[:limit]) + "…"
	}
	return string(words)
}

// rows are all rows, without figures yet.
func (c *comparison) rows() (rows []Row) {
	peers := slices.Sorted(slices.Values(c.Peers))
	for _, n := range peers {
		for _, a := range c.Architectures {
			least := bound(a.Peers, c.Size, n, c.source(), c.receiver())
			rows = append(rows, Row{Architecture: a, Peers: n, Bound: least.Seconds()})
		}
	}
	return rows
}

// Timeout of a run: a multiple of its bound, and a minute for overhead without a bound.
const (
	timeoutFactor   = 5
	timeoutConstant = time.Minute
)

// runOnce sets one run up, measures it and tears it down.
func (c *comparison) runOnce(ctx context.Context, row *Row) (run Run, err error) {
	t, err := c.newTopology(row.Peers)
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	testbed, err := NewTestbed(c.dir)
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, testbed.Close()) }()
	testbed.startProcess = func(member string, cmd *exec.Cmd) error { return t.start(hostOf(member), cmd) }
	r := &runner{arch: row.Architecture, n: row.Peers, file: c.file, size: c.Size, topology: t, testbed: testbed, readCPU: c.readCPU}
	if err := r.setUp(ctx); err != nil {
		return Run{}, moot.Wrap("set up", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeoutFactor*seconds(row.Bound)+timeoutConstant)
	defer cancel()
	if run, err = r.measure(ctx); err != nil {
		return Run{}, err
	}
	run.Void = run.CPU.void()
	if c.report.Calibration != nil && c.report.Calibration.Void != "" {
		run.Void = c.report.Calibration.Void
	}
	return run, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
