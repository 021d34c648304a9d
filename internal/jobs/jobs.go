// Package jobs gives computing power its meaning: a member hands in a job, which is a
// program run over many inputs in one stage after another; a coordinator, which is the
// space's server or the member's own node, finds workers for its tasks, and keeps what
// came of them in a durable queue; the results become a folder in the space. It works
// over any moot.Node and any moot.Runner, and must not know an architecture, a store, a
// link, or how a task is run.
package jobs

import (
	"context"
	"iter"
	"time"

	"github.com/mootspace/moot"
)

// Desk is where a member hands in jobs and follows them.
type Desk interface {
	// Submit hands in a job. When it returns without an error the job survives a crash.
	// Kinds: Invalid, NotFound, Denied, Full; Unavailable if nobody could run it now.
	Submit(ctx context.Context, s Spec) (Job, error)
	// Jobs returns the space's jobs, the newest first, as far as is known at once.
	Jobs(ctx context.Context) ([]Job, error)
	// Follow yields a job as it is now and whenever it changes, until it has ended; with
	// logs also what its tasks write, from the beginning.
	Follow(ctx context.Context, id string, logs bool) iter.Seq2[Event, error]
	// Cancel stops a job of one's own; Retry has its failed tasks run again.
	Cancel(ctx context.Context, id string) error
	Retry(ctx context.Context, id string) error
	// Offers returns who lends computing power.
	Offers(ctx context.Context) ([]Offer, error)
}

// Spec is the work that a member wants done.
type Spec struct {
	Name     string        `json:"name"`               // for people
	As       string        `json:"as,omitempty"`       // of the folder of results; "" means jobs/<ID>
	Stages   []Stage       `json:"stages"`             // one after another
	Priority int           `json:"priority,omitempty"` // higher goes first, within what a member is due
	Check    int           `json:"check,omitempty"`    // nodes that run each task; most of them must agree
	Retries  int           `json:"retries,omitempty"`  // how often a task that failed is tried again
	Timeout  time.Duration `json:"timeout,omitempty"`  // of the job as a whole; 0 means none
	Fresh    bool          `json:"fresh,omitempty"`    // run also what was run before
	Partial  bool          `json:"partial,omitempty"`  // go on without tasks that failed
}

// Stage is tasks that can run at the same time. The folder of what the stage before made
// is their /in.
type Stage struct {
	Name  string       `json:"name,omitempty"`
	Task  moot.Task    `json:"task"`            // what all of them have in common
	Each  []moot.Input `json:"each,omitempty"`  // a task for each; of a folder, for each file in it
	Count int          `json:"count,omitempty"` // without Each: so many tasks, numbered in MOOT_TASK; 0 means one
}

// State is how far a job is.
type State string

const (
	Waiting   State = "waiting" // not yet seen by its coordinator
	Running   State = "running"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended reports whether nothing more will happen, unless it is retried.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Job is a job and how far it is.
type Job struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	As          string    `json:"as"` // of the results in the space
	Author      moot.Key  `json:"author"`
	Coordinator moot.Key  `json:"coordinator"`
	Pool        Pool      `json:"pool"` // who may run it
	Submitted   time.Time `json:"submitted"`

	Round  uint        `json:"round,omitempty"` // grows when it is tried again
	State  State       `json:"state"`
	Why    string      `json:"why,omitempty"` // it failed, or waits
	Result moot.BlobID `json:"result,omitzero"`
	Progress
}

// Progress counts what became of a job's tasks.
type Progress struct {
	Stage   string           `json:"stage,omitempty"` // under way
	Tasks   int              `json:"tasks"`           // of all stages that have begun
	Done    int              `json:"done"`
	Failed  int              `json:"failed,omitempty"`
	Running int              `json:"running,omitempty"`
	Cached  int              `json:"cached,omitempty"` // done without running: they were run before
	Again   int              `json:"again,omitempty"`  // copies run because a worker was lost or slow
	Lost    int              `json:"lost,omitempty"`   // copies lost with their workers
	Wall    time.Duration    `json:"wall,omitempty"`   // since the job began
	CPU     time.Duration    `json:"cpu,omitempty"`    // of the tasks that are done
	Busy    time.Duration    `json:"busy,omitempty"`   // time that they ran
	Workers map[moot.Key]int `json:"workers,omitempty"`
	Liars   []Disagreement   `json:"disagreed,omitempty"`
}

// Disagreement is a worker whose result was not that of most others.
type Disagreement struct {
	Worker moot.Key `json:"worker"`
	Task   string   `json:"task"`
}

// Event is news of a job.
type Event struct {
	Job Job  `json:"job"`
	Log *Log `json:"log,omitempty"` // nil: the job changed
}

// Log is something that a task wrote.
type Log struct {
	Task   string `json:"task,omitempty"` // its label
	Stream int    `json:"stream"`         // 1: standard output, 2: standard error
	Text   []byte `json:"text"`
	Again  bool   `json:"again,omitempty"` // the task began anew
}

// Pool says who may run a job's tasks.
type Pool string

const (
	Servers Pool = "servers" // the space's servers and the workers beside them
	Peers   Pool = "peers"   // members who lend
	All     Pool = "all"
)
