package mta

import (
	"cmp"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mootspace/moot/internal/sqlite"

	"github.com/mootspace/moot"
)

// Sender delivers messages from a Queue to the mail servers of their domains, or all to
// a smarthost.
type Sender struct {
	Queue     *Queue
	Hostname  string     // this server's own name in the DNS
	Smarthost *Smarthost // nil: deliver to the domains' own servers

	// Bounce delivers a delivery status notification (RFC 3464) to the sender of a
	// message. An error is retried, except kind NotFound: the sender does not exist.
	Bounce func(ctx context.Context, to string, dsn io.Reader) error

	Resolver Resolver                                                          // nil for a Cache of its own
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the system's
	Port     int                                                               // of mail servers: 25
	Private  bool                                                              // also deliver to addresses that are not public

	// TLS is the base configuration for remote servers; nil for the default. RequireTLS
	// refuses plain text.
	TLS        *tls.Config
	RequireTLS bool

	AtOnce    int // parallel attempts: 20
	PerDomain int // parallel attempts for one domain, or the smarthost: 4
	Retry     Retry
	Log       *slog.Logger
}

// Run delivers the queue until ctx ends. Attempts under way get shutdownGrace to finish;
// then it returns nil. It returns an error if the queue cannot be read or written.
//
// A message is recorded as delivered after the remote server has accepted it. If this
// process is killed in between, that server gets it twice.
func (s *Sender) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(shutdownGrace):
			stop()
		case <-work.Done():
		}
	})()
	r := &scheduler{client: s.client(), active: map[task]bool{}, domains: map[string]int{}, finished: make(chan finished)}
	defer r.workers.Wait()
	err := r.run(ctx, work)
	if err != nil {
		stop()
	}
	for len(r.active) > 0 {
		f := <-r.finished
		r.finish(f)
		err = cmp.Or(err, f.err)
	}
	return moot.Wrap("send mail", err)
}

// scheduler is a running Sender.
type scheduler struct {
	*client
	active   map[task]bool
	domains  map[string]int // tasks under way
	finished chan finished
	workers  sync.WaitGroup
}

type finished struct {
	task
	err error // of the queue
}

func (r *scheduler) run(ctx, work context.Context) error {
	for {
		next, err := r.start(ctx, work)
		if err != nil && ctx.Err() == nil {
			return err
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-r.Queue.added:
		case <-timer.C:
		case f := <-r.finished:
			r.finish(f)
			if f.err != nil {
				return f.err
			}
		}
		timer.Stop()
	}
}

// start starts due tasks within the limits, and returns how long until the next is due.
func (r *scheduler) start(ctx, work context.Context) (time.Duration, error) {
	now := time.Now()
	tasks, next, err := r.Queue.due(ctx, now, r.Smarthost != nil, r.busyDomains())
	if err != nil {
		return 0, sqlite.Error("read the mail queue", err)
	}
	for _, t := range tasks {
		if len(r.active) >= r.AtOnce {
			break
		}
		if r.active[t] || !t.bounce && r.domains[t.domain] >= r.PerDomain {
			continue
		}
		r.active[t] = true
		if !t.bounce {
			r.domains[t.domain]++
		}
		r.workers.Go(func() { r.finished <- finished{t, r.runTask(work, t)} })
	}
	if next.IsZero() {
		return time.Hour, nil
	}
	return max(next.Sub(now), time.Millisecond), nil
}

func (r *scheduler) busyDomains() []string {
	domains := []string{}
	for d, n := range r.domains {
		if n >= r.PerDomain {
			domains = append(domains, d)
		}
	}
	return domains
}

func (r *scheduler) finish(f finished) {
	delete(r.active, f.task)
	if f.bounce {
		return
	}
	if r.domains[f.domain]--; r.domains[f.domain] <= 0 {
		delete(r.domains, f.domain)
	}
}
