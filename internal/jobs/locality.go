package jobs

import (
	"context"
	"time"

	"github.com/mootspace/moot"
)

// Moving an input to a worker that lacks it.
const (
	smallInput  = 1 << 20  // bytes below which it does not matter
	usualRate   = 10 << 20 // bytes a second, as nothing is known of the link
	farLonger   = 2        // how many times as long as the transfer a wait must be
	maxLocated  = 1 << 16  // inputs of a stage that workers are asked about
	locateBatch = 1 << 10
	locateTime  = 2 * time.Second
)

// has reports whether the worker has the task's own input.
func (w *worker) has(t *task) bool {
	if t.input == nil {
		return false
	}
	_, ok := w.holds[inputBlob(*t.input)]
	return ok
}

// small reports whether it does not matter where the task's own input is.
func (t *task) small() bool { return t.input == nil || t.input.Size < smallInput }

// betterElsewhere reports whether a task should rather wait for a worker that has its
// input: unless these are busy far longer than the transfer would take.
func (c *Coordinator) betterElsewhere(t *task, w *worker, now time.Time) bool {
	j := t.job
	switch {
	case t.small() || w.has(t):
		return false
	case j.locating > 0:
		return true
	}
	slots, queued := 0, len(j.ready)
	for _, other := range j.pool {
		if other.has(t) && !t.has(other) && c.unfit(t, other) == "" && !now.Before(other.backoff) && !j.excludes(other, now) {
			slots += other.Slots
			queued += len(other.running)
		}
	}
	if slots == 0 || j.ended == 0 {
		return slots > 0
	}
	wait := j.expected() * time.Duration(queued) / time.Duration(slots)
	transfer := time.Duration(float64(t.input.Size) / usualRate * float64(time.Second))
	return wait < farLonger*transfer
}

// locate asks workers which inputs of the job's stage they hold; once each.
func (c *Coordinator) locate(j *job) {
	var ids []moot.BlobID
	for _, t := range j.tasks {
		if t.state == taskWaits && !t.small() && len(ids) < maxLocated {
			ids = append(ids, inputBlob(*t.input))
		}
	}
	if len(ids) == 0 {
		return
	}
	for _, w := range j.pool {
		if j.located[w.Key] || w.Blobs == nil {
			continue
		}
		j.located[w.Key] = true
		blobs := w.Blobs
		if w.Key == c.cfg.Self {
			blobs = c.cfg.Local
		}
		j.locating++
		c.wg.Go(func() {
			c.locateAt(j.ctx, w, blobs, ids)
			c.post(func() { j.locating-- })
		})
	}
}

func (c *Coordinator) locateAt(ctx context.Context, w *worker, blobs moot.Blobs, ids []moot.BlobID) {
	ctx, cancel := context.WithTimeout(ctx, locateTime)
	defer cancel()
	for len(ids) > 0 {
		n := min(len(ids), locateBatch)
		some := ids[:n]
		ids = ids[n:]
		held, err := blobs.HaveMany(ctx, some)
		if err != nil {
			c.cfg.Log.Debug("ask a worker what it holds", "worker", w.Key.Short(), "error", err)
			return
		}
		c.post(func() {
			for i := range min(len(held), len(some)) {
				if held[i] {
					w.holds[some[i]] = struct{}{}
				}
			}
		})
	}
}
