package wire

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSendQueue: turns are granted in order, as soon as a part is acknowledged, withdrawn
// or late.
func TestSendQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &sendQueue{}
		var flows []uint64
		var turns []*turn
		for range 6 {
			flow := u.join()
			flows, turns = append(flows, flow), append(turns, u.wait(flow, 1<<20))
		}
		expect := func(what string, want int) {
			t.Helper()
			for i, turn := range turns {
				if granted(turn.granted) != (i < want) {
					t.Errorf("%s: turn %d, of those granted up to %d", what, i, want)
				}
			}
		}
		expect("at first", 2)
		u.ack(flows[0])
		expect("one was acknowledged", 3)
		u.withdraw(flows[1])
		expect("one was withdrawn", 4)
		u.leave(flows[2])
		expect("one left", 5)
		u.leave(flows[5])
		<-time.After(time.Minute)
		expect("long after", 5)
		last := u.wait(flows[0], 1)
		if !granted(last.granted) {
			t.Error("a flow without acknowledgements delays others")
		}
	})
}

// TestSendQueueFair: every other turn goes to the flow that was sent least, the others to
// the one that waits longest, so that neither a new nor an old flow starves.
func TestSendQueueFair(t *testing.T) {
	u := &sendQueue{}
	old, newcomer := u.join(), u.join()
	for range 2 {
		u.wait(old, 1<<20)
	}
	var much, little []*turn
	for range 3 {
		much = append(much, u.wait(old, 1<<10))
	}
	for range 3 {
		little = append(little, u.wait(newcomer, 1<<10))
	}
	for i := range 2 { // an acknowledgement makes room for one
		u.ack(old)
		if granted(much[1].granted) || granted(little[0].granted) != (i == 1) || !granted(much[0].granted) {
			t.Errorf("turn %d: want the flow that waits longest, then the one that was sent least", i)
		}
	}
}
