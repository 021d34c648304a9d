package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/jobs"
)

// running is what the flags of `moot run` say.
type running struct {
	in, each, env    []string
	stdin            string
	detached         bool // from the command's standard input
	count            int
	reduce           string
	reduceArgs, then []string
	when             schedule
	memory           string
	wall, cpu        time.Duration
	output           string
	seed             uint64
	live             bool
	spec             jobs.Spec
	check            string
	on, not          []string
	to               string
	detach, showLogs bool
}

func (a *commandLine) runCommand() *cobra.Command {
	var o running
	c := &cobra.Command{
		Use:   "run MODULE.wasm|JOBS.yaml [--in PATH…] [--each PATH…] [--then MODULE.wasm] [--check K] [--at TIME] [-- ARGS…]",
		Short: "Run a program on the space's computing power",
		Long: `Run a program, compiled to WebAssembly (WASI preview 1), on the space's server or on the
nodes of members who lend computing power ('moot offer'). It sees its inputs below /in
and writes to /out and its standard output; it has no network and no other files. What
it made becomes a folder in the space.

With --each it is run once for every file given, or in a folder given; --then runs another
program, once, over all that came of them. With --check K every task is run by K nodes,
and counts only if most of them agree. With --at or --every it is submitted now and runs
then.

A file JOBS.yaml holds several jobs; each starts when those that it names are done:

  jobs:
    thumbnails: {run: thumbnail.wasm, each: [photos]}
    sizes:      {run: sizes.wasm, each-of: thumbnails}
    page:       {run: page.wasm, args: [--title, Photos], after: [thumbnails, sizes]}

The results of a job are in /in of those that wait for it, by its name (after), or make a
task for each file (each-of). More fields: in, env, count, reduce, memory, time, check,
retries, partial; for all of them name and as.

PATHs and MODULEs are files and folders here; those that do not exist here are looked
for in the space.`,
		Example: `  moot run hello.wasm
  moot run count.wasm --in book.txt -- --words
  moot run wordcount.wasm --each texts --reduce wordcount.wasm --reduce-arg reduce -- map
  moot run thumbnail.wasm --each photos --as thumbnails -o ./thumbnails
  moot run pi.wasm --count 100 --check 3
  moot run report.wasm --in figures --as reports --every 1d --at 06:00 --notify
  moot run photos.yaml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error { return a.runJob(ctx, s, o, args) })
		},
	}
	o.flags(c)
	return c
}

// flags defines the flags of `moot run`.
func (o *running) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.in, "in", nil, "an input `PATH` that every task finds below /in")
	f.StringArrayVar(&o.each, "each", nil, "run a task for the file at `PATH`, or for each file in the folder")
	f.StringVar(&o.stdin, "stdin", "", "every task reads the file at `PATH` as its standard input (default: what is piped in)")
	f.IntVar(&o.count, "count", 0, "run `N` tasks that know their number by MOOT_TASK (0 to N-1) and MOOT_TASKS")
	f.StringArrayVar(&o.env, "env", nil, "`NAME=VALUE` in the program's environment")
	f.StringArrayVar(&o.then, "then", nil, "then run this `MODULE`, with its arguments, over all results (in /in, a folder for each task)")
	f.StringVar(&o.reduce, "reduce", "", "the same for one `MODULE`, whose arguments follow --reduce-arg")
	f.StringArrayVar(&o.reduceArgs, "reduce-arg", nil, "an `ARG` of the module that reduces")
	o.when.flags(c)
	f.StringVar(&o.spec.As, "as", "", "call the folder of results `NAME` (default: jobs/ and the job's ID)")
	f.StringVarP(&o.to, "output", "o", "", "fetch the results to the folder `DIR` when the job is done")
	f.StringVar(&o.check, "check", "0", "have workers of `K` members run each task, and compare; auto: as often as their records demand")
	f.StringArrayVar(&o.on, "on", nil, "only on nodes of the member `NAME`, or on the device NAME/LABEL")
	f.StringArrayVar(&o.not, "not", nil, "not on nodes of the member `NAME`, nor on the device NAME/LABEL")
	f.IntVar(&o.spec.Retries, "retries", 0, "try a task that failed `N` times more")
	f.IntVar(&o.spec.Priority, "priority", 0, "`N`: the higher, the sooner (-100 to 100)")
	spanVar(f, &o.spec.Timeout, "timeout", 0, "give up after this `TIME` (as 1h30m or 2d)")
	f.BoolVar(&o.spec.Fresh, "fresh", false, "run also what was run before with the same inputs")
	f.BoolVar(&o.spec.Partial, "partial", false, "make do without tasks that failed: they are named, and missing in the results")
	f.StringVar(&o.memory, "memory", "", "a task may use so many `BYTES` of memory (as 256M)")
	spanVar(f, &o.wall, "time", 0, "a task may run for this `TIME`")
	spanVar(f, &o.cpu, "cpu", 0, "a task may use this much processor `TIME`")
	f.StringVar(&o.output, "max-output", "", "a task may write so many `BYTES`")
	f.Uint64Var(&o.seed, "seed", 0, "seed `N` of the random numbers that tasks see")
	f.BoolVar(&o.live, "live", false, "let tasks see the real clock and real random numbers: results may differ")
	f.BoolVar(&o.detach, "detach", false, "print the job's ID and do not wait")
	f.BoolVar(&o.showLogs, "logs", false, "show what tasks write (of a single task it is always shown)")
}

func (a *commandLine) runJob(ctx context.Context, s *app.Session, o running, args []string) error {
	if isGraph(args[0]) {
		if len(args) > 1 {
			return moot.Errorf(moot.Invalid, "arguments are in the file of jobs")
		}
		return a.runGraph(ctx, s, o, args[0])
	}
	spec, err := a.jobSpec(ctx, s, o, args)
	if err != nil {
		return err
	}
	j, err := s.Jobs.Submit(ctx, spec)
	if err != nil {
		return err
	}
	if j.Why != "" {
		fmt.Fprintln(a.err, name(j.Why))
	}
	if o.detach || o.when.waits() {
		a.showSubmitted(j)
		return nil
	}
	single := len(spec.Stages) == 1 && len(o.each) == 0 && o.count <= 1
	if j, err = a.follow(ctx, s, j.ID, single || o.showLogs, single); err != nil {
		return err
	}
	if o.to != "" && j.State == jobs.Done {
		if _, err := s.Files.Get(ctx, j.As, o.to, nil); err != nil {
			return err
		}
	}
	return a.jobOver(ctx, s, j, single)
}

// jobSpec brings what the job needs into the space.
func (a *commandLine) jobSpec(ctx context.Context, s *app.Session, o running, args []string) (spec jobs.Spec, err error) {
	spec = o.spec
	if spec.Check, err = parseCheck(o.check); err != nil {
		return spec, err
	}
	if spec.On, err = targets(ctx, s, o.on); err == nil {
		spec.Not, err = targets(ctx, s, o.not)
	}
	if err != nil {
		return spec, err
	}
	module := args[0]
	spec.Name = strings.TrimSuffix(filepath.Base(module), filepath.Ext(module))
	first := jobs.Stage{Name: spec.Name, Count: o.count}
	if first.Task, err = a.taskOf(ctx, s, o, module, args[1:]); err != nil {
		return spec, err
	}
	if spec.Start, err = o.when.start(ctx, s, time.Now()); err != nil {
		return spec, err
	}
	spec.Notify = o.when.notify
	if err := a.jobInputs(ctx, s, o, &spec, &first); err != nil {
		return spec, err
	}
	if !o.detached {
		if first.Task.Stdin, err = a.stdin(ctx, s, o.stdin); err != nil {
			return spec, moot.Wrap("standard input", err)
		}
	}
	spec.Stages = []jobs.Stage{first}
	if o.reduce != "" {
		second := jobs.Stage{Name: "reduce"}
		if second.Task, err = a.taskOf(ctx, s, o, o.reduce, o.reduceArgs); err != nil {
			return spec, err
		}
		spec.Stages = append(spec.Stages, second)
	}
	for _, command := range o.then {
		words := strings.Fields(command)
		if len(words) == 0 {
			return spec, moot.Errorf(moot.Invalid, "--then names no module")
		}
		next := jobs.Stage{Name: strings.TrimSuffix(filepath.Base(words[0]), filepath.Ext(words[0]))}
		if next.Task, err = a.taskOf(ctx, s, o, words[0], words[1:]); err != nil {
			return spec, err
		}
		spec.Stages = append(spec.Stages, next)
	}
	return spec, nil
}

// jobInputs brings the inputs of a job into the space. What a repeated job finds by a name
// in the space it looks up at each start.
func (a *commandLine) jobInputs(ctx context.Context, s *app.Session, o running, spec *jobs.Spec, first *jobs.Stage) error {
	if len(o.each) > 0 && o.count > 0 {
		return moot.Errorf(moot.Invalid, "--each and --count do not go together")
	}
	base := map[string]string{}
	for i, p := range slices.Concat(o.in, o.each) {
		each := i >= len(o.in)
		in, err := a.input(ctx, s, p)
		if err != nil {
			return err
		}
		if other, taken := base[in.Path]; taken && !each {
			return moot.Errorf(moot.Invalid, "the inputs %s and %s would both be /in/%s", other, p, in.Path)
		}
		if !each {
			base[in.Path] = p
		} else if in.Folder {
			in.Path = "" // tasks are called after the files in it
		}
		_, missing := os.Stat(p)
		switch {
		case o.when.every > 0 && missing != nil:
			spec.Start.Sources = append(spec.Start.Sources, jobs.Source{Name: p, Path: in.Path, Each: each})
		case each:
			first.Each = append(first.Each, in)
		default:
			first.Task.Inputs = append(first.Task.Inputs, in)
		}
	}
	return nil
}

func (a *commandLine) taskOf(ctx context.Context, s *app.Session, o running, module string, args []string) (t moot.Task, err error) {
	in, err := a.input(ctx, s, module)
	if err != nil {
		return t, moot.Wrap("the module", err)
	}
	if in.Folder {
		return t, moot.Errorf(moot.Invalid, "the module %s is a folder", module)
	}
	t = moot.Task{Module: in.ID, Name: strings.TrimSuffix(filepath.Base(module), filepath.Ext(module)), Args: args, Env: o.env, Seed: o.seed, Live: o.live}
	t.Limits.Wall, t.Limits.CPU = o.wall, o.cpu
	for text, n := range map[string]*int64{o.memory: &t.Limits.Memory, o.output: &t.Limits.Output} {
		if text == "" {
			continue
		}
		if *n, err = parseSize(text); err != nil {
			return t, err
		}
	}
	return t, nil
}

// stdin is the standard input of tasks: the file at a path, or what is piped in; else zero.
func (a *commandLine) stdin(ctx context.Context, s *app.Session, path string) (in moot.Input, err error) {
	if path != "" {
		in, err = a.input(ctx, s, path)
	} else {
		in, err = a.piped(ctx, s)
	}
	in.Path = "" // equal inputs are equal tasks
	return in, err
}

func (a *commandLine) piped(ctx context.Context, s *app.Session) (none moot.Input, err error) {
	piped, ok := a.in.(*os.File)
	if !ok {
		return none, nil
	}
	info, err := piped.Stat()
	if err != nil || !info.Mode().IsRegular() && info.Mode()&os.ModeNamedPipe == 0 {
		return none, nil
	}
	copied, err := os.CreateTemp("", "moot-stdin-")
	if err != nil {
		return none, err
	}
	defer os.Remove(copied.Name())
	n, err := io.Copy(copied, io.LimitReader(piped, maxStdin+1))
	if err = errors.Join(err, copied.Close()); err != nil || n == 0 {
		return none, err
	}
	if n > maxStdin {
		return none, moot.Errorf(moot.TooLarge, "more than %s was piped in: give it as a file with --stdin", size(maxStdin))
	}
	return a.input(ctx, s, copied.Name())
}

// maxStdin bounds the bytes that are piped in.
const maxStdin = 4 << 30

// input brings a file or folder that is here into the space's store, without a name; what
// is not here is looked for in the space.
func (a *commandLine) input(ctx context.Context, s *app.Session, path string) (in moot.Input, err error) {
	f, err := a.inputFile(ctx, s, path)
	if err != nil {
		return in, err
	}
	return moot.Input{Path: filepath.Base(strings.TrimRight(path, "/")), Folder: f.Folder, ID: f.Blob.ID, Size: f.Content}, nil
}

func (a *commandLine) inputFile(ctx context.Context, s *app.Session, path string) (files.File, error) {
	_, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		f, err := s.Files.Freeze(ctx, path)
		if moot.KindOf(err) == moot.NotFound {
			err = moot.Errorf(moot.NotFound, "there is no %q, neither here nor in the space", path)
		}
		return f, err
	}
	full, err := filepath.Abs(path) // of "." too
	if err != nil {
		return files.File{}, err
	}
	bar := a.progress("bring", path)
	f, err := s.Files.Store(ctx, full, files.ShareOptions{Bare: true, Progress: bar.update})
	bar.done(err)
	return f.File, err
}

func (a *commandLine) showSubmitted(j jobs.Job) {
	if a.json {
		a.print(j)
		return
	}
	a.say("%s", j.ID)
	fmt.Fprintf(a.err, "see how far it is with 'moot jobs %s', what it writes with 'moot logs %s'\n", shortID(j.ID), shortID(j.ID))
}

// shortID is as much of a job's ID as people need.
func shortID(id string) string { return id[:min(len(id), 6)] }

// jobOver tells how a job ended; it is an error if it did not succeed.
func (a *commandLine) jobOver(ctx context.Context, s *app.Session, j jobs.Job, quiet bool) error {
	if a.json {
		a.print(j)
	}
	switch j.State {
	case jobs.Failed:
		return moot.Errorf(moot.Failed, "the job %s failed: %s", shortID(j.ID), cmp.Or(j.Why, "nobody knows why"))
	case jobs.Cancelled:
		return moot.Errorf(moot.Failed, "the job %s was cancelled", shortID(j.ID))
	}
	if !quiet {
		a.say("%s  %s  %s", name(j.As), counts(j), j.Result)
	}
	if j.Why != "" {
		a.say("%s", name(firstLine(j.Why)))
	}
	who := a.names(ctx, s)
	for _, l := range j.Disagreed {
		a.say("the result of %s was not that of the others: task %s", name(who.device(l.Worker)), name(l.Task))
	}
	return nil
}
