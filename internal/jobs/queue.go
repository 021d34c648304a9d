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
	statements
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
	if err == nil {
		err = q.prepare(ctx)
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
	endedAt   time.Time // zero: it has not
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
		ended = excluded.ended, told = excluded.told`, s.ID, s.Round, spec, s.stage, job, unixOf(s.endedAt), s.published)
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

	worker moot.Key // of the outcome that counts
	agreed int      // members whose workers returned it
	made   [32]byte // hash of what it made
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
	rows, err := q.read.QueryContext(ctx, `SELECT n, label, input, state, worker, agreed, made FROM tasks WHERE job = ? AND stage = ? ORDER BY n`, job, stage)
	if err != nil {
		return nil, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var input, worker, made []byte
		if err = rows.Scan(&r.n, &r.label, &input, &r.state, &worker, &r.agreed, &made); err == nil && input != nil {
			err = json.Unmarshal(input, &r.input)
		}
		copy(r.worker[:], worker)
		copy(r.made[:], made)
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

// resetFailed makes a job's failed tasks ready again.
func (q *queue) resetFailed(tx *sql.Tx, job string) error {
	_, err := tx.Exec(`UPDATE tasks SET state = 0, agreed = 0, outcome = NULL, outputs = NULL WHERE job = ? AND state = 2`, job)
	return err
}

// accounts are who ran a job's tasks, as far as it was committed.
type accounts struct {
	runs      map[moot.Key]int
	cpu, busy time.Duration
	disagreed []Disagreement
}

// accounts returns who ran a job's tasks.
func (q *queue) accounts(ctx context.Context, job string) (a accounts, err error) {
	a.runs = map[moot.Key]int{}
	rows, err := q.read.QueryContext(ctx, `
		SELECT worker, count(*), sum(cpu), sum(wall), NULL FROM tasks WHERE job = ?1 AND worker IS NOT NULL GROUP BY worker
		UNION ALL SELECT worker, 1, 0, r.wall, iif(wrong, label, NULL) FROM runs r JOIN (SELECT job, stage, n, label FROM tasks) USING (job, stage, n) WHERE job = ?1`, job)
	if err != nil {
		return a, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var worker []byte
		var label sql.NullString
		var n int
		var cpu, wall time.Duration
		if err := rows.Scan(&worker, &n, &cpu, &wall, &label); err != nil {
			return a, sqlite.Error("queue of jobs", err)
		}
		var k moot.Key
		copy(k[:], worker)
		a.runs[k] += n
		a.cpu, a.busy = a.cpu+cpu, a.busy+wall
		if label.Valid {
			a.disagreed = append(a.disagreed, Disagreement{k, label.String})
		}
	}
	return a, sqlite.Error("queue of jobs", rows.Err())
}

// records returns the records of all devices.
func (q *queue) records(ctx context.Context) (list []Record, err error) {
	rows, err := q.read.QueryContext(ctx, `SELECT device, member, valid, wrong, lost, streak, runs, wall, distrusted FROM hosts`)
	if err != nil {
		return nil, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r Record
		var device, member []byte
		var distrusted int64
		if err := rows.Scan(&device, &member, &r.Valid, &r.Wrong, &r.Lost, &r.Streak, &r.Runs, &r.Wall, &distrusted); err != nil {
			return nil, sqlite.Error("queue of jobs", err)
		}
		copy(r.Device[:], device)
		copy(r.Member[:], member)
		if distrusted > 0 {
			r.Distrusted = time.Unix(distrusted, 0)
		}
		list = append(list, r)
	}
	return list, sqlite.Error("queue of jobs", rows.Err())
}
