package mta

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/mootspace/moot/internal/sqlite"

	"github.com/mootspace/moot"
)

// client is a Sender with its defaults.
type client struct {
	Sender
	dns resolver
	log *slog.Logger
}

func (s *Sender) client() *client {
	cl := &client{Sender: *s, dns: newResolver(s.Resolver), log: logger(s.Log)}
	cl.Port = cmp.Or(cl.Port, 25)
	cl.AtOnce = cmp.Or(cl.AtOnce, 20)
	cl.PerDomain = cmp.Or(cl.PerDomain, 4)
	cl.Retry = cl.Retry.orDefault()
	if cl.Dial == nil {
		cl.Dial = (&net.Dialer{}).DialContext
	}
	return cl
}

// attemptTimeout bounds one attempt over all hosts.
const attemptTimeout = time.Hour

// runTask runs one task and saves its result. Errors are the queue's.
func (cl *client) runTask(ctx context.Context, t task) error {
	m, err := cl.Queue.load(ctx, t, time.Now())
	switch {
	case moot.KindOf(err) == moot.NotFound:
		return nil
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return sqlite.Error("read the mail queue", err)
	}
	if t.bounce {
		return cl.bounce(ctx, m)
	}
	attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	cl.deliverDomain(attempt, m, t.domain)
	return cl.record(ctx, m)
}

// record saves each recipient's state after its response. A failure is bounced by a task
// of its own, a delay is notified at once.
func (cl *client) record(ctx context.Context, m *queued) error {
	now := time.Now()
	if ctx.Err() != nil { // interrupted by shutdown: not an attempt
		m.to = slices.DeleteFunc(m.to, func(r *recipient) bool { return !r.delivered() && !r.permanent() })
	}
	late := *m
	late.to = nil
	for _, r := range m.to {
		cl.log.Info("delivery attempt", "message", m.id, "to", r.address, "host", r.host, "status", r.status, "response", r.text, "attempts", r.attempts)
		switch r.attempts++; {
		case r.delivered():
		case r.permanent(), now.Sub(m.added) >= cl.Retry.GiveUp:
			r.state, r.attempts = failed, 0
		case now.Sub(m.added) >= cl.Retry.Warn && r.state == pending && m.from != "":
			late.to = append(late.to, r)
		}
	}
	next := func(r *recipient) time.Time {
		if r.state == failed {
			return now
		}
		return cl.Retry.next(now, m.added, r.attempts)
	}
	gone := func(r *recipient) bool { return r.delivered() || r.state == failed && m.from == "" }
	// Saved even during shutdown, so that a delivered message is not sent again.
	if err := cl.Queue.save(context.WithoutCancel(ctx), m, next, gone); err != nil {
		return err
	}
	return cl.warn(ctx, &late)
}

// warn sends the delay notification, once.
func (cl *client) warn(ctx context.Context, m *queued) error {
	if len(m.to) == 0 || cl.notify(ctx, m, delayed) != nil {
		return nil // retried after the next attempt
	}
	for _, r := range m.to {
		r.state = warned
	}
	now := time.Now()
	next := func(r *recipient) time.Time { return cl.Retry.next(now, m.added, r.attempts) }
	return cl.Queue.save(context.WithoutCancel(ctx), m, next, func(*recipient) bool { return false })
}

// bounce sends the failure notification, or reschedules it.
func (cl *client) bounce(ctx context.Context, m *queued) error {
	now := time.Now()
	err := cl.notify(ctx, m, undelivered)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	finished := err == nil || moot.KindOf(err) == moot.NotFound || now.Sub(m.added) > 2*cl.Retry.GiveUp
	for _, r := range m.to {
		r.attempts++
	}
	next := func(r *recipient) time.Time { return now.Add(cl.Retry.delay(min(r.attempts, 5))) }
	return cl.Queue.save(context.WithoutCancel(ctx), m, next, func(*recipient) bool { return finished })
}
