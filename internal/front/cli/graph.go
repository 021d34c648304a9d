package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
)

// graph is a file of jobs that wait for each other's results.
type graph struct {
	Name string               `yaml:"name"` // for people; the file's, if it is left out
	As   string               `yaml:"as"`   // folder of the results; jobs/NAME, if it is left out
	Jobs map[string]*graphJob `yaml:"jobs"`
}

// graphJob is one job of a graph.
type graphJob struct {
	Run     string            `yaml:"run"` // the module
	Args    []string          `yaml:"args"`
	Env     map[string]string `yaml:"env"`
	In      []string          `yaml:"in"`
	Each    []string          `yaml:"each"`
	EachOf  string            `yaml:"each-of"` // a task for each file of another job's results
	After   []string          `yaml:"after"`   // their results are below /in, by their names
	Count   int               `yaml:"count"`
	Reduce  string            `yaml:"reduce"`
	Memory  string            `yaml:"memory"`
	Time    string            `yaml:"time"`
	Check   string            `yaml:"check"`
	Retries int               `yaml:"retries"`
	Partial bool              `yaml:"partial"`
}

const (
	maxGraph     = 1 << 20 // bytes of a file
	maxGraphJobs = 256
)

// isGraph reports whether an argument of `moot run` is a graph of jobs.
func isGraph(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(file)))
}

// readGraph reads and checks a file; JSON is YAML, too.
func readGraph(file string) (g graph, order []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return g, nil, moot.Errorf(moot.NotFound, "%w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxGraph+1))
	if err != nil {
		return g, nil, moot.Errorf(moot.Invalid, "%w", err)
	}
	if g, order, err = parseGraph(text); err != nil {
		return g, nil, moot.Wrap(file, err)
	}
	base := filepath.Base(file)
	if g.Name == "" {
		g.Name = strings.TrimSuffix(base, filepath.Ext(base))
	}
	if g.As == "" {
		g.As = "jobs/" + g.Name
	}
	return g, order, nil
}

// parseGraph parses a graph, and orders its jobs so that each follows those it waits for.
// Kind Invalid.
func parseGraph(text []byte) (g graph, order []string, err error) {
	if len(text) > maxGraph {
		return g, nil, moot.Errorf(moot.TooLarge, "a file of jobs has at most %d bytes", maxGraph)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&g); err != nil && !errors.Is(err, io.EOF) {
		return g, nil, moot.Errorf(moot.Invalid, "%w", err)
	}
	if len(g.Jobs) == 0 || len(g.Jobs) > maxGraphJobs {
		return g, nil, moot.Errorf(moot.Invalid, "it has no jobs, or more than %d: see 'moot run --help'", maxGraphJobs)
	}
	for name, j := range g.Jobs {
		switch {
		case j == nil || j.Run == "":
			return g, nil, moot.Errorf(moot.Invalid, "the job %.40q does not say what to run", name)
		case name == "" || name != path.Base(path.Clean("/"+name)):
			return g, nil, moot.Errorf(moot.Invalid, "%.40q cannot be the name of a job, which is a folder of results, too", name)
		case len(j.Each) > 0 && j.Count > 0 || j.EachOf != "" && j.Count > 0:
			return g, nil, moot.Errorf(moot.Invalid, "the job %.40q has tasks for each input, and a count", name)
		}
	}
	order, err = g.sort()
	return g, order, err
}

// needs returns the jobs that one waits for.
func (j *graphJob) needs() []string {
	if j.EachOf == "" {
		return j.After
	}
	return append(slices.Clone(j.After), j.EachOf)
}

// sort orders jobs topologically, and otherwise by name.
func (g *graph) sort() (order []string, err error) {
	const visiting, done = 1, 2
	state := map[string]int{}
	var visit func(name, from string) error
	visit = func(name, from string) error {
		j := g.Jobs[name]
		switch {
		case j == nil:
			return moot.Errorf(moot.Invalid, "the job %.40q waits for %.40q, which there is not", from, name)
		case state[name] == visiting:
			return moot.Errorf(moot.Invalid, "the job %.40q waits for itself, by way of %.40q", name, from)
		case state[name] == done:
			return nil
		}
		state[name] = visiting
		for _, other := range j.needs() {
			if err := visit(other, name); err != nil {
				return err
			}
		}
		state[name] = done
		order = append(order, name)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(g.Jobs)) {
		if err := visit(name, ""); err != nil {
			return nil, err
		}
	}
	return order, nil
}

// flags returns the job as the flags of `moot run` would have it.
func (j *graphJob) flags() (o running, err error) {
	o = running{detached: true, in: j.In, each: j.Each, count: j.Count, reduce: j.Reduce, memory: j.Memory}
	for _, name := range slices.Sorted(maps.Keys(j.Env)) {
		o.env = append(o.env, name+"="+j.Env[name])
	}
	if j.Time != "" {
		if o.wall, err = parseSpan(j.Time); err != nil {
			return o, err
		}
	}
	o.check, o.spec.Retries, o.spec.Partial = cmp.Or(j.Check, "0"), j.Retries, j.Partial
	return o, nil
}

// runGraph submits the jobs of a file, and follows them to their ends.
func (a *commandLine) runGraph(ctx context.Context, s *app.Session, o running, file string) error {
	g, order, err := readGraph(file)
	if err != nil {
		return err
	}
	at, err := o.when.start(ctx, s, time.Now())
	if err != nil {
		return err
	}
	if at.Every > 0 {
		return moot.Errorf(moot.Invalid, "jobs that wait for each other cannot be repeated")
	}
	submitted := map[string]jobs.Job{}
	for _, name := range order {
		j, err := a.submitOf(ctx, s, g, name, submitted, at)
		if err != nil {
			for _, other := range submitted {
				err = errors.Join(err, s.Jobs.Cancel(context.WithoutCancel(ctx), other.ID))
			}
			return moot.Wrap("the job "+name, err)
		}
		submitted[name] = j
	}
	if o.detach || o.when.waits() {
		for _, name := range order {
			a.showSubmitted(submitted[name])
		}
		return nil
	}
	var failed error
	for _, name := range order {
		j, err := a.follow(ctx, s, submitted[name].ID, o.showLogs, false)
		if err != nil {
			return err
		}
		failed = errors.Join(failed, a.jobOver(ctx, s, j, false))
	}
	return failed
}

// submitOf submits one job of a graph, whose earlier ones are submitted.
func (a *commandLine) submitOf(ctx context.Context, s *app.Session, g graph, name string, earlier map[string]jobs.Job, at jobs.Start) (jobs.Job, error) {
	one := g.Jobs[name]
	o, err := one.flags()
	if err != nil {
		return jobs.Job{}, err
	}
	spec, err := a.jobSpec(ctx, s, o, append([]string{one.Run}, one.Args...))
	if err != nil {
		return jobs.Job{}, err
	}
	spec.Name, spec.As = g.Name+"/"+name, path.Join(g.As, name)
	spec.Start.At = at.At
	spec.Start.Sources = slices.Clone(at.Sources)
	for _, other := range one.After {
		spec.Start.Sources = append(spec.Start.Sources, jobs.Source{Job: earlier[other].ID, Path: other})
	}
	if one.EachOf != "" {
		spec.Start.Sources = append(spec.Start.Sources, jobs.Source{Job: earlier[one.EachOf].ID, Each: true})
	}
	return s.Jobs.Submit(ctx, spec)
}
