package wire

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestUplinkTurns fails unless turns come in the order in which they were waited for, as
// soon as something has come, was given back, or is late.
func TestUplinkTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &uplink{}
		var lanes []uint64
		var turns []*turn
		for range 6 {
			lane := u.join()
			lanes, turns = append(lanes, lane), append(turns, u.wait(lane, 1<<20))
		}
		expect := func(what string, want int) {
			t.Helper()
			for i, turn := range turns {
				if here(turn.now) != (i < want) {
					t.Errorf("%s: turn %d of those that came up to %d", what, i, want)
				}
			}
		}
		expect("at first", 2)
		u.came(lanes[0])
		expect("one came", 3)
		u.withdraw(lanes[1])
		expect("one was given back", 4)
		u.leave(lanes[2])
		expect("one left", 5)
		u.leave(lanes[5])
		<-time.After(time.Minute)
		expect("long after", 5)
		last := u.wait(lanes[0], 1)
		if !here(last.now) {
			t.Error("who says nothing holds up others")
		}
	})
}

// TestUplinkNewcomer fails unless whoever has got least has every other turn, and whoever
// waits for longest the others: neither a newcomer nor an old hand may starve.
func TestUplinkNewcomer(t *testing.T) {
	u := &uplink{}
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
	for i := range 2 { // what came before makes room for one
		u.came(old)
		if here(much[1].now) || here(little[0].now) != (i == 1) || !here(much[0].now) {
			t.Errorf("turn %d is not that of who waits for longest, then of who has got least", i)
		}
	}
}
