package jobs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/sign"
)

// SubmitterConfig is what a Submitter is made of. All but Now is required.
type SubmitterConfig struct {
	Self  moot.MemberID // whose jobs are submitted
	Node  moot.Node
	Write sign.Writer // signs as a device of Self
	// Member returns the member to whom a device belongs, also if it acts for it no more.
	Member func(device moot.Key) (moot.MemberID, bool)
	// Select returns the coordinator of new jobs, and who may run them.
	Select func(context.Context) (coordinator moot.Key, via moot.Architecture, err error)
	// Follow follows a job at its coordinator, as Submitter.Follow does. Kind NotFound: the
	// coordinator has not received it.
	Follow   func(ctx context.Context, coordinator moot.Key, id string, logs bool) iter.Seq2[Event, error]
	IsServer func(device moot.Key) bool
	// Records and Pardon are those of this node's coordinator; nil: it has none.
	Records func(context.Context) ([]Record, error)
	Pardon  func(ctx context.Context, member moot.MemberID) error
	Now     func() time.Time
}

// NewSubmitter returns a Submitter over a node.
func NewSubmitter(cfg SubmitterConfig) Submitter {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return submitter{cfg}
}

type submitter struct{ cfg SubmitterConfig }

// Submit implements Submitter.
func (s submitter) Submit(ctx context.Context, spec Spec) (Job, error) {
	j, err := s.submit(ctx, spec)
	return j, moot.Wrap("submit the job", err)
}

func (s submitter) submit(ctx context.Context, spec Spec) (Job, error) {
	if err := spec.check(); err != nil {
		return Job{}, err
	}
	if err := s.inspect(ctx, &spec); err != nil {
		return Job{}, err
	}
	coordinator, via, err := s.cfg.Select(ctx)
	if err != nil {
		return Job{}, err
	}
	waits, err := s.checkWorkers(ctx, via, &spec)
	if err != nil {
		return Job{}, err
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return Job{}, moot.Errorf(moot.Invalid, "%w", err)
	}
	if len(text) > maxSpec {
		return Job{}, moot.Errorf(moot.TooLarge, "the job's specification is larger than %d bytes: give the inputs as a folder", maxSpec)
	}
	stored, err := s.cfg.Node.Put(ctx, bytes.NewReader(text))
	if err != nil {
		return Job{}, err
	}
	id := strings.ToLower(rand.Text()[:16])
	e, err := s.append(ctx, id, submission{
		Spec: stored.ID[:], Coordinator: coordinator[:], Via: wordOf(via), Name: truncate(spec.Name), As: cmp.Or(spec.As, "jobs/"+id), At: s.cfg.Now().UnixMilli(),
		Starts: unixMilliOf(spec.Start.At),
	}, nil)
	if err != nil {
		return Job{}, err
	}
	o, err := submissionOf(e, s.cfg.Member)
	j := o.job()
	j.Why = waits
	return j, err
}

// append appends an entry of kind job.
func (s submitter) append(ctx context.Context, id string, o submission, replaces []moot.EntryID) (moot.Entry, error) {
	body, err := encode(o)
	if err != nil {
		return moot.Entry{}, err
	}
	return sign.One(ctx, s.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindJob, Key: id, Replaces: replaces, Body: body})
}

// maxInspected is how many inputs of a stage are looked up before a job is submitted.
const maxInspected = 64

// inspect finds faults that would fail the job, as far as they are cheap to find.
func (s submitter) inspect(ctx context.Context, spec *Spec) error {
	for _, st := range spec.Stages {
		if err := s.inspectModule(ctx, st.Task.Module); err != nil {
			return moot.Wrap("the module of "+cmp.Or(st.Name, spec.Name), err)
		}
		inputs := slices.Concat(st.Task.Inputs, st.Each)
		if st.Task.Stdin != (moot.Input{}) {
			inputs = slices.Insert(inputs, 0, st.Task.Stdin)
		}
		for _, in := range inputs[:min(len(inputs), maxInspected)] {
			h, err := s.cfg.Node.Have(ctx, inputBlob(in))
			if err == nil && !in.Folder && in.Pack == (moot.BlobID{}) && in.Size != h.Size {
				err = moot.Errorf(moot.Invalid, "it has %d bytes, not %d", h.Size, in.Size)
			}
			if err != nil {
				return moot.Wrap("the input "+in.Path, err)
			}
		}
	}
	return nil
}

// inspectModule reads the magic number and version of a module (WebAssembly Core
// Specification 2.0, 5.5.16).
func (s submitter) inspectModule(ctx context.Context, id moot.BlobID) error {
	head := moot.Range{Offset: 0, Length: 8}
	rc, err := s.cfg.Node.Get(ctx, id, head)
	if err != nil {
		return err
	}
	defer rc.Close()
	magic, err := io.ReadAll(blob.NewDecoder(rc, id, head))
	switch {
	case err != nil:
		return err
	case !bytes.HasPrefix(magic, []byte("\x00asm")):
		return moot.Errorf(moot.Invalid, "it is not a WebAssembly file: compile the program for WASI (in Go: GOOS=wasip1 GOARCH=wasm)")
	case !bytes.Equal(magic, []byte("\x00asm\x01\x00\x00\x00")):
		return moot.Errorf(moot.Invalid, "it is a WebAssembly component, not a module: compile the program for WASI preview 1")
	}
	return nil
}

