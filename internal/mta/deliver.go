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

// way is a Sender with its defaults.
type way struct {
	Sender
	dns absolute
	log *slog.Logger
}

func (s *Sender) way() *way {
	w := &way{Sender: *s, dns: names(s.Resolver), log: logger(s.Log)}
	w.Port = cmp.Or(w.Port, 25)
	w.AtOnce = cmp.Or(w.AtOnce, 20)
	w.PerDomain = cmp.Or(w.PerDomain, 4)
	w.Retry = w.Retry.orDefault()
	if w.Dial == nil {
		w.Dial = (&net.Dialer{}).DialContext
	}
	return w
}

// maxTry is how long one try may take, over all hosts.
const maxTry = time.Hour

// do does one task and saves what became of it. Its error is one of the queue.
func (w *way) do(ctx context.Context, t task) error {
	m, err := w.Queue.load(ctx, t, time.Now())
	switch {
	case moot.KindOf(err) == moot.NotFound:
		return nil
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return sqlite.Error("read the mail queue", err)
	}
	if t.tell {
		return w.tell(ctx, m)
	}
	try, cancel := context.WithTimeout(ctx, maxTry)
	defer cancel()
	w.try(try, m, t.domain)
	return w.settle(ctx, m)
}

// settle decides on each recipient by its answer, and saves that. Of failures the
// sender is told by a task of its own, of delays at once.
func (w *way) settle(ctx context.Context, m *queued) error {
	now := time.Now()
	if ctx.Err() != nil { // what was broken off by us does not count
		m.to = slices.DeleteFunc(m.to, func(r *recipient) bool { return !r.delivered() && !r.permanent() })
	}
	late := *m
	late.to = nil
	for _, r := range m.to {
		w.log.Info("tried to send mail", "message", m.id, "to", r.address, "host", r.host, "status", r.status, "answer", r.text, "tries", r.tries)
		switch r.tries++; {
		case r.delivered():
		case r.permanent(), now.Sub(m.added) >= w.Retry.GiveUp:
			r.state, r.tries = failed, 0
		case now.Sub(m.added) >= w.Retry.Warn && r.state == waits && m.from != "":
			late.to = append(late.to, r)
		}
	}
	next := func(r *recipient) time.Time {
		if r.state == failed {
			return now
		}
		return w.Retry.next(now, m.added, r.tries)
	}
	gone := func(r *recipient) bool { return r.delivered() || r.state == failed && m.from == "" }
	// A message that was delivered must not be sent again because we are asked to stop.
	if err := w.Queue.save(context.WithoutCancel(ctx), m, next, gone); err != nil {
		return err
	}
	return w.warn(ctx, &late)
}

// warn tells the sender that the message is late, once.
func (w *way) warn(ctx context.Context, m *queued) error {
	if len(m.to) == 0 || w.notify(ctx, m, delayed) != nil {
		return nil // it is tried again after the next try
	}
	for _, r := range m.to {
		r.state = warned
	}
	now := time.Now()
	next := func(r *recipient) time.Time { return w.Retry.next(now, m.added, r.tries) }
	return w.Queue.save(context.WithoutCancel(ctx), m, next, func(*recipient) bool { return false })
}

// tell tells the sender that the message has failed, now or later.
func (w *way) tell(ctx context.Context, m *queued) error {
	now := time.Now()
	err := w.notify(ctx, m, undelivered)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	known := err == nil || moot.KindOf(err) == moot.NotFound || now.Sub(m.added) > 2*w.Retry.GiveUp
	for _, r := range m.to {
		r.tries++
	}
	next := func(r *recipient) time.Time { return now.Add(w.Retry.wait(min(r.tries, 5))) }
	return w.Queue.save(context.WithoutCancel(ctx), m, next, func(*recipient) bool { return known })
}
