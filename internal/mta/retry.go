package mta

import (
	"cmp"
	"math"
	"math/rand/v2"
	"time"
)

// Retry says when a message is tried again that could not be delivered. Zero fields
// have the default.
type Retry struct {
	First  time.Duration // after the first try; doubled with each: 1 minute
	Most   time.Duration // between two tries: 4 hours
	Warn   time.Duration // when the sender is told that the message is late: 4 hours
	GiveUp time.Duration // when it has failed: 5 days (RFC 5321, 4.5.4.1)
}

func (r Retry) orDefault() Retry {
	r.First = cmp.Or(r.First, time.Minute)
	r.Most = cmp.Or(r.Most, 4*time.Hour)
	r.Warn = cmp.Or(r.Warn, 4*time.Hour)
	r.GiveUp = cmp.Or(r.GiveUp, 5*24*time.Hour)
	return r
}

// jitter is by how much a wait is longer or shorter at random, so that messages that
// failed together do not come back together.
const jitter = 0.2

// wait returns how long to wait after so many tries.
func (r Retry) wait(tries int) time.Duration {
	d := min(float64(r.Most), float64(r.First)*math.Exp2(float64(max(0, tries-1))))
	return time.Duration(d * (1 - jitter + 2*jitter*rand.Float64()))
}

// next returns when to try again: earlier than wait says if before that the sender is to
// be warned, or the message given up.
func (r Retry) next(now, added time.Time, tries int) time.Time {
	at := now.Add(r.wait(tries))
	for _, mark := range []time.Time{added.Add(r.GiveUp), added.Add(r.Warn)} {
		if now.Before(mark) && at.After(mark) {
			at = mark
		}
	}
	return at
}
