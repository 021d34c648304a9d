package swarm

import (
	"testing"
	"time"
)

// The simulated swarms below are held against the least time in which a fluid could
// reach everybody (Kumar and Ross, 2006). What is left on real links is headers, proofs
// and processors.

const maxSeed = 3

// mbit converts a link's rate in Mbit/s to groups a second.
func mbit(rate float64) float64 { return rate * 1e6 / 8 / (16 << 10) }

// megabytes converts a blob's size to groups.
func megabytes(n int64) int64 { return n * 1_000_000 / (16 << 10) }

// equal is a source of 100 Mbit/s up and n receivers of 50 up and 200 down, all scaled.
func equal(n int, scale float64) []*member {
	members := []*member{{up: mbit(100 * scale), down: mbit(200 * scale)}}
	for range n {
		members = append(members, &member{up: mbit(50 * scale), down: mbit(200 * scale)})
	}
	return members
}

// bound is the least time in which a fluid reaches all receivers, if only the nodes for
// which give is true send anything.
func bound(groups int64, members []*member, give func(i int) bool) time.Duration {
	up, down := 0.0, members[1].down
	for i, m := range members {
		if give(i) {
			up += m.up
		}
		if i > 0 {
			down = min(down, m.down)
		}
	}
	f := float64(groups)
	return time.Duration(max(f/members[0].up, f/down, f*float64(len(members)-1)/up) * float64(time.Second))
}

func all(int) bool { return true }

// holdsTo runs a fleet and fails if it takes longer than so many times the bound.
func holdsTo(t *testing.T, most float64, b time.Duration, f *fleet) {
	t.Helper()
	last, finished := f.run()
	if ratio := last.Seconds() / b.Seconds(); !finished || ratio > most {
		t.Errorf("finished %v after %v, %.3f times the bound of %v, should be %.2f", finished, last, ratio, b, most)
	}
}

func TestEqualLinks(t *testing.T) {
	for _, c := range []struct {
		n     int
		mb    int64
		scale float64
		most  float64
	}{{1, 64, 1, 1.05}, {2, 64, 1, 1.05}, {4, 64, 1, 1.05}, {8, 64, 1, 1.05}, {16, 32, 0.5, 1.05}, {32, 8, 0.125, 1.08}, {64, 8, 0.125, 1.12}} {
		for seed := range uint64(max(1, maxSeed*8/max(8, c.n*2))) {
			members := equal(c.n, c.scale)
			holdsTo(t, c.most, bound(megabytes(c.mb), members, all), newFleet(seed, megabytes(c.mb), members...))
		}
	}
}

// TestServerThrottles: with many receivers a server sends at most 1.5 copies, and the
// receivers take little longer.
func TestServerThrottles(t *testing.T) {
	for _, n := range []int{12, 16, 32} {
		members := equal(n, 0.5)
		f := newFleet(1, megabytes(32), members...)
		f.throttles = true
		holdsTo(t, 1.08, bound(megabytes(32), members, all), f)
		if copies := float64(members[0].sent) / float64(f.groups); copies > 1.5 {
			t.Errorf("%d receivers: the server sent %.2f copies", n, copies)
		}
	}
}

// TestUnequalLinks: three classes of uplinks.
func TestUnequalLinks(t *testing.T) {
	for seed := range uint64(maxSeed) {
		members := equal(9, 1)
		for i, m := range members[1:] {
			m.up = mbit([]float64{10, 30, 80}[i%3])
		}
		holdsTo(t, 1.06, bound(megabytes(64), members, all), newFleet(seed, megabytes(64), members...))
	}
}

// TestLateJoiner: a late receiver is served by all others at once, and delays none of
// them: the bound lacks what it could have sent before it joined.
func TestLateJoiner(t *testing.T) {
	for seed := range uint64(maxSeed) {
		members := equal(8, 1)
		late := members[8]
		late.joins = 4 * time.Second
		f := newFleet(seed, megabytes(64), members...)
		f.run()
		up := members[0].up + 8*late.up
		fluid := time.Duration((float64(8*f.groups) + late.up*late.joins.Seconds()) / up * float64(time.Second))
		for i, m := range members[1:] {
			if ratio := m.finished.Seconds() / fluid.Seconds(); m.finished == 0 || ratio > 1.15 {
				t.Errorf("receiver %d took %v, %.3f times the bound of %v", i+1, m.finished, ratio, fluid)
			}
		}
	}
}

// TestSourceLeaves: the source goes away when it has sent little more than one copy,
// and everybody finishes.
func TestSourceLeaves(t *testing.T) {
	for seed := range uint64(maxSeed) {
		members := equal(8, 1)
		groups := megabytes(64)
		members[0].sends = groups * 105 / 100
		gone := float64(members[0].sends) / members[0].up // s; until then all give, later the receivers
		up := 8 * members[1].up
		fluid := gone + (float64(8*groups)-gone*(up+members[0].up))/up
		holdsTo(t, 1.06, time.Duration(fluid*float64(time.Second)), newFleet(seed, groups, members...))
	}
}

// TestChurn: a tenth of the receivers leave; the bound is that of those who stay and of
// their number, which is on the safe side of what the others took with them.
func TestChurn(t *testing.T) {
	for seed := range uint64(maxSeed) {
		members := equal(20, 0.5)
		for i := range 2 {
			members[3+i*7].leaves = time.Duration(2+3*i) * time.Second
		}
		holdsTo(t, 1.06, bound(megabytes(32), members, all), newFleet(seed, megabytes(32), members...))
	}
}

// TestDishonestSources: false bytes are not used, and dishonest sources cost no more than
// their uplinks.
func TestDishonestSources(t *testing.T) {
	for seed := range uint64(maxSeed) {
		members := equal(8, 1)
		members[3].dishonest, members[5].dishonest = true, true
		honest := func(i int) bool { return !members[i].dishonest }
		holdsTo(t, 1.06, bound(megabytes(64), members, honest), newFleet(seed, megabytes(64), members...))
	}
}
