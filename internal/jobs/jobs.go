// Package jobs gives computing power its meaning: a member submits a job, which is a
// program run over many inputs, stage by stage; a coordinator, which is the space's server
// or the member's own node, assigns its tasks to workers and commits their outcomes to a
// durable queue; the results become a folder in the space. It works over any moot.Node and
// any moot.Runner, and must not know a store, a link, or how a task is run.
package jobs

import (
	"context"
	"iter"
	"time"

	"github.com/mootspace/moot"
)

// Submitter submits a member's jobs and follows them.
type Submitter interface {
	// Submit submits a job, which survives a crash once no error is returned. Kinds:
	// Invalid, NotFound, Denied, Full; Unavailable if too few workers could run it now.
	Submit(ctx context.Context, s Spec) (Job, error)
	// Jobs returns the space's jobs that this node knows of, the newest first.
	Jobs(ctx context.Context) ([]Job, error)
	// Follow yields a job now and at each change until it has ended; with logs, also what
	// its tasks write, from the beginning.
	Follow(ctx context.Context, id string, logs bool) iter.Seq2[Event, error]
	// Cancel stops a job of the member's own, submitted from whichever device; Retry runs
	// its failed tasks again.
	Cancel(ctx context.Context, id string) error
	Retry(ctx context.Context, id string) error
	// Remove forgets a job of the member's own that has ended; its folder of results stays.
	// Kinds NotFound, Denied, Conflict if it has not ended.
	Remove(ctx context.Context, id string) error
	// Offers returns the offers of computing power, with what this node's coordinator knows
	// of who lends.
	Offers(ctx context.Context) ([]Offer, error)
	// Trust has this node's coordinator give tasks again to a member whose worker returned a
	// wrong result. Kind NotFound if none did.
	Trust(ctx context.Context, member moot.MemberID) error
}

// Spec specifies a job.
type Spec struct {
	Name     string        `json:"name"`               // for people
	As       string        `json:"as,omitempty"`       // of the folder of results; "" means jobs/<ID>
	Stages   []Stage       `json:"stages"`             // one after another
	Priority int           `json:"priority,omitempty"` // higher goes first, within the member's fair share
	Check    int           `json:"check,omitempty"`    // members on whose workers each task is run; a majority must agree; or CheckAuto
	On       []Target      `json:"on,omitempty"`       // who may run it; none means all
	Not      []Target      `json:"not,omitempty"`      // who may not run it
	Retries  int           `json:"retries,omitempty"`  // times that a failed task is run again
	Timeout  time.Duration `json:"timeout,omitempty"`  // of the job as a whole; 0 means none
	Fresh    bool          `json:"fresh,omitempty"`    // ignore cached results
	Partial  bool          `json:"partial,omitempty"`  // go on without failed tasks
	Start    Start         `json:"start,omitzero"`
	Notify   bool          `json:"notify,omitempty"` // write the submitter a message when it has ended
}

// Target is a member or one device.
type Target struct {
	Member moot.MemberID `json:"member,omitzero"`
	Device moot.Key      `json:"device,omitzero"` // of a member; zero: all of them
}

// Stage is tasks that can run at the same time. The results of the stage before are their
// /in.
type Stage struct {
	Name  string       `json:"name,omitempty"`
	Task  moot.Task    `json:"task"`            // common to all
	Each  []moot.Input `json:"each,omitempty"`  // one task for each; for a folder, one for each file in it
	Count int          `json:"count,omitempty"` // without Each: number of tasks, numbered in MOOT_TASK; 0 means one
}

// State is the state of a job.
type State string

const (
	Waiting   State = "waiting"   // its coordinator has not received it
	Scheduled State = "scheduled" // held until its time, or until others are done
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether the state is final, unless the job is retried.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Job is a job and its progress.
type Job struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	As          string            `json:"as"`          // name of the results in the space
	By          moot.MemberID     `json:"by"`          // the submitter
	Coordinator moot.Key          `json:"coordinator"` // the device of its node
	Via         moot.Architecture `json:"pool"`        // who may run it, in JSON as "servers", "peers" or "all"
	Submitted   time.Time         `json:"submittedJob"`

	Round  uint        `json:"round,omitempty"` // retries
	Run    int         `json:"run,omitempty"`   // of a repeated job, from 0
	Next   time.Time   `json:"next,omitzero"`   // when it starts, if that is to come
	State  State       `json:"state"`
	Last   State       `json:"last,omitempty"` // how the last run of a repeated job ended
	Why    string      `json:"why,omitempty"`  // why it failed or waits
	Result moot.BlobID `json:"result,omitzero"`
	Progress
}

// Progress counts a job's tasks.
type Progress struct {
	Stage     string           `json:"stage,omitempty"` // running now
	Tasks     int              `json:"tasks"`           // of all stages that have started
	Done      int              `json:"done"`
	Failed    int              `json:"failed,omitempty"`
	Running   int              `json:"running,omitempty"`
	Cached    int              `json:"cached,omitempty"`  // taken from the result cache
	Backups   int              `json:"again,omitempty"`   // backup runs of slow tasks
	Lost      int              `json:"lost,omitempty"`    // runs lost with their workers
	Wall      time.Duration    `json:"wall,omitempty"`    // since the job started
	CPU       time.Duration    `json:"cpu,omitempty"`     // of finished tasks
	Busy      time.Duration    `json:"busy,omitempty"`    // wall time of all runs
	Workers   map[moot.Key]int `json:"workers,omitempty"` // tasks run by each device
	Disagreed []Disagreement   `json:"disagreed,omitempty"`
}

// Disagreement is a worker's outcome that differs from the majority's.
type Disagreement struct {
	Worker moot.Key `json:"worker"` // its device
	Task   string   `json:"task"`
}

// Event is a change of a job, or output of one of its tasks.
type Event struct {
	Job Job  `json:"job"`
	Log *Log `json:"log,omitempty"` // nil: the job changed
}

// Log is output of a task.
type Log struct {
	Task      string `json:"task,omitempty"` // label of the task
	Stream    int    `json:"stream"`         // 1: standard output, 2: standard error
	Text      []byte `json:"text"`
	Restarted bool   `json:"again,omitempty"` // the task was run again: earlier output is void
}
