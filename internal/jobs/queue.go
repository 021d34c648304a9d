package jobs

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// queue is the durable state of a coordinator: jobs, tasks, outcomes and the result cache.
type queue struct {
	write, read *sql.DB
}

// openQueue opens or creates the queue in a file; with an empty path, in memory.
func openQueue(ctx context.Context, path string) (q *queue, err error) {
	q = &queue{}
	if path == "" {
		q.write, err = sqlite.OpenMemory()
		q.read = q.write
	} else {
		q.write, q.read, err = sqlite.Open(path)
	}
	if err == nil {
		err = sqlite.Migrate(ctx, q.write, migrations)
	}
	if err != nil && q.write != nil {
		err = errors.Join(err, q.close())
	}
	return q, sqlite.Error("open the queue of jobs", err)
}

func (q *queue) close() error { return errors.Join(q.write.Close(), q.read.Close()) }

func (q *queue) update(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := q.write.BeginTx(ctx, nil)
	if err == nil {
		if err = do(tx); err == nil {
			err = tx.Commit()
		} else {
			tx.Rollback()
		}
	}
	return sqlite.Error("queue of jobs", err)
}

// stored is a row of table jobs.
type stored struct {
	Job
	spec      Spec
	stage     int
	published bool
	ended     time.Time // zero: it has not
}

// unfinished returns jobs that have not ended, or whose results are not published.
func (q *queue) unfinished(ctx context.Context) (list []stored, err error) {
	rows, err := q.read.QueryContext(ctx, `SELECT round, spec, stage, job, told FROM jobs WHERE told = 0`)
	if err != nil {
		return nil, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var s stored
		var spec, job []byte
		err := rows.Scan(&s.Round, &spec, &s.stage, &job, &s.published)
		if err == nil {
			err = errors.Join(json.Unmarshal(spec, &s.spec), json.Unmarshal(job, &s.Job))
		}
		if err != nil {
			return nil, sqlite.Error("queue of jobs", err)
		}
		list = append(list, s)
	}
	return list, sqlite.Error("queue of jobs", rows.Err())
}

// find returns a job; false if this node does not coordinate it.
func (q *queue) find(ctx context.Context, id string) (s stored, ok bool, err error) {
	var spec, job []byte
	err = q.read.QueryRowContext(ctx, `SELECT round, spec, stage, job, told FROM jobs WHERE id = ?`, id).Scan(&s.Round, &spec, &s.stage, &job, &s.published)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	if err == nil {
		err = errors.Join(json.Unmarshal(spec, &s.spec), json.Unmarshal(job, &s.Job))
	}
	return s, err == nil, sqlite.Error("queue of jobs", err)
}

// save saves a job's progress.
func (q *queue) save(tx *sql.Tx, s *stored) error {
	spec, err := json.Marshal(s.spec)
	if err != nil {
		return err
	}
	job, err := json.Marshal(s.Job)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO jobs (id, round, spec, stage, job, ended, told) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET round = excluded.round, spec = excluded.spec, stage = excluded.stage, job = excluded.job,
		ended = excluded.ended, told = excluded.told`, s.ID, s.Round, spec, s.stage, job, unixOf(s.ended), s.published)
	return err
}

// Task states, as stored.
const (
	taskWaits = iota
	taskDone
	taskFailed
)

// row is a row of table tasks.
type row struct {
	n     int
	label string
	input *moot.Input
	state int
}

// addTasks adds the tasks of a stage.
func (q *queue) addTasks(tx *sql.Tx, job string, stage int, rows []row) error {
	insert, err := tx.Prepare(`INSERT INTO tasks (job, stage, n, label, input, state) VALUES (?, ?, ?, ?, ?, 0)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for _, r := range rows {
		var input []byte
		if r.input != nil {
			if input, err = json.Marshal(r.input); err != nil {
				return err
			}
		}
		if _, err := insert.Exec(job, stage, r.n, r.label, input); err != nil {
			return err
		}
	}
	return nil
}

// tasks returns the tasks of a stage.
func (q *queue) tasks(ctx context.Context, job string, stage int) (list []row, err error) {
	rows, err := q.read.QueryContext(ctx, `SELECT n, label, input, state FROM tasks WHERE job = ? AND stage = ? ORDER BY n`, job, stage)
	if err != nil {
		return nil, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var input []byte
		if err = rows.Scan(&r.n, &r.label, &input, &r.state); err == nil && input != nil {
			err = json.Unmarshal(input, &r.input)
		}
		if err != nil {
			return nil, sqlite.Error("queue of jobs", err)
		}
		list = append(list, r)
	}
	return list, sqlite.Error("queue of jobs", rows.Err())
}

