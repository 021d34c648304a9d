package swarm

import (
	"slices"
	"time"
)

const (
	windowAhead   = 100 * time.Millisecond // of bytes at the measured rate may be in flight, or more if round trips are long
	windowMin     = 2                      // parts that may be in flight in any case
	maxPackets    = 1024                   // parts in flight to one receiver that are tracked
	windowEvery   = 100 * time.Millisecond // between samples of the rate
	windowSamples = 64                     // samples kept; the best counts
	minAckTimeout = 500 * time.Millisecond // least acknowledgement timeout
)

// SendWindow is congestion control over all receivers of a node together: so many bytes
// are in flight that its uplink never idles, and no more. Further parts wait at the
// node, where a request can be cancelled, and not in the network, where they delay
// requests and announcements, and where many connections lose packets because each gets
// a share of the queue that is smaller than a few packets (measured with 32 receivers:
// docs/why/0010).
//
// A part is in flight from Sent to Ack. A receiver that takes much longer than the
// others is slow: parts to it do not count, or a few such receivers would delay all.
//
// Receivers are numbered by the caller. It is not safe for concurrent use.
type SendWindow struct {
	flows         map[uint64]*flow
	inFlight      int // parts that count
	inFlightBytes int64

	rtt     time.Duration // from Sent to Ack, smoothed
	expiry  time.Time     // no part that counts times out before
	since   time.Time     // of the last sample
	acked   int64         // bytes since then
	rates   [windowSamples]float64
	samples int
	window  float64 // bytes that may be in flight
}

// flow is what is known of one receiver.
type flow struct {
	packets []packet // in flight, the oldest first
	total   int64    // bytes sent so far
	slow    bool
	minRTT  time.Duration // from Sent to Ack, the least seen; 0: not known
}

type packet struct {
	bytes  int64
	sent   time.Time
	counts bool
}

// NewSendWindow returns a window that has not measured anything.
func NewSendWindow() *SendWindow { return &SendWindow{flows: map[uint64]*flow{}} }

// CanSend reports whether the window has room for another part to a receiver.
func (u *SendWindow) CanSend(to uint64, now time.Time) bool {
	u.expire(now)
	if l := u.flows[to]; l != nil && l.slow {
		return true
	}
	return u.inFlight < windowMin || float64(u.inFlightBytes) < u.window
}

// Total returns the bytes sent to a receiver. The one with the least joined late, or gets
// little from other sources.
func (u *SendWindow) Total(to uint64) int64 {
	if l := u.flows[to]; l != nil {
		return l.total
	}
	return 0
}

// Sent records that a part was sent.
func (u *SendWindow) Sent(to uint64, bytes int64, now time.Time) {
	l := u.flows[to]
	if l == nil {
		l = &flow{}
		u.flows[to] = l
	}
	if u.since.IsZero() {
		u.since = now
	}
	if len(l.packets) == maxPackets {
		u.count(l.packets[0], -1)
		l.packets = l.packets[1:]
	}
	p := packet{bytes, now, !l.slow}
	l.packets = append(l.packets, p)
	l.total += bytes
	if p.counts && u.inFlight == 0 {
		u.expiry = now.Add(u.ackTimeout())
	}
	u.count(p, +1)
}

// Ack records that a receiver has acknowledged the oldest part in flight to it. An
// acknowledgement of nothing is ignored.
func (u *SendWindow) Ack(to uint64, now time.Time) {
	l := u.flows[to]
	if l == nil || len(l.packets) == 0 {
		return
	}
	p := l.packets[0]
	l.packets = l.packets[1:]
	u.count(p, -1)
	took := now.Sub(p.sent)
	l.slow = took > u.ackTimeout()
	if l.minRTT == 0 || took < l.minRTT {
		l.minRTT = took
	}
	if u.rtt == 0 {
		u.rtt = took
	}
	u.rtt += (took - u.rtt) / 8
	u.sample(p.bytes, now)
}

// Withdraw reverts the last Sent to a receiver.
func (u *SendWindow) Withdraw(to uint64) {
	if l := u.flows[to]; l != nil && len(l.packets) > 0 {
		last := len(l.packets) - 1
		u.count(l.packets[last], -1)
		l.total -= l.packets[last].bytes
		l.packets = l.packets[:last]
	}
}

// Leave forgets a receiver.
func (u *SendWindow) Leave(to uint64) {
	if l := u.flows[to]; l != nil {
		for _, p := range l.packets {
			u.count(p, -1)
		}
		delete(u.flows, to)
	}
}

// NextExpiry returns the time after which the window may have room without an Ack.
func (u *SendWindow) NextExpiry(now time.Time) time.Duration {
	return max(u.expiry.Sub(now), time.Millisecond)
}

func (u *SendWindow) count(p packet, by int) {
	if p.counts {
		u.inFlight += by
		u.inFlightBytes += int64(by) * p.bytes
	}
}

// ackTimeout is the time without an Ack after which a receiver is slow.
func (u *SendWindow) ackTimeout() time.Duration { return max(minAckTimeout, 4*u.rtt) }

// expire stops counting parts whose acknowledgement has timed out.
func (u *SendWindow) expire(now time.Time) {
	if u.inFlight == 0 || now.Before(u.expiry) {
		return
	}
	timeout := u.ackTimeout()
	u.expiry = now.Add(timeout)
	for _, l := range u.flows {
		for i, p := range l.packets {
			due := p.sent.Add(timeout)
			switch {
			case !p.counts:
			case now.Before(due):
				if due.Before(u.expiry) {
					u.expiry = due
				}
			default:
				u.count(p, -1)
				l.packets[i].counts, l.slow = false, true
			}
		}
	}
}

// sample measures the rate from acknowledged bytes.
func (u *SendWindow) sample(bytes int64, now time.Time) {
	u.acked += bytes
	if took := now.Sub(u.since); took >= windowEvery {
		u.rates[u.samples%windowSamples] = float64(u.acked) / took.Seconds()
		u.samples++
		u.since, u.acked = now, 0
		best := slices.Max(u.rates[:]) // a lower rate may only mean fewer requests
		u.window = best * max(windowAhead, 5*u.pathRTT()/4).Seconds()
	}
}

// pathRTT is the round trip without queueing, the lower quartile over receivers that are
// not slow. The least would give distant receivers too small a window; a high quantile
// would queue parts for receivers that only seem distant, because their
// acknowledgements wait behind what they send themselves.
func (u *SendWindow) pathRTT() time.Duration {
	var rtts []time.Duration
	for _, l := range u.flows {
		if l.minRTT > 0 && !l.slow {
			rtts = append(rtts, l.minRTT)
		}
	}
	if len(rtts) == 0 {
		return 0
	}
	slices.Sort(rtts)
	return rtts[len(rtts)/4]
}
