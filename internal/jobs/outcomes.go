package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

// finished is the outcome of a task to be committed, or only what else its fields say.
type finished struct {
	job      string // empty: of no task
	stage, n int
	state    int
	outcome  moot.Outcome
	made     []byte // hash of what it made
	worker   moot.Key
	agreed   int      // members whose workers returned it
	others   []ran    // runs that it was compared with
	known    *known   // for the result cache
	records  []Record // as they are now
	forget   []moot.Key
}

// ran is a run of a task that was compared with the one that counts.
type ran struct {
	worker moot.Key
	wrong  bool
	wall   time.Duration
}

// known is what the result cache holds of an outcome beside its outputs.
type known struct {
	module moot.BlobID
	digest []byte
	member moot.MemberID // for whom it was computed
	server bool          // by workers of servers
	worker moot.Key
	agreed int
}

// outputs are the contents of an outcome, as stored.
type outputs struct {
	Stdout moot.Content   `json:"stdout"`
	Stderr moot.Content   `json:"stderr"`
	Files  []moot.Content `json:"files,omitempty"`
}

// outputsText is what is stored of an outcome's contents; nil for none.
func outputsText(o moot.Outcome) ([]byte, error) {
	if o.Stdout.Size == 0 && o.Stderr.Size == 0 && len(o.Files) == 0 {
		return nil, nil
	}
	return json.Marshal(outputs{o.Stdout, o.Stderr, o.Files})
}

func setOutputs(o *moot.Outcome, text []byte) error {
	if text == nil {
		return nil
	}
	var s outputs
	err := json.Unmarshal(text, &s)
	o.Stdout, o.Stderr, o.Files = s.Stdout, s.Stderr, s.Files
	return err
}

// statements are those that run for every task, parsed once.
type statements struct {
	finish, ran, know, host, forget *sql.Stmt
	cached                          *sql.Stmt
}