// tally counts finished tasks.
type tally struct{ done, failed int }

// earlier counts the finished tasks of the stages before one.
func (q *queue) earlier(ctx context.Context, job string, stage int) (t tally, err error) {
	err = q.read.QueryRowContext(ctx, `SELECT coalesce(sum(state = 1), 0), coalesce(sum(state = 2), 0) FROM tasks WHERE job = ? AND stage < ?`, job, stage).Scan(&t.done, &t.failed)
	return t, sqlite.Error("queue of jobs", err)
}

// finished is the outcome of a task.
type finished struct {
	job      string
	stage, n int
	state    int
	outcome  moot.Outcome
	digest   []byte // cache key; nil: not cached
	votes    int
}

// finish commits outcomes. A task that is finished already stays as it is.
func (q *queue) finish(ctx context.Context, list []finished, now time.Time) error {
	return q.update(ctx, func(tx *sql.Tx) error {
		for _, f := range list {
			text, err := json.Marshal(f.outcome)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`UPDATE tasks SET state = ?, outcome = ? WHERE job = ? AND stage = ? AND n = ? AND state = 0`, f.state, text, f.job, f.stage, f.n); err != nil {
				return err
			}
			if f.digest == nil || f.state != taskDone {
				continue
			}
			if _, err := tx.Exec(`INSERT INTO known (digest, outcome, votes, used) VALUES (?, ?, ?, ?)
				ON CONFLICT (digest) DO UPDATE SET votes = max(votes, excluded.votes), outcome = iif(excluded.votes > votes, excluded.outcome, outcome), used = excluded.used`,
				f.digest, text, f.votes, now.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
}

// resetFailed makes a job's failed tasks ready again.
func (q *queue) resetFailed(tx *sql.Tx, job string) error {
	_, err := tx.Exec(`UPDATE tasks SET state = 0, outcome = NULL WHERE job = ? AND state = 2`, job)
	return err
}

// cached returns the outcome of a task by its digest, if at least so many workers agreed.
func (q *queue) cached(ctx context.Context, digest []byte, votes int) (o moot.Outcome, ok bool, err error) {
	var text []byte
	err = q.read.QueryRowContext(ctx, `SELECT outcome FROM known WHERE digest = ? AND votes >= ?`, digest, votes).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return o, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	return o, err == nil, sqlite.Error("queue of jobs", err)
}

// maxCached bounds the outcomes in the result cache.
const maxCached = 100_000

// trimCache drops the least recently used outcomes.
func (q *queue) trimCache(ctx context.Context) error {
	return q.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM known WHERE digest IN (SELECT digest FROM known ORDER BY used DESC LIMIT -1 OFFSET ?)`, maxCached)
		return err
	})
}

// outcomes visits the outcomes of a stage in the order of its tasks.
func (q *queue) outcomes(ctx context.Context, job string, stage int, visit func(n int, label string, o moot.Outcome) error) error {
	for from, more := 0, true; more; {
		rows, err := q.read.QueryContext(ctx, `SELECT n, label, outcome FROM tasks WHERE job = ? AND stage = ? AND n >= ? AND state > 0 ORDER BY n LIMIT 64`, job, stage, from)
		if err != nil {
			return sqlite.Error("queue of jobs", err)
		}
		type found struct {
			n     int
			label string
			text  []byte
		}
		var some []found
		for rows.Next() {
			var f found
			if err = rows.Scan(&f.n, &f.label, &f.text); err != nil {
				break
			}
			from, some = f.n+1, append(some, f)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return sqlite.Error("queue of jobs", err)
		}
		more = len(some) == 64
		for _, f := range some {
			var o moot.Outcome
			if err := json.Unmarshal(f.text, &o); err != nil {
				return moot.Errorf(moot.Internal, "queue of jobs: %w", err)
			}
			if err := visit(f.n, f.label, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// outcome returns the outcome of one task.
func (q *queue) outcome(ctx context.Context, job string, stage, n int) (o moot.Outcome, err error) {
	var text []byte
	err = q.read.QueryRowContext(ctx, `SELECT outcome FROM tasks WHERE job = ? AND stage = ? AND n = ?`, job, stage, n).Scan(&text)
	if err == nil {
		err = json.Unmarshal(text, &o)
	}
	return o, sqlite.Error("queue of jobs", err)
}
