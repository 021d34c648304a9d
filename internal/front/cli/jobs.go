package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
)

func (a *commandLine) jobsCommand() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:     "jobs [ID] [--follow]",
		Short:   "List jobs, or show how far one is",
		Example: "  moot jobs\n  moot jobs k3f --follow",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if len(args) == 0 {
					return a.listJobs(ctx, s)
				}
				if follow {
					j, err := a.follow(ctx, s, args[0], false, false)
					if err != nil {
						return err
					}
					return a.jobOver(ctx, s, j, false)
				}
				j, err := a.jobNow(ctx, s, args[0])
				if err == nil {
					a.showJob(ctx, s, j)
				}
				return err
			})
		},
	}
	c.AddCommand(a.trustCommand())
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on until it has ended")
	c.AddCommand(a.removeJobsCommand())
	return c
}

func (a *commandLine) removeJobsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm ID…",
		Short: "Forget jobs of your own that have ended",
		Long: `Forget jobs of your own that have ended. Their folders of results stay in the space until
'moot rm'. Without it jobs are forgotten after 30 days ('moot policy --keep-jobs-days').`,
		Example: "  moot jobs rm k3f",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				for _, id := range args {
					if err := s.Jobs.Remove(ctx, id); err != nil {
						return err
					}
					a.done("forgotten", id)
				}
				return nil
			})
		},
	}
}

// jobNow returns a job as its coordinator knows it, if that answers.
func (a *commandLine) jobNow(ctx context.Context, s *app.Session, id string) (j jobs.Job, err error) {
	n := 0
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for ev, failed := range s.Jobs.Follow(ctx, id, false) {
		if failed != nil {
			if n == 0 {
				return j, failed
			}
			j.Why = "its coordinator cannot be asked now: " + failed.Error()
			break
		}
		j = ev.Job
		if n++; n == 2 || j.State.Ended() { // the first is what the space knows
			break
		}
	}
	return j, nil
}

func (a *commandLine) listJobs(ctx context.Context, s *app.Session) error {
	list, err := s.Jobs.Jobs(ctx)
	if err != nil {
		return err
	}
	if a.json {
		for _, j := range list {
			a.print(j)
		}
		return nil
	}
	who := a.names(ctx, s)
	var rows [][]string
	for _, j := range list {
		state := string(j.State)
		switch {
		case j.State == jobs.Waiting && j.Next.After(time.Now()):
			state = "starts " + j.Next.Local().Format("2006-01-02 15:04")
		case j.State == jobs.Waiting:
			state = "going on" // how far, only its coordinator knows
		case j.State == jobs.Scheduled && j.Last != "":
			state = fmt.Sprintf("%s, again %s", j.Last, j.Next.Local().Format("2006-01-02 15:04"))
		}
		rows = append(rows, []string{shortID(j.ID), name(j.Name), name(who.member(j.By)), state, j.Submitted.Local().Format("2006-01-02 15:04:05"), name(j.As), name(firstLine(j.Why))})
	}
	a.table("ID\tPROGRAM\tBY\tSTATE\tWHEN\tRESULTS\t", rows)
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

func (a *commandLine) showJob(ctx context.Context, s *app.Session, j jobs.Job) {
	if a.json {
		a.print(j)
		return
	}
	who := a.names(ctx, s)
	rows := [][]string{{"job", j.ID}, {"program", name(j.Name)}, {"by", name(who.member(j.By))}, {"coordinated by", name(who.device(j.Coordinator))},
		{"state", string(j.State)}, {"tasks", counts(j)}, {"results", name(j.As)}}
	if !j.Next.IsZero() {
		rows = append(rows, []string{"starts", j.Next.Local().Format("2006-01-02 15:04:05")})
	}
	if j.Why != "" {
		rows = append(rows, []string{"because", name(j.Why)})
	}
	for _, k := range slices.SortedFunc(maps.Keys(j.Workers), func(x, y moot.Key) int { return bytes.Compare(x[:], y[:]) }) {
		rows = append(rows, []string{"worker " + name(who.device(k)), fmt.Sprintf("%d tasks", j.Workers[k])})
	}
	for _, l := range j.Disagreed {
		rows = append(rows, []string{"disagreed", name(who.device(l.Worker)) + " on " + name(l.Task)})
	}
	a.table("", rows)
}

// counts says how far a job is.
func counts(j jobs.Job) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d done", j.Progress.Done, j.Tasks)
	for _, part := range []struct {
		n    int
		what string
	}{{j.Running, "running"}, {j.Progress.Failed, "failed"}, {j.Cached, "known from before"}, {j.Lost, "lost with workers"}, {j.Backups, "run twice for speed"}} {
		if part.n > 0 {
			fmt.Fprintf(&b, ", %d %s", part.n, part.what)
		}
	}
	if len(j.Workers) > 0 {
		fmt.Fprintf(&b, ", %d workers", len(j.Workers))
	}
	if j.Wall > 0 {
		fmt.Fprintf(&b, ", %s", j.Wall.Round(10*time.Millisecond))
	}
	return b.String()
}

