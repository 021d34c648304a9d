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

// DeskConfig is what a desk is made of. All but Now is required.
type DeskConfig struct {
	Self  moot.Key
	Node  moot.Node   // the architecture
	Write sign.Writer // signs as Self
	// Place tells who coordinates the jobs that are handed in, and who may run them.
	Place func(context.Context) (coordinator moot.Key, pool Pool, err error)
	// Follow asks a coordinator, as Desk.Follow. Kind NotFound: it does not know the job (yet).
	Follow   func(ctx context.Context, coordinator moot.Key, id string, logs bool) iter.Seq2[Event, error]
	IsServer func(moot.Key) bool
	Now      func() time.Time
}

// NewDesk returns a desk over a node.
func NewDesk(cfg DeskConfig) Desk {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return desk{cfg}
}

type desk struct{ cfg DeskConfig }

// Submit implements Desk.
func (d desk) Submit(ctx context.Context, s Spec) (Job, error) {
	j, err := d.submit(ctx, s)
	return j, moot.Wrap("hand in the job", err)
}

func (d desk) submit(ctx context.Context, s Spec) (Job, error) {
	if err := s.check(); err != nil {
		return Job{}, err
	}
	if err := d.inspect(ctx, &s); err != nil {
		return Job{}, err
	}
	coordinator, pool, err := d.cfg.Place(ctx)
	if err != nil {
		return Job{}, err
	}
	if err := d.staffed(ctx, pool, max(s.Check, 1)); err != nil {
		return Job{}, err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return Job{}, moot.Errorf(moot.Invalid, "%w", err)
	}
	if len(text) > maxSpec {
		return Job{}, moot.Errorf(moot.TooLarge, "the job's specification is larger than %d bytes: give the inputs as a folder", maxSpec)
	}
	spec, err := d.cfg.Node.Put(ctx, bytes.NewReader(text))
	if err != nil {
		return Job{}, err
	}
	id := strings.ToLower(rand.Text()[:16])
	o := order{Spec: spec.ID[:], Coordinator: coordinator[:], Pool: pool, Name: short(s.Name), As: cmp.Or(s.As, "jobs/"+id), At: d.cfg.Now().UnixMilli()}
	e, err := d.say(ctx, id, o, nil)
	if err != nil {
		return Job{}, err
	}
	said, err := orderOf(e)
	return said.job(), err
}

// say states an order.
func (d desk) say(ctx context.Context, id string, o order, replaces []moot.EntryID) (moot.Entry, error) {
	body, err := encode(o)
	if err != nil {
		return moot.Entry{}, err
	}
	return sign.One(ctx, d.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindJob, Key: id, Replaces: replaces, Body: body})
}

// inspect looks for what would make a job fail, as far as that can be seen at once.
func (d desk) inspect(ctx context.Context, s *Spec) error {
	for _, st := range s.Stages {
		if err := d.inspectModule(ctx, st.Task.Module); err != nil {
			return moot.Wrap("the module of "+cmp.Or(st.Name, s.Name), err)
		}
		inputs := slices.Concat(st.Task.Inputs, st.Each)
		for _, in := range inputs[:min(len(inputs), 64)] {
			h, err := d.cfg.Node.Have(ctx, carrier(in))
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
func (d desk) inspectModule(ctx context.Context, id moot.BlobID) error {
	head := moot.Range{Offset: 0, Length: 8}
	rc, err := d.cfg.Node.Get(ctx, id, head)
	if err != nil {
		return err
	}
	defer rc.Close()
	magic, err := io.ReadAll(blob.NewDecoder(rc, id, head))
	switch {
	case err != nil:
		return err
	case !bytes.HasPrefix(magic, []byte("\x00asm")):
		return moot.Errorf(moot.Invalid, "it is not a WebAssembly file: compile the program for WASI, as with GOOS=wasip1 GOARCH=wasm go build")
	case !bytes.Equal(magic, []byte("\x00asm\x01\x00\x00\x00")):
		return moot.Errorf(moot.Invalid, "it is a WebAssembly component, not a module: compile the program for WASI preview 1")
	}
	return nil
}

// staffed reports, with kind Unavailable, that too few lend computing power.
func (d desk) staffed(ctx context.Context, pool Pool, want int) error {
	offers, err := Offers(ctx, d.cfg.Node)
	if err != nil {
		return err
	}
	have := len(Lenders(offers, d.cfg.Self, pool, d.cfg.IsServer, d.cfg.Now()))
	switch {
	case have == 0 && pool == Servers:
		return moot.Errorf(moot.Unavailable, "no server of this space lends computing power: start 'moot serve', or use --via peers")
	case have == 0:
		return moot.Errorf(moot.Unavailable, "nobody lends you computing power now: run 'moot offer --cpus 2' on a node that is up")
	case have < want:
		return moot.Errorf(moot.Unavailable, "to be checked by %d nodes, a job needs as many; %d lend computing power now", want, have)
	}
	return nil
}

// Jobs implements Desk.
func (d desk) Jobs(ctx context.Context) ([]Job, error) {
	var list []Job
	for e, err := range d.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindJob}) {
		if err != nil {
			return nil, moot.Wrap("jobs", err)
		}
		o, err := orderOf(e)
		if err != nil || slices.ContainsFunc(list, func(j Job) bool { return j.ID == o.id }) {
			continue
		}
		j, err := d.result(ctx, o)
		if err != nil {
			return nil, moot.Wrap("jobs", err)
		}
		list = append(list, j)
	}
	slices.SortFunc(list, func(a, b Job) int { return b.Submitted.Compare(a.Submitted) })
	return list, nil
}

// result adds to an order how it ended, if it has.
func (d desk) result(ctx context.Context, o ordered) (Job, error) {
	j := o.job()
	for e, err := range d.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindResult, Key: o.id, Author: o.coordinator}) {
		if err != nil {
			return j, err
		}
		o.apply(&j, e)
	}
	if o.Cancelled && !j.State.Ended() {
		j.State = Cancelled
	}
	return j, nil
}

