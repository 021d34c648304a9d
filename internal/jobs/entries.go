package jobs

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/cbor"
)

// Three kinds of statements make jobs, and this file is what they look like. A job (kind
// job) has its ID as key, and is changed by its author: cancelled, or to be tried again.
// Its result (kind result, the same key) is said by its coordinator. An offer (kind
// offer) has its author's key as key.

// order is what the space learns of a job.
type order struct {
	Spec        []byte `cbor:"0,keyasint"` // the blob that holds it, as JSON
	Coordinator []byte `cbor:"1,keyasint"`
	Pool        Pool   `cbor:"2,keyasint"`
	Name        string `cbor:"3,keyasint"`
	As          string `cbor:"4,keyasint"`
	Cancelled   bool   `cbor:"5,keyasint,omitempty"`
	Round       uint   `cbor:"6,keyasint,omitempty"` // grows when it is to be tried again
	At          int64  `cbor:"7,keyasint"`           // when it was handed in, Unix ms
}

// verdict is how a job ended.
type verdict struct {
	State  State  `cbor:"0,keyasint"`
	Folder []byte `cbor:"1,keyasint,omitempty"`
	Why    string `cbor:"2,keyasint,omitempty"`
	Tasks  int    `cbor:"3,keyasint,omitempty"`
	Done   int    `cbor:"4,keyasint,omitempty"`
	Failed int    `cbor:"5,keyasint,omitempty"`
	Wall   int64  `cbor:"6,keyasint,omitempty"` // ms
	CPU    int64  `cbor:"7,keyasint,omitempty"` // ms
	Liars  []liar `cbor:"8,keyasint,omitempty"`
	Round  uint   `cbor:"9,keyasint,omitempty"` // of the order
	Cached int    `cbor:"10,keyasint,omitempty"`
	Again  int    `cbor:"11,keyasint,omitempty"`
	Lost   int    `cbor:"12,keyasint,omitempty"`
	Busy   int64  `cbor:"13,keyasint,omitempty"` // ms
	Crew   []part `cbor:"14,keyasint,omitempty"` // who ran how many
}

type liar struct {
	_      struct{} `cbor:",toarray"`
	Worker []byte
	Task   string
}

type part struct {
	_      struct{} `cbor:",toarray"`
	Worker []byte
	Tasks  int
}

const (
	maxText  = 1 << 10 // bytes of a text in an entry
	maxNamed = 64      // workers named in a result, for each reason
)

func encode(v any) ([]byte, error) {
	b, err := cbor.Marshal(v)
	return b, moot.Wrap("encode an entry of a job", err)
}

var decoder = cbor.NewDecoder(cbor.Limits{Levels: 6, Elements: 1024, Pairs: 32})

// decode reads an entry's body, which may come from anyone.
func decode(b []byte, v any) error {
	if err := decoder.Unmarshal(b, v); err != nil {
		return moot.Errorf(moot.Invalid, "not an entry of a job: %w", err)
	}
	return nil
}

// ordered is an order with what its entry says.
type ordered struct {
	order
	id          string
	entry       moot.EntryID
	author      moot.Key
	spec        moot.BlobID
	coordinator moot.Key
}

// orderOf reads an entry of kind job. Kind Invalid: anybody may write anything.
func orderOf(e moot.Entry) (ordered, error) {
	o := ordered{id: e.Key, entry: e.ID, author: e.Author}
	if err := decode(e.Body, &o.order); err != nil {
		return o, err
	}
	badPool := o.Pool != Servers && o.Pool != Peers && o.Pool != All
	if badPool || len(o.order.Spec) != len(o.spec) || len(o.Coordinator) != len(o.coordinator) || !validID(e.Key) || len(o.Name)+len(o.As) > 2*maxText {
		return o, moot.Errorf(moot.Invalid, "not a job")
	}
	o.spec, o.coordinator = moot.BlobID(o.order.Spec), moot.Key(o.Coordinator)
	return o, nil
}

// newID is 16 characters of base32, of which the first few suffice in most spaces.
func validID(id string) bool {
	return len(id) == 16 && !strings.ContainsFunc(id, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

// job is what an order alone tells.
func (o *ordered) job() Job {
	return Job{ID: o.id, Name: o.Name, As: o.As, Author: o.author, Coordinator: o.coordinator, Pool: o.Pool, Round: o.Round,
		Submitted: time.UnixMilli(o.At), State: Waiting}
}

// apply adds what a result says, if it is the coordinator's about this round.
func (o *ordered) apply(j *Job, e moot.Entry) {
	var v verdict
	if e.Key != o.id || e.Author != o.coordinator || decode(e.Body, &v) != nil || v.Round != o.Round || !v.State.Ended() {
		return
	}
	j.State, j.Why = v.State, v.Why
	if len(v.Folder) == len(j.Result) {
		j.Result = moot.BlobID(v.Folder)
	}
	j.Progress = Progress{Tasks: v.Tasks, Done: v.Done, Failed: v.Failed, Wall: time.Duration(v.Wall) * time.Millisecond, CPU: time.Duration(v.CPU) * time.Millisecond}
	j.Cached, j.Again, j.Lost, j.Busy = v.Cached, v.Again, v.Lost, time.Duration(v.Busy)*time.Millisecond
	j.Workers = map[moot.Key]int{}
	for _, p := range v.Crew[:min(len(v.Crew), maxNamed)] {
		if len(p.Worker) == len(moot.Key{}) {
			j.Workers[moot.Key(p.Worker)] = p.Tasks
		}
	}
	for _, l := range v.Liars[:min(len(v.Liars), maxNamed)] {
		if len(l.Worker) == len(moot.Key{}) {
			j.Liars = append(j.Liars, Disagreement{moot.Key(l.Worker), l.Task})
		}
	}
}

// verdictOf is what the coordinator says of a job that ended.
func verdictOf(j Job) verdict {
	v := verdict{State: j.State, Why: short(j.Why), Tasks: j.Tasks, Done: j.Progress.Done, Failed: j.Progress.Failed,
		Wall: j.Wall.Milliseconds(), CPU: j.CPU.Milliseconds(), Round: j.Round, Cached: j.Cached, Again: j.Again, Lost: j.Lost, Busy: j.Busy.Milliseconds()}
	if j.State == Done {
		v.Folder = j.Result[:]
	}
	for _, k := range slices.SortedFunc(maps.Keys(j.Workers), func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) }) {
		if len(v.Crew) < maxNamed {
			v.Crew = append(v.Crew, part{Worker: k[:], Tasks: j.Workers[k]})
		}
	}
	for _, l := range j.Liars[:min(len(j.Liars), maxNamed)] {
		v.Liars = append(v.Liars, liar{Worker: l.Worker[:], Task: short(l.Task)})
	}
	return v
}

func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}
