package jobs

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/sqlite"
)

// DefaultRetention is how long jobs that have ended are remembered.
const DefaultRetention = 30 * 24 * time.Hour

const (
	sweepEvery = time.Hour
	sweepBatch = 1000
)

// sweepLoop forgets jobs that have ended long ago, until the coordinator stops.
func (c *Coordinator) sweepLoop() {
	for {
		if err := c.sweep(c.ctx); err != nil && c.ctx.Err() == nil {
			c.cfg.Log.Warn("forget old jobs", "error", err)
		}
		wait(c.ctx, sweepEvery)
		if c.ctx.Err() != nil {
			return
		}
	}
}

// sweep forgets jobs that ended longer ago than jobs are retained, and those that their
// submitters removed while this node was away.
func (c *Coordinator) sweep(ctx context.Context) error {
	if err := c.queue.dateEnded(ctx, c.cfg.Now()); err != nil {
		return err
	}
	ids, err := c.queue.old(ctx, c.cfg.Now(), c.cfg.Retain())
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := c.forget(ctx, id); err != nil {
			return err
		}
	}
	ended, err := c.queue.old(ctx, c.cfg.Now(), 0)
	if err != nil {
		return err
	}
	for _, id := range ended {
		if err := c.sweepRemoved(ctx, id); err != nil {
			return err
		}
	}
	return c.queue.shrink(ctx)
}

// sweepRemoved forgets a job if its submitter removed it.
func (c *Coordinator) sweepRemoved(ctx context.Context, id string) error {
	stands := false
	for _, err := range c.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindJob, Key: id, Limit: 1}) {
		if err != nil {
			return err
		}
		stands = true
	}
	if stands {
		return nil
	}
	for e, err := range c.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindJob, Key: id, History: true}) {
		if err != nil {
			return err
		}
		if e.Deletes() {
			if err := c.removed(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// removed forgets a job whose submitter removed it.
func (c *Coordinator) removed(ctx context.Context, e moot.Entry) error {
	s, found, err := c.queue.find(ctx, e.Key)
	by, known := c.cfg.Member(e.Author)
	if err != nil || !found || !known || by != s.By || !s.State.Ended() {
		return err
	}
	for r, err := range c.cfg.Node.Query(ctx, moot.Query{Kind: moot.KindResult, Key: e.Key, Author: c.cfg.Self}) {
		if err == nil {
			_, err = sign.One(ctx, c.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindResult, Key: e.Key, Replaces: []moot.EntryID{r.ID}})
		}
		if err != nil {
			return err
		}
	}
	return c.forget(ctx, e.Key)
}

// forget drops a job, its tasks and their outcomes from the queue.
func (c *Coordinator) forget(ctx context.Context, id string) error {
	return c.queue.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`DELETE FROM jobs WHERE id = ? AND told = 1`, id)
		return err
	})
}

// dateEnded dates jobs that ended under version 0.1.0, which stored only that they had.
func (q *queue) dateEnded(ctx context.Context, now time.Time) error {
	return q.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE jobs SET ended = ? WHERE ended = 1`, now.Unix())
		return err
	})
}

// old returns jobs whose results were published, and that ended at least so long ago.
func (q *queue) old(ctx context.Context, now time.Time, age time.Duration) (ids []string, err error) {
	rows, err := q.read.QueryContext(ctx, `SELECT id FROM jobs WHERE told = 1 AND ended > 0 AND ended <= ? LIMIT ?`, now.Add(-age).Unix(), sweepBatch)
	if err != nil {
		return nil, sqlite.Error("queue of jobs", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, sqlite.Error("queue of jobs", err)
		}
		ids = append(ids, id)
	}
	return ids, sqlite.Error("queue of jobs", rows.Err())
}

// shrinkAbove is how many free pages, of 4 KiB, the queue's file may have.
const shrinkAbove = 2048

// shrink gives the space of what was forgotten back to the disk.
func (q *queue) shrink(ctx context.Context) error {
	var free, pages int64
	err := q.write.QueryRowContext(ctx, `SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count`).Scan(&free, &pages)
	if err == nil && free > shrinkAbove && free > pages/2 {
		_, err = q.write.ExecContext(ctx, `VACUUM`)
	}
	return sqlite.Error("shrink the queue of jobs", err)
}

// Remove implements Submitter.
func (s submitter) Remove(ctx context.Context, id string) error {
	o, err := s.find(ctx, id)
	if err != nil {
		return moot.Wrap("remove the job", err)
	}
	return moot.Wrap("remove the job", s.remove(ctx, o))
}

func (s submitter) remove(ctx context.Context, o submittedJob) error {
	j, err := withResult(ctx, s.cfg.Node, o)
	switch {
	case err != nil:
		return err
	case o.by != s.cfg.Self:
		return moot.Errorf(moot.Denied, "the job is another member's")
	case !j.State.Ended():
		return moot.WithHint(moot.Errorf(moot.Conflict, "the job has not ended"), moot.HintCancelJob)
	}
	for some := range slices.Chunk(o.versions, moot.MaxReplaces) {
		if _, err := sign.One(ctx, s.cfg.Write, moot.Merge, sign.Statement{Kind: moot.KindJob, Key: o.id, Replaces: some}); err != nil {
			return err
		}
	}
	return nil
}

// Expire removes a member's jobs that have ended and were submitted before a time.
func Expire(ctx context.Context, jobs Submitter, member moot.MemberID, before time.Time) error {
	list, err := jobs.Jobs(ctx)
	for _, j := range list {
		if err == nil && j.By == member && j.State.Ended() && j.Submitted.Before(before) {
			err = jobs.Remove(ctx, j.ID)
		}
	}
	return err
}
