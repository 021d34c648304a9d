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

// Formats of the three kinds of entries about jobs. A submission (kind job) has the job's
// ID as key; a device of its member may replace it, to cancel or retry the job. A result
// (kind result, the same key) is the coordinator's. An offer (kind offer) has the key of
// the device that lends as key.

// submission is the body of an entry of kind job.
type submission struct {
	Spec        []byte `cbor:"0,keyasint"` // the blob that holds it, as JSON
	Coordinator []byte `cbor:"1,keyasint"` // its device
	Via         string `cbor:"2,keyasint"` // as wordOf writes it
	Name        string `cbor:"3,keyasint"`
	As          string `cbor:"4,keyasint"`
	Cancelled   bool   `cbor:"5,keyasint,omitempty"`
	Round       uint   `cbor:"6,keyasint,omitempty"` // retries
	At          int64  `cbor:"7,keyasint"`           // when it was submitted, Unix ms
	Starts      int64  `cbor:"8,keyasint,omitempty"` // not before, Unix ms; 0: then
}

// result is the body of an entry of kind result.
type result struct {
	State     State     `cbor:"0,keyasint"`
	Folder    []byte    `cbor:"1,keyasint,omitempty"`
	Why       string    `cbor:"2,keyasint,omitempty"`
	Tasks     int       `cbor:"3,keyasint,omitempty"`
	Done      int       `cbor:"4,keyasint,omitempty"`
	Failed    int       `cbor:"5,keyasint,omitempty"`
	Wall      int64     `cbor:"6,keyasint,omitempty"` // ms
	CPU       int64     `cbor:"7,keyasint,omitempty"` // ms
	Disagreed []dissent `cbor:"8,keyasint,omitempty"`
	Round     uint      `cbor:"9,keyasint,omitempty"` // of the submission
	Cached    int       `cbor:"10,keyasint,omitempty"`
	Backups   int       `cbor:"11,keyasint,omitempty"`
	Lost      int       `cbor:"12,keyasint,omitempty"`
	Busy      int64     `cbor:"13,keyasint,omitempty"` // ms
	Workers   []share   `cbor:"14,keyasint,omitempty"` // tasks run by each
	Next      int64     `cbor:"15,keyasint,omitempty"` // of a repeated job: when it runs again, Unix ms
	Run       int       `cbor:"16,keyasint,omitempty"` // of a repeated job, from 0
}

type dissent struct {
	_      struct{} `cbor:",toarray"`
	Worker []byte
	Task   string
}

type share struct {
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

// memberOf returns the member to whom a device belongs, also if it acts for it no more.
type memberOf func(device moot.Key) (moot.MemberID, bool)

// submittedJob is a submission with the fields of its entry.
type submittedJob struct {
	submission
	id          string
	versions    []moot.EntryID // in force, of the same member
	by          moot.MemberID
	spec        moot.BlobID
	coordinator moot.Key
	via         moot.Architecture
}

// submissionOf reads an entry of kind job, which is untrusted. Kinds Invalid, Stranger.
func submissionOf(e moot.Entry, member memberOf) (submittedJob, error) {
	o := submittedJob{id: e.Key, versions: []moot.EntryID{e.ID}}
	by, known := member(e.Author)
	if !known {
		return o, moot.Errorf(moot.Stranger, "the job was submitted by a device of no member")
	}
	o.by = by
	err := decode(e.Body, &o.submission)
	if err != nil {
		return o, err
	}
	if o.via, err = viaOf(o.submission.Via); err != nil {
		return o, err
	}
	if o.via.IsZero() || len(o.submission.Spec) != len(o.spec) || len(o.Coordinator) != len(o.coordinator) || !validID(e.Key) || len(o.Name)+len(o.As) > 2*maxText {
		return o, moot.Errorf(moot.Invalid, "not a job")
	}
	o.spec, o.coordinator = moot.BlobID(o.submission.Spec), moot.Key(o.Coordinator)
	return o, nil
}

// validID reports whether id is 16 characters of base32, as new IDs are.
func validID(id string) bool {
	return len(id) == 16 && !strings.ContainsFunc(id, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') })
}

// job returns the job in the state before its coordinator has received it.
func (o *submittedJob) job() Job {
	j := Job{ID: o.id, Name: o.Name, As: o.As, By: o.by, Coordinator: o.coordinator, Via: o.via, Round: o.Round,
		Submitted: time.UnixMilli(o.At), State: Waiting}
	if o.Starts > 0 {
		j.Next = time.UnixMilli(o.Starts)
	}
	return j
}

// apply adds a result, if it is the coordinator's and of this round.
func (o *submittedJob) apply(j *Job, e moot.Entry) {
	var v result
	if e.Key != o.id || e.Author != o.coordinator || decode(e.Body, &v) != nil || v.Round != o.Round || !v.State.Ended() {
		return
	}
	j.State, j.Why, j.Run, j.Next = v.State, v.Why, max(v.Run, 0), time.Time{}
	if v.Next > 0 {
		j.Next = time.UnixMilli(v.Next)
	}
	if len(v.Folder) == len(j.Result) {
		j.Result = moot.BlobID(v.Folder)
	}
	j.Progress = Progress{Tasks: v.Tasks, Done: v.Done, Failed: v.Failed, Wall: time.Duration(v.Wall) * time.Millisecond, CPU: time.Duration(v.CPU) * time.Millisecond}
	j.Cached, j.Backups, j.Lost, j.Busy = v.Cached, v.Backups, v.Lost, time.Duration(v.Busy)*time.Millisecond
	j.Workers = map[moot.Key]int{}
	for _, p := range v.Workers[:min(len(v.Workers), maxNamed)] {
		if len(p.Worker) == len(moot.Key{}) {
			j.Workers[moot.Key(p.Worker)] = p.Tasks
		}
	}
	for _, l := range v.Disagreed[:min(len(v.Disagreed), maxNamed)] {
		if len(l.Worker) == len(moot.Key{}) {
			j.Disagreed = append(j.Disagreed, Disagreement{moot.Key(l.Worker), l.Task})
		}
	}
}

// resultOf returns the result of a job that has ended.
func resultOf(j Job) result {
	v := result{State: j.State, Why: truncate(j.Why), Tasks: j.Tasks, Done: j.Progress.Done, Failed: j.Progress.Failed,
		Wall: j.Wall.Milliseconds(), CPU: j.CPU.Milliseconds(), Round: j.Round, Cached: j.Cached, Backups: j.Backups, Lost: j.Lost, Busy: j.Busy.Milliseconds()}
	if j.State == Done {
		v.Folder = j.Result[:]
	}
	if v.Run = j.Run; !j.Next.IsZero() {
		v.Next = j.Next.UnixMilli()
	}
	for _, k := range slices.SortedFunc(maps.Keys(j.Workers), func(a, b moot.Key) int { return bytes.Compare(a[:], b[:]) }) {
		if len(v.Workers) < maxNamed {
			v.Workers = append(v.Workers, share{Worker: k[:], Tasks: j.Workers[k]})
		}
	}
	for _, l := range j.Disagreed[:min(len(j.Disagreed), maxNamed)] {
		v.Disagreed = append(v.Disagreed, dissent{Worker: l.Worker[:], Task: truncate(l.Task)})
	}
	return v
}

// truncate bounds a text in an entry to maxText bytes.
func truncate(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}
