package api

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/jobs"
)

type submit struct{ Body jobs.Spec }

type jobID struct {
	ID string `path:"id"`
}

type trusted struct {
	Body struct {
		Member moot.MemberID `json:"member"`
	}
}

type followJob struct {
	ID   string `path:"id"`
	Logs bool   `query:"logs" doc:"Also what its tasks write."`
}

// Operations on jobs.
var (
	submitOp    = op[submit, jobs.Job]{at: "POST /api/jobs", does: "Submit a job", may: writes, maxBody: 32 << 20}
	jobsOp      = op[none, []jobs.Job]{at: "GET /api/jobs", does: "The space's jobs, the newest first", may: reads}
	followJobOp = op[followJob, line[jobs.Event, none]]{at: "GET /api/jobs/{id}/events", does: "Follow a job until it has ended", may: reads, gives: typeLines}
	cancelOp    = op[jobID, none]{at: "POST /api/jobs/{id}/cancel", does: "Stop a job of one's own", may: writes}
	retryOp     = op[jobID, none]{at: "POST /api/jobs/{id}/retry", does: "Run the failed tasks of a job again", may: writes}
	removeJobOp = op[jobID, none]{at: "DELETE /api/jobs/{id}", does: "Forget a job of one's own that has ended", may: writes}
	trustOp     = op[trusted, none]{at: "POST /api/offers/trust", does: "Give tasks again to a member whose worker returned a wrong result", may: writes}
	offersOp    = op[none, []jobs.Offer]{at: "GET /api/offers", does: "Members who lend computing power", may: reads}
)

func (s *server) addJobs() {
	submitOp.serve(s, func(ctx context.Context, m *app.Session, in submit) (jobs.Job, error) {
		return m.Jobs.Submit(ctx, in.Body)
	})
	jobsOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]jobs.Job, error) { return m.Jobs.Jobs(ctx) })
	stream(s, followJobOp, func(ctx context.Context, m *app.Session, in followJob, emit func(jobs.Event) error) (none, error) {
		for ev, err := range m.Jobs.Follow(ctx, in.ID, in.Logs) {
			if err == nil {
				err = emit(ev)
			}
			if err != nil {
				return none{}, err
			}
		}
		return none{}, ctx.Err()
	})
	cancelOp.serve(s, func(ctx context.Context, m *app.Session, in jobID) (none, error) {
		return none{}, m.Jobs.Cancel(ctx, in.ID)
	})
	retryOp.serve(s, func(ctx context.Context, m *app.Session, in jobID) (none, error) {
		return none{}, m.Jobs.Retry(ctx, in.ID)
	})
	removeJobOp.serve(s, func(ctx context.Context, m *app.Session, in jobID) (none, error) {
		return none{}, m.Jobs.Remove(ctx, in.ID)
	})
	trustOp.serve(s, func(ctx context.Context, m *app.Session, in trusted) (none, error) {
		return none{}, m.Jobs.Trust(ctx, in.Body.Member)
	})
	offersOp.serve(s, func(ctx context.Context, m *app.Session, _ none) ([]jobs.Offer, error) { return m.Jobs.Offers(ctx) })
}

// jobsClient is a jobs.Submitter.
type jobsClient struct{ *client }

var _ jobs.Submitter = jobsClient{}

func (c jobsClient) Submit(ctx context.Context, s jobs.Spec) (jobs.Job, error) {
	return submitOp.call(ctx, c.client, submit{s})
}

func (c jobsClient) Jobs(ctx context.Context) ([]jobs.Job, error) {
	return jobsOp.call(ctx, c.client, none{})
}

func (c jobsClient) Cancel(ctx context.Context, id string) error {
	return cancelOp.run(ctx, c.client, jobID{id})
}

func (c jobsClient) Retry(ctx context.Context, id string) error {
	return retryOp.run(ctx, c.client, jobID{id})
}

func (c jobsClient) Remove(ctx context.Context, id string) error {
	return removeJobOp.run(ctx, c.client, jobID{id})
}

func (c jobsClient) Trust(ctx context.Context, member moot.MemberID) error {
	var in trusted
	in.Body.Member = member
	return trustOp.run(ctx, c.client, in)
}

func (c jobsClient) Offers(ctx context.Context) ([]jobs.Offer, error) {
	return offersOp.call(ctx, c.client, none{})
}

func (c jobsClient) Follow(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	return func(yield func(jobs.Event, error) bool) {
		l, err := follow(ctx, c.client, followJobOp, followJob{id, logs})
		if err != nil {
			yield(jobs.Event{}, err)
			return
		}
		defer l.close()
		for {
			ev, err := l.next()
			if errors.Is(err, io.EOF) || !yield(ev, err) || err != nil {
				return
			}
		}
	}
}
