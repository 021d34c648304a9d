package node

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/mail"
)

// notifyJob writes a job's submitter a message about its end.
func (n *Node) notifyJob(ctx context.Context, j jobs.Job) error {
	b, err := n.ownMail(ctx, n.routes.preferred(ctx))
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%d of %d tasks done, after %v.\n", j.Progress.Done, j.Tasks, j.Wall.Round(time.Second))
	if j.State == jobs.Done {
		text += "Results: " + j.As + "\n"
	}
	if j.Why != "" {
		text += j.Why + "\n"
	}
	if !j.Next.IsZero() {
		text += "It runs again at " + j.Next.Format(time.RFC1123Z) + ".\n"
	}
	m := mail.Message{To: []string{j.By.String()}, Subject: fmt.Sprintf("Job %s (%s): %s", j.Name, j.ID[:6], j.State), Text: text}
	var mime bytes.Buffer
	if _, err := m.WriteTo(&mime); err != nil {
		return err
	}
	_, err = b.Send(ctx, mail.Outgoing{MIME: &mime})
	return err
}

// jobsFor is how long jobs that have ended are remembered.
func (c *computeService) jobsFor() time.Duration {
	const day = 24 * time.Hour
	switch days := c.preferences().JobDays; {
	case days < 0:
		return 100 * 365 * day
	case days > 0:
		return time.Duration(days) * day
	}
	return jobs.DefaultRetention
}

// expireEvery is how often old jobs are removed.
const expireEvery = time.Hour

// expire removes old jobs of this node's member, until ctx ends.
func (c *computeService) expire(ctx context.Context) {
	via := c.routes.preferred(ctx)
	own := c.submitter(via, via)
	for tick := time.NewTicker(expireEvery); ctx.Err() == nil; {
		err := jobs.Expire(ctx, own, c.network.member(c.network.self), c.now().Add(-c.jobsFor()))
		if err != nil && ctx.Err() == nil {
			c.log.Warn("remove old jobs", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
		}
	}
}
