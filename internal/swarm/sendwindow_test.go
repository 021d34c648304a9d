package swarm

import (
	"container/heap"
	"testing"
	"time"
)

// sender is a node with an uplink, in virtual time: parts pass it one after the other, and
// then the path and the downlink of their receivers, which always request more.
type sender struct {
	*SendWindow
	rate     float64 // bytes a second
	rtts     []time.Duration
	downs    []float64
	part     int64
	requests int // parts that a receiver requests at once

	now   time.Duration
	todo  agenda
	free  time.Duration   // when the uplink is
	taken []time.Duration // when each downlink is free
	turn  int
	acked int64
	worst time.Duration // wait at the uplink, after the first seconds
}

func (h *sender) clock() time.Time { return time.Unix(1000, 0).Add(h.now) }

func (h *sender) at(when time.Duration, do func()) { heap.Push(&h.todo, event{when: when, do: do}) }

// run returns the share of the uplink that was used in the last seconds of twenty.
func (h *sender) run() float64 {
	const long, early = 20 * time.Second, 10 * time.Second
	h.SendWindow, h.taken = NewSendWindow(), make([]time.Duration, len(h.rtts))
	h.send()
	before := int64(0)
	for h.now < long {
		e := heap.Pop(&h.todo).(event)
		if h.now < early && e.when >= early {
			before, h.worst = h.acked, 0
		}
		h.now = e.when
		e.do()
	}
	return float64(h.acked-before) / h.rate / (long - early).Seconds()
}

// send sends to the receivers in turn, as long as there is room.
func (h *sender) send() {
	for blocked := 0; blocked < len(h.rtts); {
		i := h.turn % len(h.rtts)
		h.turn++
		if l := h.flows[uint64(i)]; !h.CanSend(uint64(i), h.clock()) || l != nil && len(l.packets) >= h.requests {
			blocked++
			continue
		}
		blocked = 0
		h.Sent(uint64(i), h.part, h.clock())
		h.free = max(h.free, h.now) + seconds(h.part, h.rate)
		h.worst = max(h.worst, h.free-h.now)
		h.taken[i] = max(h.taken[i], h.free+h.rtts[i]/2) + seconds(h.part, h.downs[i])
		h.at(h.taken[i]+h.rtts[i]/2, func() {
			h.acked += h.part
			h.Ack(uint64(i), h.clock())
			h.send()
		})
	}
	h.at(h.now+h.NextExpiry(h.clock()), h.send)
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

// TestSendWindow: the uplink is used nearly all the time, and little waits at it.
func TestSendWindow(t *testing.T) {
	const near, far, mega = time.Millisecond, 150 * time.Millisecond, 1e6
	for name, h := range map[string]*sender{
		"alone":               {rate: 100 * mega, part: 1 << 20, requests: 64, rtts: []time.Duration{near}, downs: []float64{200 * mega}},
		"alone and far":       {rate: 100 * mega, part: 1 << 20, requests: 64, rtts: []time.Duration{2 * far}, downs: []float64{200 * mega}},
		"near":                {rate: mega, part: 32 << 10, requests: 2, rtts: repeated(31, near), downs: repeated(31, 4*mega)},
		"far":                 {rate: 20 * mega, part: 128 << 10, requests: 16, rtts: repeated(8, far), downs: repeated(8, 20*mega)},
		"one near, many far":  {rate: 20 * mega, part: 128 << 10, requests: 16, rtts: append(repeated(8, far), near), downs: repeated(9, 20*mega)},
		"half near, half far": {rate: 20 * mega, part: 128 << 10, requests: 16, rtts: append(repeated(4, far), repeated(4, near)...), downs: repeated(8, 20*mega)},
		"half of them slow":   {rate: 10 * mega, part: 128 << 10, requests: 4, rtts: repeated(20, near), downs: append(repeated(10, 0.05*mega), repeated(10, 5*mega)...)},
		"hardly any uplink":   {rate: 0.2 * mega, part: 128 << 10, requests: 2, rtts: repeated(5, near), downs: repeated(5, mega)},
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

// TestSendWindowFalseAcks: receivers with false or no acknowledgements change only what
// they get themselves.
func TestSendWindowFalseAcks(t *testing.T) {
	u, now := NewSendWindow(), time.Unix(1000, 0)
	u.Ack(1, now) // nothing was sent
	u.Withdraw(1)
	for u.CanSend(2, now) {
		u.Sent(2, 1000, now)
	}
	u.Withdraw(2)
	if !u.CanSend(3, now) {
		t.Error("a withdrawn part takes room")
	}
	u.Sent(3, 1000, now)
	if u.CanSend(4, now) {
		t.Error("the window has no limit")
	}
	u.Leave(2)
	u.Leave(3)
	if u.inFlight != 0 || u.inFlightBytes != 0 || !u.CanSend(4, now) {
		t.Errorf("%d parts of %d bytes are left of receivers that left", u.inFlight, u.inFlightBytes)
	}
	for range 2 * maxPackets {
		u.Sent(5, 1000, now)
	}
	if n := len(u.flows[5].packets); n != maxPackets || u.inFlight != n {
		t.Errorf("%d parts are tracked, %d count", n, u.inFlight)
	}
	if late := now.Add(u.NextExpiry(now)); u.CanSend(4, now) || !u.CanSend(4, late) {
		t.Error("a receiver without acknowledgements delays others")
	}
}
