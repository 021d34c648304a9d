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

// task is a task of the running stage.
type task struct {
	job *job
	row
	running      []*attempt
	votes        []vote
	failures     int              // runs that failed by the task's own fault
	lost         int              // runs that had begun and were lost with their workers
	lostOn       map[moot.Key]int // by worker
	committing   bool             // its outcome is being committed
	cacheChecked bool             // the result cache has no outcome for it
	logSource    *attempt         // the run whose log followers get
	winner       vote             // the outcome that was accepted
	by           moot.MemberID    // whose worker returned it
	queued       bool             // it is in the job's ready list
	quorum       int              // checked adaptively: votes needed, as far as that is decided
	wanted       int              // votes, if those needed had no majority
	memory       int64            // bytes that a worker must allow, after it failed with less
	sum          []byte           // cache key, once it is known
}

// vote is the outcome of a task at one worker.
type vote struct {
	worker  moot.Key // its device
	member  moot.MemberID
	server  bool // its worker is a server's
	digest  [32]byte
	outcome moot.Outcome
	earlier bool // the outcome is stored, and not here
}

// attempt is one run of a task by one worker.
type attempt struct {
	*task
	worker     *worker
	cancel     func()
	dispatched time.Time     // when the worker got it
	started    time.Time     // zero: queued at the worker
	log        []Log         // the end of its output
	logged     int           // bytes of log
	moved      bool          // to another worker, where it can begin at once
	charge     time.Duration // expected run time, charged to the member
}

// spec is the task as it is sent to a worker.
func (t *task) spec() moot.Task {
	j := t.job
	st := j.spec.Stages[j.stage]
	out := st.Task
	out.Inputs = slices.Clone(out.Inputs)
	out.Env = slices.Clone(out.Env)
	if j.stage == 0 {
		out.Inputs = append(out.Inputs, j.spec.Start.inputs(false)...)
	} else {
		out.Inputs = append(out.Inputs, moot.Input{Folder: true, ID: j.Result})
	}
	if t.input != nil {
		out.Inputs = append(out.Inputs, *t.input)
	} else {
		out.Env = append(out.Env, "MOOT_TASK="+strconv.Itoa(t.n), "MOOT_TASKS="+strconv.Itoa(len(j.tasks)))
	}
	out.For, out.Label = j.By, t.label
	return out
}

// digest is the cache key of a task: a hash of all that determines its outcome; nil if the
// outcome is not deterministic.
func (t *task) digest(spec moot.Task) (sum []byte, err error) {
	if spec.Live || t.sum != nil {
		return t.sum, nil
	}
	spec.For, spec.Label = moot.MemberID{}, ""
	t.sum, err = hashJSON(spec)
	return t.sum, err
}

// outcomeDigest is a hash of what a task made: equal for equal votes.
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

// failure returns why an outcome is a failure; "" if it is none.
func failure(o moot.Outcome) string {
	switch {
	case o.Failure != "":
		return o.Failure
	case o.Exit != 0:
		return fmt.Sprintf("exit status %d", o.Exit)
	}
	return ""
}

// has reports whether a worker runs the task or has voted. Of a checked task it speaks of
// the worker's member, who would have a vote for each device otherwise.
func (t *task) has(w *worker) bool {
	same := func(device moot.Key, member moot.MemberID) bool {
		return device == w.Key || t.job.checked() && member == w.Member
	}
	return slices.ContainsFunc(t.running, func(a *attempt) bool { return same(a.worker.Key, a.worker.Member) }) ||
		slices.ContainsFunc(t.votes, func(v vote) bool { return same(v.worker, v.member) })
}
