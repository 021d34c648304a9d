package mta

import (
	"cmp"
	"math"
	"math/rand/v2"
	"time"
)

// Retry is the back-off of delivery attempts. Zero fields have the default.
type Retry struct {
	First  time.Duration // delay after the first attempt; doubled with each: 1 minute
	Most   time.Duration // longest delay between attempts: 4 hours
	Warn   time.Duration // when a delay is notified: 4 hours
	GiveUp time.Duration // when the message is bounced: 5 days (RFC 5321, 4.5.4.1)
}

func (r Retry) orDefault() Retry {
	r.First = cmp.Or(r.First, time.Minute)
	r.Most = cmp.Or(r.Most, 4*time.Hour)
	r.Warn = cmp.Or(r.Warn, 4*time.Hour)
	r.GiveUp = cmp.Or(r.GiveUp, 5*24*time.Hour)
	return r
}

// jitter is the random fraction by which a delay varies, so that messages that failed
// together are not retried together.
const jitter = 0.2

// delay returns the delay after a number of attempts.
func (r Retry) delay(tries int) time.Duration {
	d := min(float64(r.Most), float64(r.First)*math.Exp2(float64(max(0, tries-1))))
	return time.Duration(d * (1 - jitter + 2*jitter*rand.Float64()))
}

// next returns when to retry: after delay, but no later than the next of Warn and
// GiveUp.
func (r Retry) next(now, added time.Time, tries int) time.Time {
	at := now.Add(r.delay(tries))
	for _, mark := range []time.Time{added.Add(r.GiveUp), added.Add(r.Warn)} {
		if now.Before(mark) && at.After(mark) {
			at = mark
		}
	}
	return at
}
