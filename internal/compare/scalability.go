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

// Scalability times how long a file takes to reach more and more receivers through
// each architecture. Within each repeat the architectures take turns, so that what
// disturbs the machine for a while disturbs all of them. The error is of kind Invalid
// for options that make no sense; a run that fails after another succeeded is in the
// report instead (see [Report.Err]).
func Scalability(ctx context.Context, o Options) (_ *Report, err error) {
	c := &comparison{Options: o}
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = moot.Errorf(moot.Unavailable, "interrupted; nothing is left behind")
		}
		err = errors.Join(moot.Wrap("compare scalability", err), c.close())
	}()
	for _, step := range []func(context.Context) error{c.prepare, c.stand, c.all} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &c.report, nil
}

// comparison is one comparison at work.
type comparison struct {
	Options
	dir       string // temporary, for everything
	file      string // what is shared
	newGround func(n int) (ground, error)
	report    Report
	succeeded bool // at least one run did
}

func (c *comparison) close() error {
	if c.dir == "" {
		return nil
	}
	return os.RemoveAll(c.dir)
}

// prepare makes a place for the data, and the file.
func (c *comparison) prepare(context.Context) (err error) {
	if c.File != "" {
		info, err := os.Stat(c.File)
		if err != nil {
			return moot.Errorf(moot.NotFound, "%w", err)
		}
		if !info.Mode().IsRegular() {
			return moot.Errorf(moot.Invalid, "%s is no file", c.File)
		}
		c.Size = info.Size()
	}
	if err := c.validate(); err != nil {
		return err
	}
	// The original, the source's own and, with each receiver, its own and its copy.
	need := c.Size*int64(2*slices.Max(c.Peers)+2) + c.Size/16 + 64<<20
	parent, err := parentWith(need)
	if err != nil {
		return err
	}
	if c.dir, err = os.MkdirTemp(parent, "moot-compare-"); err != nil {
		return moot.Errorf(moot.Internal, "make a temporary directory: %w", err)
	}
	if c.file, err = filepath.Abs(c.File); err != nil || c.File != "" {
		return err
	}
	c.file = filepath.Join(c.dir, data)
	return writeRandom(c.file, c.Size)
}

// parentWith is a directory that has room: in memory if it can be, so that no disk is
// measured.
func parentWith(need int64) (string, error) {
	const memory = "/dev/shm"
	if room(memory) > need {
		return memory, nil
	}
	dir := os.TempDir()
	if r := room(dir); r > 0 && r < need {
		return "", moot.Errorf(moot.Full, "%s has room for %d MB, and all copies together take %d: ask for a smaller file or fewer peers, or set TMPDIR", dir, r/1e6, need/1e6)
	}
	return dir, nil
}

// writeRandom writes bytes that neither compress nor repeat.
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

// stand finds out where hosts can stand, and measures a link of theirs.
func (c *comparison) stand(ctx context.Context) error {
	setup := Setup{
		Version: c.Version, Date: time.Now().Truncate(time.Second), System: system(), CPUs: runtime.NumCPU(),
		Size: c.Size, SourceUp: c.SourceUp, Up: c.Up, Repeats: c.Repeats,
	}
	defer func() { c.report.Scenario, c.report.Setup = "scalability", setup }()
	setup.Fallback = "asked for"
	if !c.Loopback {
		star, err := newStar(1, c.Options)
		if err == nil {
			c.newGround = func(n int) (ground, error) { return newStar(n, c.Options) }
			setup.Fallback, setup.Down = "", c.Down
			setup.Links = "network namespaces on this machine, joined by a bridge, links shaped by tbf"
			c.say("measuring a link")
			c.report.Calibration, err = star.calibrate(ctx)
			return errors.Join(err, star.close())
		}
		setup.Fallback = err.Error()
	}
	c.Down = 0
	c.newGround = func(n int) (ground, error) { return newLoopback(n, c.Options), nil }
	setup.Links = "loopback: each node limits its own uploads, downlinks are not limited"
	c.say("no network namespaces (%s): shaping in the process, over loopback", setup.Fallback)
	return nil
}

// all runs everything and fills the rows.
func (c *comparison) all(ctx context.Context) error {
	rows, done, of := c.rows(), 0, c.Repeats*len(c.Peers)*len(c.Architectures)
	for repeat := range c.Repeats {
		for i := range rows {
			row := &rows[i]
			done++
			c.say("run %d of %d: %s to %d, repeat %d", done, of, row.Architecture.Name(), row.Peers, repeat+1)
			run, err := c.once(ctx, row)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && !c.succeeded:
				return moot.Wrap(row.Architecture.Name(), err) // what cannot be done once is not tried for an hour
			case err != nil:
				run = Run{Failed: brief(err)}
			}
			c.succeeded = true
			run.Repeat = repeat + 1
			c.say("  %s", outcome(run, *row))
			row.Runs = append(row.Runs, run)
		}
	}
	for i := range rows {
		rows[i].summarise(c.report.Calibration)
	}
	c.report.Rows = rows
	return nil
}

// brief is an error on one line of bounded length: a command may have much to say.
func brief(err error) string {
	const most = 300
	words := []rune(strings.Join(strings.Fields(err.Error()), " "))
	if len(words) > most {
		return string(words[:most]) + "…"
	}
	return string(words)
}

// rows are all rows without figures.
func (c *comparison) rows() (rows []Row) {
	peers := slices.Sorted(slices.Values(c.Peers))
	for _, n := range peers {
		for _, a := range c.Architectures {
			bound := a.bound(c.Size, n, c.source(), c.receiver())
			rows = append(rows, Row{Architecture: a, Peers: n, Bound: bound.Seconds()})
		}
	}
	return rows
}

// A run may take some times its bound, and a minute for what has none.
const (
	patience     = 5
	patienceOver = time.Minute
)

// once sets one trial up, measures it and takes it down.
func (c *comparison) once(ctx context.Context, row *Row) (run Run, err error) {
	g, err := c.newGround(row.Peers)
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	st, err := NewStage(c.dir)
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	st.begin = func(who string, cmd *exec.Cmd) error { return g.start(hostOf(who), cmd) }
	t := &trial{arch: row.Architecture, n: row.Peers, file: c.file, size: c.Size, ground: g, stage: st}
	if err := t.setUp(ctx); err != nil {
		return Run{}, moot.Wrap("set up", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience*seconds(row.Bound)+patienceOver)
	defer cancel()
	if run, err = t.measure(ctx); err != nil {
		return Run{}, err
	}
	run.Void = run.CPU.void()
	if c.report.Calibration != nil && c.report.Calibration.Void != "" {
		run.Void = c.report.Calibration.Void
	}
	return run, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