// Jobs implements Submitter.
func (s submitter) Jobs(ctx context.Context) ([]Job, error) {
	var list []Job
	for e, err := range s.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindJob}) {
		if err != nil {
			return nil, moot.Wrap("jobs", err)
		}
		o, err := submissionOf(e, s.cfg.Member)
		if err != nil || slices.ContainsFunc(list, func(j Job) bool { return j.ID == o.id }) {
			continue
		}
		j, err := withResult(ctx, s.cfg.Node, o)
		if err != nil {
			return nil, moot.Wrap("jobs", err)
		}
		list = append(list, j)
	}
	slices.SortFunc(list, func(a, b Job) int { return b.Submitted.Compare(a.Submitted) })
	return list, nil
}

// find returns a job by a prefix of its ID. Kinds NotFound, Invalid.
func (s submitter) find(ctx context.Context, id string) (found submittedJob, err error) {
	if id == "" || len(id) > 16 {
		return found, moot.Errorf(moot.Invalid, "%.40q is not a job ID", id)
	}
	for e, err := range s.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindJob, Prefix: id}) {
		if err != nil {
			return found, err
		}
		o, err := submissionOf(e, s.cfg.Member)
		switch {
		case err != nil:
		case o.id == found.id && o.by == found.by:
			found.versions = append(found.versions, o.versions...)
		case o.id == found.id:
		case found.id != "":
			return found, moot.Errorf(moot.Invalid, "several job IDs begin with %s: give more of it", id)
		default:
			found = o
		}
	}
	if found.id == "" {
		return found, moot.WithHint(moot.Errorf(moot.NotFound, "there is no job %s", id), moot.HintListJobs)
	}
	return found, nil
}

// followRetry is how often a coordinator is asked that has not received the job yet.
const followRetry = 200 * time.Millisecond

// Follow implements Submitter.
func (s submitter) Follow(ctx context.Context, id string, logs bool) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for first := true; ; first = false {
			o, err := s.find(ctx, id)
			if err != nil {
				yield(Event{}, err)
				return
			}
			j, err := withResult(ctx, s.cfg.Node, o)
			if err != nil || j.State.Ended() && !logs {
				yield(Event{Job: j}, err)
				return
			}
			if first && !yield(Event{Job: j}, nil) {
				return
			}
			if s.followCoordinator(ctx, o, j, logs, yield) || ctx.Err() != nil {
				return
			}
			wait(ctx, followRetry)
		}
	}
}

// followCoordinator follows a job at its coordinator. false: try again, because the
// coordinator has not received the submission, or stopped before the job ended.
func (s submitter) followCoordinator(ctx context.Context, o submittedJob, j Job, logs bool, yield func(Event, error) bool) (over bool) {
	for ev, err := range s.cfg.Follow(ctx, j.Coordinator, j.ID, logs) {
		switch {
		case err == nil && ev.Job.Round != o.Round, moot.KindOf(err) == moot.NotFound && !j.State.Ended():
			return false
		case err != nil:
			yield(ev, err)
			return true
		}
		if over = ev.Job.State.Ended(); over && ev.Log == nil {
			s.awaitResult(ctx, o, ev.Job.Run)
		}
		if !yield(ev, nil) {
			return true
		}
	}
	return over
}

// Waiting for a result to arrive at this node.
const (
	resultTimeout = 10 * time.Second
	resultPoll    = 20 * time.Millisecond
)

// awaitResult waits until this node has the result of a job that has ended, so that a
// caller who sees the end can open the results.
func (s submitter) awaitResult(ctx context.Context, o submittedJob, run int) {
	ctx, cancel := context.WithTimeout(ctx, resultTimeout)
	defer cancel()
	for ctx.Err() == nil {
		if j, err := withResult(ctx, s.cfg.Node, o); err == nil && (j.State.Ended() || j.Last != "" && j.Run >= run) {
			return
		}
		wait(ctx, resultPoll)
	}
}

// Cancel implements Submitter.
func (s submitter) Cancel(ctx context.Context, id string) error {
	return moot.Wrap("cancel the job", s.change(ctx, id, func(o *submittedJob, j Job) error {
		if j.State.Ended() {
			return moot.Errorf(moot.Invalid, "the job has ended: %s", j.State)
		}
		o.submission.Cancelled = true
		return nil
	}))
}

// Retry implements Submitter.
func (s submitter) Retry(ctx context.Context, id string) error {
	return moot.Wrap("retry the job", s.change(ctx, id, func(o *submittedJob, j Job) error {
		if !j.State.Ended() || j.State == Done {
			return moot.Errorf(moot.Invalid, "the job is %s: only a failed or cancelled job can be retried", j.State)
		}
		o.submission.Cancelled, o.submission.Round = false, o.submission.Round+1
		return nil
	}))
}

func (s submitter) change(ctx context.Context, id string, how func(*submittedJob, Job) error) error {
	o, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	j, err := withResult(ctx, s.cfg.Node, o)
	if err != nil {
		return err
	}
	if o.by != s.cfg.Self {
		return moot.Errorf(moot.Denied, "the job is another member's")
	}
	if err := how(&o, j); err != nil {
		return err
	}
	_, err = s.append(ctx, o.id, o.submission, o.versions[:min(len(o.versions), moot.MaxReplaces)])
	return err
}