func (q *queue) prepare(ctx context.Context) error {
	for _, one := range []struct {
		stmt **sql.Stmt
		db   *sql.DB
		text string
	}{
		{&q.finish, q.write, `UPDATE tasks SET state = ?, worker = ?, agreed = ?, made = ?, failure = ?, exit = ?, wall = ?, cpu = ?, memory = ?, outputs = ?, outcome = NULL
			WHERE job = ? AND stage = ? AND n = ? AND (state = 0 OR agreed < 2)`},
		{&q.ran, q.write, `INSERT INTO runs (job, stage, n, worker, wrong, wall) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET wrong = excluded.wrong`},
		{&q.know, q.write, `INSERT INTO known (module, digest, member, server, worker, agreed, used, outputs) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET worker = excluded.worker, agreed = excluded.agreed, used = excluded.used, outputs = excluded.outputs
			WHERE excluded.agreed >= agreed`},
		{&q.host, q.write, `INSERT OR REPLACE INTO hosts (device, member, valid, wrong, lost, streak, runs, wall, distrusted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&q.forget, q.write, `DELETE FROM known WHERE worker = ? AND agreed < 2`},
		{&q.cached, q.read, `SELECT member, server, worker, agreed, outputs FROM known WHERE module = ? AND digest = ?`},
	} {
		var err error
		if *one.stmt, err = one.db.PrepareContext(ctx, one.text); err != nil {
			return err
		}
	}
	return nil
}

// commit commits outcomes. A confirmed outcome stays as it is.
func (q *queue) commit(ctx context.Context, list []finished, now time.Time) error {
	return q.update(ctx, func(tx *sql.Tx) error {
		records := map[moot.Key]Record{}
		for _, f := range list {
			if err := q.commitOne(ctx, tx, f, now); err != nil {
				return err
			}
			for _, r := range f.records {
				records[r.Device] = r
			}
		}
		for _, r := range records {
			if _, err := tx.Stmt(q.host).ExecContext(ctx, r.Device[:], r.Member[:], r.Valid, r.Wrong, r.Lost, r.Streak, r.Runs, r.Wall, unix(r.Distrusted)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (q *queue) commitOne(ctx context.Context, tx *sql.Tx, f finished, now time.Time) error {
	for _, k := range f.forget {
		if _, err := tx.Stmt(q.forget).ExecContext(ctx, k[:]); err != nil {
			return err
		}
	}
	if f.job == "" {
		return nil
	}
	o := f.outcome
	text, err := outputsText(o)
	if err != nil {
		return err
	}
	var worker []byte
	if f.worker != (moot.Key{}) {
		worker = f.worker[:]
	}
	if _, err := tx.Stmt(q.finish).ExecContext(ctx, f.state, worker, f.agreed, f.made, o.Failure, o.Exit, o.Wall, o.CPU, o.Memory, text, f.job, f.stage, f.n); err != nil {
		return err
	}
	for _, r := range f.others {
		if _, err := tx.Stmt(q.ran).ExecContext(ctx, f.job, f.stage, f.n, r.worker[:], r.wrong, r.wall); err != nil {
			return err
		}
	}
	if k := f.known; k != nil && f.state == taskDone {
		_, err = tx.Stmt(q.know).ExecContext(ctx, k.module[:], k.digest, k.member[:], k.server, k.worker[:], k.agreed, now.Unix(), text)
	}
	return err
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// known returns the outcomes in the result cache that a task could have.
func (q *queue) knownOf(ctx context.Context, module moot.BlobID, digest []byte) (list []known, outcomes []moot.Outcome, err error) {
	rows, err := q.cached.QueryContext(ctx, module[:], digest)
	if err != nil {
		return nil, nil, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		k := known{module: module, digest: digest}
		var member, worker, text []byte
		var o moot.Outcome
		if err := errors.Join(rows.Scan(&member, &k.server, &worker, &k.agreed, &text), setOutputs(&o, text)); err != nil {
			return nil, nil, sqlite.Error("queue of jobs", err)
		}
		copy(k.member[:], member)
		copy(k.worker[:], worker)
		list, outcomes = append(list, k), append(outcomes, o)
	}
	return list, outcomes, sqlite.Error("queue of jobs", rows.Err())
}

// knows reports whether the result cache has outcomes of a program.
func (q *queue) knows(ctx context.Context, module moot.BlobID) (yes bool, err error) {
	err = q.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM known WHERE module = ?)`, module[:]).Scan(&yes)
	return yes, sqlite.Error("queue of jobs", err)
}

// maxCached bounds the outcomes in the result cache.
const maxCached = 100_000

// trimCache drops the least recently used outcomes.
func (q *queue) trimCache(ctx context.Context) error {
	return q.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM known WHERE (module, digest, member, server) IN
			(SELECT module, digest, member, server FROM known ORDER BY used DESC LIMIT -1 OFFSET ?)`, maxCached)
		return err
	})
}

// outcomeColumns are read by scanOutcome.
const outcomeColumns = `outcome, failure, exit, wall, cpu, memory, outputs`

// storedOutcome is an outcome as it was scanned.
type storedOutcome struct {
	old, outputs []byte
	o            moot.Outcome
}

func (s *storedOutcome) columns() []any {
	return []any{&s.old, &s.o.Failure, &s.o.Exit, &s.o.Wall, &s.o.CPU, &s.o.Memory, &s.outputs}
}

func (s *storedOutcome) outcome() (o moot.Outcome, err error) {
	if s.old != nil { // of an older version
		err = json.Unmarshal(s.old, &o)
	} else {
		o = s.o
		err = setOutputs(&o, s.outputs)
	}
	if err != nil {
		err = moot.Errorf(moot.Internal, "queue of jobs: %w", err)
	}
	return o, err
}

// outcomes visits the outcomes of a stage in the order of its tasks.
func (q *queue) outcomes(ctx context.Context, job string, stage int, visit func(n int, label string, o moot.Outcome) error) error {
	type found struct {
		storedOutcome
		n     int
		label string
	}
	for from, more := 0, true; more; {
		rows, err := q.read.QueryContext(ctx, `SELECT n, label, `+outcomeColumns+` FROM tasks WHERE job = ? AND stage = ? AND n >= ? AND state > 0 ORDER BY n LIMIT 64`, job, stage, from)
		if err != nil {
			return sqlite.Error("queue of jobs", err)
		}
		var some []found
		for rows.Next() {
			var f found
			if err = rows.Scan(append([]any{&f.n, &f.label}, f.columns()...)...); err != nil {
				break
			}
			from, some = f.n+1, append(some, f)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return sqlite.Error("queue of jobs", err)
		}
		more = len(some) == 64
		for _, f := range some {
			o, err := f.outcome()
			if err == nil {
				err = visit(f.n, f.label, o)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// outcome returns the outcome of one task.
func (q *queue) outcome(ctx context.Context, job string, stage, n int) (moot.Outcome, error) {
	var s storedOutcome
	if err := q.read.QueryRowContext(ctx, `SELECT `+outcomeColumns+` FROM tasks WHERE job = ? AND stage = ? AND n = ?`, job, stage, n).Scan(s.columns()...); err != nil {
		return moot.Outcome{}, sqlite.Error("queue of jobs", err)
	}
	return s.outcome()
}
