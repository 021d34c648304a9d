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

// Sender takes messages from a Queue to where they go: to the mail servers that the
// DNS names for each domain, or all to one that knows how to go on.
type Sender struct {
	Queue     *Queue
	Hostname  string     // this server's own name in the DNS
	Smarthost *Smarthost // nil: directly to where the mail goes

	// Bounce delivers a delivery status notification (RFC 3464) to the sender of a
	// message. After its nil the notification is not made again; after an error it is
	// tried again, but for kind NotFound: there is nobody to be told.
	Bounce func(ctx context.Context, to string, dsn io.Reader) error

	Resolver Resolver                                                          // nil for the system's
	Dial     func(ctx context.Context, network, addr string) (net.Conn, error) // nil for the system's
	Port     int                                                               // of mail servers: 25
	Private  bool                                                              // also to addresses that are not public, as the DNS may name

	// TLS is the ground of the configuration for other servers, as the roots of their
	// certificates; nil for the system's. RequireTLS never sends anything in plain text.
	TLS        *tls.Config
	RequireTLS bool

	AtOnce    int // tries at once: 20
	PerDomain int // of them for one domain, or the smarthost: 4
	Retry     Retry
	Log       *slog.Logger
}

// Run sends what is in the queue until ctx ends. Then it lets the tries that are under
// way come to their end, but not for long, and returns nil; or an error if the queue
// cannot be read or written.
//
// A message is recorded as delivered after the other server has said so. If this
// process dies in between, that server gets it once more.
func (s *Sender) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(grace):
			stop()
		case <-work.Done():
		}
	})()
	r := &rounds{way: s.way(), busy: map[task]bool{}, domains: map[string]int{}, finished: make(chan finished)}
	defer r.running.Wait()
	err := r.run(ctx, work)
	if err != nil {
		stop()
	}
	for len(r.busy) > 0 {
		f := <-r.finished
		r.forget(f)
		err = cmp.Or(err, f.err)
	}
	return moot.Wrap("send mail", err)
}

// rounds is a running Sender.
type rounds struct {
	*way
	busy     map[task]bool
	domains  map[string]int // tasks under way
	finished chan finished
	running  sync.WaitGroup
}

type finished struct {
	task
	err error // of the queue
}

func (r *rounds) run(ctx, work context.Context) error {
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
		case <-r.Queue.news:
		case <-timer.C:
		case f := <-r.finished:
			r.forget(f)
			if f.err != nil {
				return f.err
			}
		}
		timer.Stop()
	}
}

// start begins as many tasks as may run, and returns how long until the next is due.
func (r *rounds) start(ctx, work context.Context) (time.Duration, error) {
	now := time.Now()
	tasks, next, err := r.Queue.due(ctx, now, r.Smarthost != nil, r.full())
	if err != nil {
		return 0, sqlite.Error("read the mail queue", err)
	}
	for _, t := range tasks {
		if len(r.busy) >= r.AtOnce {
			break
		}
		if r.busy[t] || !t.tell && r.domains[t.domain] >= r.PerDomain {
			continue
		}
		r.busy[t] = true
		if !t.tell {
			r.domains[t.domain]++
		}
		r.running.Go(func() { r.finished <- finished{t, r.do(work, t)} })
	}
	if next.IsZero() {
		return time.Hour, nil
	}
	return max(next.Sub(now), time.Millisecond), nil
}

func (r *rounds) full() []string {
	busy := []string{}
	for d, n := range r.domains {
		if n >= r.PerDomain {
			busy = append(busy, d)
		}
	}
	return busy
}

func (r *rounds) forget(f finished) {
	delete(r.busy, f.task)
	if f.tell {
		return
	}
	if r.domains[f.domain]--; r.domains[f.domain] <= 0 {
		delete(r.domains, f.domain)
	}
}
