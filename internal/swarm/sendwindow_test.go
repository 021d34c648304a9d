package swarm

import (
	"container/heap"
	"testing"
	"time"
)

// house is an uplink in virtual time: whatever is sent passes it one after the other, and
// then the way and the downlink of each receiver, who always wants more.
type house struct {
	*Uplink
	rate  float64 // bytes a second
	ways  []time.Duration
	downs []float64
	part  int64
	asked int // parts that a receiver asks for at once

	now   time.Duration
	todo  agenda
	free  time.Duration   // when the uplink is
	taken []time.Duration // when each downlink is free
	turn  int
	came  int64
	worst time.Duration // wait at the uplink, after the first seconds
}

func (h *house) clock() time.Time { return time.Unix(1000, 0).Add(h.now) }

func (h *house) at(when time.Duration, do func()) { heap.Push(&h.todo, event{when: when, do: do}) }

// run returns which share of its uplink was used in the last seconds of twenty.
func (h *house) run() float64 {
	const long, early = 20 * time.Second, 10 * time.Second
	h.Uplink, h.taken = NewUplink(), make([]time.Duration, len(h.ways))
	h.send()
	before := int64(0)
	for h.now < long {
		e := heap.Pop(&h.todo).(event)
		if h.now < early && e.when >= early {
			before, h.worst = h.came, 0
		}
		h.now = e.when
		e.do()
	}
	return float64(h.came-before) / h.rate / (long - early).Seconds()
}

// send sends to those whose turn it is, as long as there is room.
func (h *house) send() {
	for blocked := 0; blocked < len(h.ways); {
		i := h.turn % len(h.ways)
		h.turn++
		if l := h.lanes[uint64(i)]; !h.Room(uint64(i), h.clock()) || l != nil && len(l.parcels) >= h.asked {
			blocked++
			continue
		}
		blocked = 0
		h.Sent(uint64(i), h.part, h.clock())
		h.free = max(h.free, h.now) + seconds(h.part, h.rate)
		h.worst = max(h.worst, h.free-h.now)
		h.taken[i] = max(h.taken[i], h.free+h.ways[i]/2) + seconds(h.part, h.downs[i])
		h.at(h.taken[i]+h.ways[i]/2, func() {
			h.came += h.part
			h.Came(uint64(i), h.clock())
			h.send()
		})
	}
	h.at(h.now+h.Wait(h.clock()), h.send)
}

func seconds(bytes int64, rate float64) time.Duration {
	return time.Duration(float64(bytes) / rate * float64(time.Second))
}

func repeated[T any](n int, v T) (all []T) {
	for range n {
		all = append(all, v)
	}
	return all
}

// TestUplink fails unless an uplink is used nearly all the time, by whomever, and little
// waits at it.
func TestUplink(t *testing.T) {
	const near, far, mega = time.Millisecond, 150 * time.Millisecond, 1e6
	for name, h := range map[string]*house{
		"alone":               {rate: 100 * mega, part: 1 << 20, asked: 64, ways: []time.Duration{near}, downs: []float64{200 * mega}},
		"alone and far":       {rate: 100 * mega, part: 1 << 20, asked: 64, ways: []time.Duration{2 * far}, downs: []float64{200 * mega}},
		"near":                {rate: mega, part: 32 << 10, asked: 2, ways: repeated(31, near), downs: repeated(31, 4*mega)},
		"far":                 {rate: 20 * mega, part: 128 << 10, asked: 16, ways: repeated(8, far), downs: repeated(8, 20*mega)},
		"one near, many far":  {rate: 20 * mega, part: 128 << 10, asked: 16, ways: append(repeated(8, far), near), downs: repeated(9, 20*mega)},
		"half near, half far": {rate: 20 * mega, part: 128 << 10, asked: 16, ways: append(repeated(4, far), repeated(4, near)...), downs: repeated(8, 20*mega)},
		"half of them slow":   {rate: 10 * mega, part: 128 << 10, asked: 4, ways: repeated(20, near), downs: append(repeated(10, 0.05*mega), repeated(10, 5*mega)...)},
		"hardly any uplink":   {rate: 0.2 * mega, part: 128 << 10, asked: 2, ways: repeated(5, near), downs: repeated(5, mega)},
	} {
		used := h.run()
		t.Logf("%s: %.3f of the uplink, waiting up to %v at it", name, used, h.worst.Round(time.Millisecond))
		if used < 0.95 {
			t.Errorf("%s: only %.3f of the uplink are used", name, used)
		}
		if most := 500*time.Millisecond + 3*seconds(h.part, h.rate); h.worst > most {
			t.Errorf("%s: up to %v wait at the uplink, want at most %v", name, h.worst, most)
		}
	}
}

// TestUplinkMistold fails if receivers who say what is not so change more than what they get
// themselves.
func TestUplinkMistold(t *testing.T) {
	u, now := NewUplink(), time.Unix(1000, 0)
	u.Came(1, now) // nothing was sent
	u.Withdraw(1)
	for u.Room(2, now) {
		u.Sent(2, 1000, now)
	}
	u.Withdraw(2)
	if !u.Room(3, now) {
		t.Error("what is withdrawn takes room")
	}
	u.Sent(3, 1000, now)
	if u.Room(4, now) {
		t.Error("there is room for everybody")
	}
	u.Leave(2)
	u.Leave(3)
	if u.parts != 0 || u.bytes != 0 || !u.Room(4, now) {
		t.Errorf("%d parts of %d bytes are left of those who left", u.parts, u.bytes)
	}
	for range 2 * uplinkMost {
		u.Sent(5, 1000, now)
	}
	if n := len(u.lanes[5].parcels); n != uplinkMost || u.parts != n {
		t.Errorf("%d parts are remembered, %d count", n, u.parts)
	}
	if late := now.Add(u.Wait(now)); u.Room(4, now) || !u.Room(4, late) {
		t.Error("who says nothing holds up others")
	}
}
