package swarm

import (
	"slices"
	"time"
)

const (
	uplinkAhead = 100 * time.Millisecond // of bytes at its rate may be under way, or more if the way is long
	uplinkLeast = 2                      // parts that may be on their way in any case
	uplinkMost  = 1024                   // parts to one receiver that are remembered
	uplinkEvery = 100 * time.Millisecond // between looks at the rate
	uplinkLooks = 64                     // looks that count; of these the best
	uplinkSlow  = 500 * time.Millisecond // a part may take so long without anybody being called slow
)

// Uplink decides how much a node has on its way to all who fetch from it together: so much
// that its uplink never idles, and no more. What goes beyond that waits for its turn at
// the node, where it can be taken back, and not in the network, where requests and news wait
// behind it, and where with many connections it is lost: each has a share of a queue then that is
// smaller than a few packets (measured with 32 receivers: docs/why/0010).
//
// A part is on its way from when it is sent until its receiver says that it came. Whoever
// takes much longer than others is slow by itself: what goes to him does not
// count, else a few such receivers would hold up all others.
//
// Receivers go by numbers of the caller's. It is not safe for concurrent use.
type Uplink struct {
	lanes map[uint64]*lane
	parts int   // on their way that count
	bytes int64 // of them

	trip   time.Duration // from sending to coming, smoothed
	due    time.Time     // nothing that counts is on its way for too long before
	since  time.Time     // of the last look
	came   int64         // bytes since then
	rates  [uplinkLooks]float64
	look   int
	window float64 // bytes that may be on their way
}

// lane is the way to one receiver.
type lane struct {
	parcels []parcel // on their way, the oldest first
	total   int64    // bytes sent so far
	slow    bool
	way     time.Duration // the least time that a part took to come; 0: not known
}

type parcel struct {
	bytes  int64
	sent   time.Time
	counts bool
}

// NewUplink returns an uplink of which nothing is known.
func NewUplink() *Uplink { return &Uplink{lanes: map[uint64]*lane{}} }

// Room reports whether another part may be sent to a receiver now.
func (u *Uplink) Room(to uint64, now time.Time) bool {
	u.expire(now)
	if l := u.lanes[to]; l != nil && l.slow {
		return true
	}
	return u.parts < uplinkLeast || float64(u.bytes) < u.window
}

// Total returns how much was sent to a receiver. Whoever has got least joined late, or is
// served badly by others.
func (u *Uplink) Total(to uint64) int64 {
	if l := u.lanes[to]; l != nil {
		return l.total
	}
	return 0
}

// Sent records that a part is on its way.
func (u *Uplink) Sent(to uint64, bytes int64, now time.Time) {
	l := u.lanes[to]
	if l == nil {
		l = &lane{}
		u.lanes[to] = l
	}
	if u.since.IsZero() {
		u.since = now
	}
	if len(l.parcels) == uplinkMost {
		u.count(l.parcels[0], -1)
		l.parcels = l.parcels[1:]
	}
	p := parcel{bytes, now, !l.slow}
	l.parcels = append(l.parcels, p)
	l.total += bytes
	if p.counts && u.parts == 0 {
		u.due = now.Add(u.patience())
	}
	u.count(p, +1)
}

// Came records that the oldest part on its way to a receiver has come there. What was never sent
// counts for nothing.
func (u *Uplink) Came(to uint64, now time.Time) {
	l := u.lanes[to]
	if l == nil || len(l.parcels) == 0 {
		return
	}
	p := l.parcels[0]
	l.parcels = l.parcels[1:]
	u.count(p, -1)
	took := now.Sub(p.sent)
	l.slow = took > u.patience()
	if l.way == 0 || took < l.way {
		l.way = took
	}
	if u.trip == 0 {
		u.trip = took
	}
	u.trip += (took - u.trip) / 8
	u.meter(p.bytes, now)
}

// Withdraw records that the newest part for a receiver is not sent after all.
func (u *Uplink) Withdraw(to uint64) {
	if l := u.lanes[to]; l != nil && len(l.parcels) > 0 {
		last := len(l.parcels) - 1
		u.count(l.parcels[last], -1)
		l.total -= l.parcels[last].bytes
		l.parcels = l.parcels[:last]
	}
}

// Leave forgets a receiver.
func (u *Uplink) Leave(to uint64) {
	if l := u.lanes[to]; l != nil {
		for _, p := range l.parcels {
			u.count(p, -1)
		}
		delete(u.lanes, to)
	}
}

// Wait returns how long it takes at most until there is room without anything having
// come.
func (u *Uplink) Wait(now time.Time) time.Duration {
	return max(u.due.Sub(now), time.Millisecond)
}

func (u *Uplink) count(p parcel, by int) {
	if p.counts {
		u.parts += by
		u.bytes += int64(by) * p.bytes
	}
}

// patience is how long a part may be on its way until its receiver is called slow.
func (u *Uplink) patience() time.Duration { return max(uplinkSlow, 4*u.trip) }

// expire takes out of the count what is on its way for too long.
func (u *Uplink) expire(now time.Time) {
	if u.parts == 0 || now.Before(u.due) {
		return
	}
	patience := u.patience()
	u.due = now.Add(patience)
	for _, l := range u.lanes {
		for i, p := range l.parcels {
			due := p.sent.Add(patience)
			switch {
			case !p.counts:
			case now.Before(due):
				if due.Before(u.due) {
					u.due = due
				}
			default:
				u.count(p, -1)
				l.parcels[i].counts, l.slow = false, true
			}
		}
	}
}

// meter takes in bytes that came.
func (u *Uplink) meter(bytes int64, now time.Time) {
	u.came += bytes
	if took := now.Sub(u.since); took >= uplinkEvery {
		u.rates[u.look%uplinkLooks] = float64(u.came) / took.Seconds()
		u.look++
		u.since, u.came = now, 0
		best := slices.Max(u.rates[:]) // what is sent at less may just not have been asked for
		u.window = best * max(uplinkAhead, 5*u.way()/4).Seconds()
	}
}

// way is how long a part takes when it need not wait: three of four who are not slow are
// at least as far away. One who is near must not keep those who are far from what
// fits on their way, but who only seems to be far, because its answers wait behind what it
// sends itself, must not have much wait here.
func (u *Uplink) way() time.Duration {
	var ways []time.Duration
	for _, l := range u.lanes {
		if l.way > 0 && !l.slow {
			ways = append(ways, l.way)
		}
	}
	if len(ways) == 0 {
		return 0
	}
	slices.Sort(ways)
	return ways[len(ways)/4]
}