// follow shows a job until it has ended. The output of a single task is this command's.
func (a *commandLine) follow(ctx context.Context, s *app.Session, id string, logs, single bool) (j jobs.Job, err error) {
	line := a.statusLine()
	defer line.clear()
	for ev, err := range s.Jobs.Follow(ctx, id, logs) {
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			return j, err
		}
		j = ev.Job
		switch {
		case ev.Log != nil:
			line.clear()
			a.showLog(*ev.Log, single)
		case a.json && !single:
			a.print(ev)
		default:
			line.show("%s: %s", name(j.Name), counts(j)+hint(j))
		}
	}
	if err := ctx.Err(); err != nil {
		return j, moot.Errorf(moot.Unavailable, "interrupted: the job %s goes on, see 'moot jobs %s'", shortID(j.ID), shortID(j.ID))
	}
	if !j.State.Ended() {
		return j, moot.Errorf(moot.Unavailable, "the job's coordinator went away: see 'moot jobs %s'", shortID(j.ID))
	}
	return j, nil
}

func hint(j jobs.Job) string {
	if j.Why == "" || j.State.Ended() {
		return ""
	}
	return " (" + firstLine(j.Why) + ")"
}

func (a *commandLine) showLog(l jobs.Log, single bool) {
	if a.json {
		a.print(map[string]any{"task": l.Task, "stream": l.Stream, "text": string(l.Text), "again": l.Restarted})
		return
	}
	to := a.out
	if l.Stream == 2 {
		to = a.err
	}
	if l.Restarted {
		fmt.Fprintf(a.err, "-- %s begins anew\n", name(l.Task))
	}
	text := clean(strings.ReplaceAll(string(l.Text), "\t", "    "))
	if single {
		if !isTerminal(to) {
			text = string(l.Text) // for another program, as it is
		}
		fmt.Fprint(to, text)
		return
	}
	for one := range strings.Lines(text) {
		fmt.Fprintf(to, "%s: %s\n", name(l.Task), strings.TrimSuffix(one, "\n"))
	}
}

// statusLine is a line on a terminal that changes; elsewhere nothing.
type statusLine struct {
	to      *os.File
	visible bool
}

func (a *commandLine) statusLine() *statusLine {
	if a.json || !isTerminal(a.err) {
		return &statusLine{}
	}
	return &statusLine{to: a.err.(*os.File)}
}

func (l *statusLine) show(format string, args ...any) {
	if l.to != nil {
		fmt.Fprintf(l.to, "\r\033[K"+format, args...)
		l.visible = true
	}
}

func (l *statusLine) clear() {
	if l.visible {
		fmt.Fprint(l.to, "\r\033[K")
		l.visible = false
	}
}

func (a *commandLine) logsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "logs ID",
		Short:   "Show what a job's tasks write, from the beginning until it has ended",
		Example: "  moot logs k3f",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				_, err := a.follow(ctx, s, args[0], true, false)
				return err
			})
		},
	}
}

func (a *commandLine) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel ID",
		Short: "Stop a job of your own",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Jobs.Cancel(ctx, args[0]); err != nil {
					return err
				}
				a.done("cancelled", args[0])
				return nil
			})
		},
	}
}

func (a *commandLine) retryCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "retry ID",
		Short: "Run the failed tasks of a job again, or what was not done when it was cancelled",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(c.Context(), func(ctx context.Context, s *app.Session) error {
				if err := s.Jobs.Retry(ctx, args[0]); err != nil {
					return err
				}
				j, err := a.follow(ctx, s, args[0], false, false)
				if err != nil {
					return err
				}
				return a.jobOver(ctx, s, j, false)
			})
		},
	}
}
