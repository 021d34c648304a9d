package jobs

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// task is one task of a stage under way.
type task struct {
	job *job
	row
	running  []*attempt
	votes    []vote
	failures int      // runs that failed by the task's own fault
	lost     int      // runs lost with their workers
	keeping  bool     // what came of it is being written down
	looked   bool     // whether it was run before
	voice    *attempt // whose log followers are told
	told     moot.Key // whose outcome was decided on
	queued   bool     // it is among the job's ready ones
}

// vote is what one worker says came of a task.
type vote struct {
	worker  moot.Key
	digest  [32]byte
	outcome moot.Outcome
}

// attempt is one run of a task by one worker.
type attempt struct {
	*task
	worker  *worker
	cancel  func()
	handed  time.Time // to the worker
	started time.Time // zero: it still waits there
	log     []Log     // the last that it wrote
	logged  int       // bytes of log
}

// spec is the task as a worker is told.
func (t *task) spec() moot.Task {
	j := t.job
	st := j.spec.Stages[j.stage]
	out := st.Task
	out.Inputs = slices.Clone(out.Inputs)
	out.Env = slices.Clone(out.Env)
	if j.stage > 0 {
		out.Inputs = append(out.Inputs, moot.Input{Folder: true, ID: j.Result})
	}
	if t.input != nil {
		out.Inputs = append(out.Inputs, *t.input)
	} else {
		out.Env = append(out.Env, "MOOT_TASK="+strconv.Itoa(t.n), "MOOT_TASKS="+strconv.Itoa(len(j.tasks)))
	}
	out.For, out.Label = j.Author, t.label
	return out
}

// check returns how many workers are to run each task.
func (j *job) check() int { return max(j.spec.Check, 1) }

// digest is a hash of all that decides what a task comes to; nil if chance does, too.
func digest(t moot.Task) ([]byte, error) {
	if t.Live {
		return nil, nil
	}
	t.For, t.Label = moot.Key{}, ""
	return hashJSON(t)
}

// outcomeDigest is a hash of what a task made, which deterministic tasks agree on.
func outcomeDigest(o moot.Outcome) ([32]byte, error) {
	type made struct {
		Path string
		ID   moot.BlobID
	}
	list := []made{{"", o.Stdout.ID}, {"", o.Stderr.ID}}
	for _, f := range o.Files {
		list = append(list, made{f.Path, f.ID})
	}
	sum, err := hashJSON(struct {
		Exit  uint32
		Fault bool
		Made  []made
	}{o.Exit, o.Failure != "", list})
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(sum), nil
}

func hashJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, moot.Errorf(moot.Internal, "%w", err)
	}
	h := blob.NewHasher(nil)
	h.Write(text) // fails only if a tree is written
	b, err := h.Sum()
	return b.ID[:], err
}

// failed reports why an outcome is no success; "" if it is one.
func failed(o moot.Outcome) string {
	switch {
	case o.Failure != "":
		return o.Failure
	case o.Exit != 0:
		return fmt.Sprintf("exit status %d", o.Exit)
	}
	return ""
}

// has reports whether a worker runs or has run the task.
func (t *task) has(k moot.Key) bool {
	return slices.ContainsFunc(t.running, func(a *attempt) bool { return a.worker.Key == k }) ||
		slices.ContainsFunc(t.votes, func(v vote) bool { return v.worker == k })
}