// find returns a job by the beginning of its ID. Kinds NotFound, Invalid.
func (d desk) find(ctx context.Context, id string) (found ordered, err error) {
	if id == "" || len(id) > 16 {
		return found, moot.Errorf(moot.Invalid, "%.40q is no job's ID", id)
	}
	for e, err := range d.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindJob, Prefix: id}) {
		if err != nil {
			return found, err
		}
		o, err := orderOf(e)
		switch {
		case err != nil || o.id == found.id:
		case found.id != "":
			return found, moot.Errorf(moot.Invalid, "several jobs' IDs begin with %s: give more of it", id)
		default:
			found = o
		}
	}
	if found.id == "" {
		return found, moot.Errorf(moot.NotFound, "there is no job %s: see 'moot jobs'", id)
	}
	return found, nil
}

// known is how long a new job's coordinator may take to learn of it before that is said.
const known = 200 * time.Millisecond

// Follow implements Desk.
func (d desk) Follow(ctx context.Context, id string, logs bool) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for told := false; ; told = true {
			o, err := d.find(ctx, id)
			if err != nil {
				yield(Event{}, err)
				return
			}
			j, err := d.result(ctx, o)
			if err != nil || j.State.Ended() && !logs {
				yield(Event{Job: j}, err)
				return
			}
			if !told && !yield(Event{Job: j}, nil) {
				return
			}
			if d.ask(ctx, o, j, logs, yield) || ctx.Err() != nil {
				return
			}
			wait(ctx, known)
		}
	}
}

// ask follows a job at its coordinator; false if that does not know it yet, or knows
// nothing new.
func (d desk) ask(ctx context.Context, o ordered, j Job, logs bool, yield func(Event, error) bool) (over bool) {
	for ev, err := range d.cfg.Follow(ctx, j.Coordinator, j.ID, logs) {
		switch {
		case err == nil && ev.Job.Round != o.Round, moot.KindOf(err) == moot.NotFound && !j.State.Ended():
			return false // the coordinator does not know of the order yet
		case err != nil:
			yield(ev, err)
			return true
		}
		if over = ev.Job.State.Ended(); over && ev.Log == nil {
			d.learn(ctx, o)
		}
		if !yield(ev, nil) {
			return true
		}
	}
	return over
}

// learnWithin is how long a job's end may take to be known here, too.
const learnWithin = 10 * time.Second

// learn waits until the space, as it is seen from here, knows how a job ended: whoever
// hears of its end may look for its results.
func (d desk) learn(ctx context.Context, o ordered) {
	ctx, cancel := context.WithTimeout(ctx, learnWithin)
	defer cancel()
	for ctx.Err() == nil {
		if j, err := d.result(ctx, o); err == nil && j.State.Ended() {
			return
		}
		wait(ctx, 20*time.Millisecond)
	}
}

// Cancel implements Desk.
func (d desk) Cancel(ctx context.Context, id string) error {
	return moot.Wrap("cancel the job", d.change(ctx, id, func(o *ordered, j Job) error {
		if j.State.Ended() {
			return moot.Errorf(moot.Invalid, "it has ended: %s", j.State)
		}
		o.order.Cancelled = true
		return nil
	}))
}

// Retry implements Desk.
func (d desk) Retry(ctx context.Context, id string) error {
	return moot.Wrap("retry the job", d.change(ctx, id, func(o *ordered, j Job) error {
		if !j.State.Ended() || j.State == Done {
			return moot.Errorf(moot.Invalid, "it is %s: only what failed or was cancelled can be tried again", j.State)
		}
		o.order.Cancelled, o.order.Round = false, o.order.Round+1
		return nil
	}))
}

func (d desk) change(ctx context.Context, id string, how func(*ordered, Job) error) error {
	o, err := d.find(ctx, id)
	if err != nil {
		return err
	}
	j, err := d.result(ctx, o)
	if err != nil {
		return err
	}
	if o.author != d.cfg.Self {
		return moot.Errorf(moot.Denied, "it is another member's")
	}
	if err := how(&o, j); err != nil {
		return err
	}
	_, err = d.say(ctx, o.id, o.order, []moot.EntryID{o.entry})
	return err
}

// Offers implements Desk.
func (d desk) Offers(ctx context.Context) ([]Offer, error) { return Offers(ctx, d.cfg.Node) }
