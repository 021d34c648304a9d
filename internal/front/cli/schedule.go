package cli

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
)

// schedule are the flags of `moot run` about when a job starts.
type schedule struct {
	at     string
	every  time.Duration
	after  []string
	notify bool
}

func (o *schedule) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.at, "at", "", "start at this `TIME`: 22:00, '2026-12-24 18:00', or after a while, as 90m")
	spanVar(f, &o.every, "every", 0, "run again after each `TIME` (as 1d); names in the space stand for what they are then")
	f.StringArrayVar(&o.after, "after", nil, "start when the job `ID` is done: its results are in /in, by its name")
	f.BoolVar(&o.notify, "notify", false, "write me a message when it has ended")
}

// waits reports whether the job does not start now.
func (o *schedule) waits() bool { return o.at != "" || o.every > 0 }

// start returns when a job starts.
func (o *schedule) start(ctx context.Context, s *app.Session, now time.Time) (start jobs.Start, err error) {
	start.Every = o.every
	if o.at != "" {
		if start.At, err = parseAt(o.at, now); err != nil {
			return start, err
		}
	}
	if len(o.after) == 0 {
		return start, nil
	}
	list, err := s.Jobs.Jobs(ctx)
	if err != nil {
		return start, err
	}
	for _, id := range o.after {
		j, err := findJob(list, id)
		if err != nil {
			return start, err
		}
		start.Sources = append(start.Sources, jobs.Source{Job: j.ID, Path: path.Base(path.Clean("/" + j.Name))})
	}
	return start, nil
}

// findJob returns a job by the beginning of its ID.
func findJob(list []jobs.Job, id string) (found jobs.Job, err error) {
	for _, j := range list {
		if id == "" || !strings.HasPrefix(j.ID, id) {
			continue
		}
		if found.ID != "" {
			return found, moot.Errorf(moot.Invalid, "several job IDs begin with %s: give more of it", id)
		}
		found = j
	}
	if found.ID == "" {
		return found, moot.WithHint(moot.Errorf(moot.NotFound, "there is no job %.40q", id), moot.HintListJobs)
	}
	return found, nil
}

// parseAt reads a time of day, which is the next one, a date with a time, or a duration
// from now.
func parseAt(text string, now time.Time) (time.Time, error) {
	if t, err := time.ParseInLocation("15:04", text, now.Location()); err == nil {
		at := time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, now.Location())
		if !at.After(now) {
			at = at.AddDate(0, 0, 1)
		}
		return at, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", time.RFC3339} {
		t, err := time.ParseInLocation(layout, text, now.Location())
		switch {
		case err != nil:
		case t.Before(now):
			return t, moot.Errorf(moot.Invalid, "%s is past", text)
		default:
			return t, nil
		}
	}
	if d, err := parseSpan(text); err == nil {
		return now.Add(d), nil
	}
	return time.Time{}, moot.Errorf(moot.Invalid, "%.40q is not a time (want 22:00, '2026-12-24 18:00' or 90m)", text)
}
