package swarm

import (
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

var (
	alice, bob, carol = moot.Key{1}, moot.Key{2}, moot.Key{3}
	noon              = time.Unix(1_000_000, 0)
)

func must(t *testing.T, s *State, id moot.Key, now time.Time) Request {
	t.Helper()
	a, ok := s.Next(id, now)
	if !ok {
		t.Fatal("nothing to ask for")
	}
	return a
}

func none(t *testing.T, s *State, id moot.Key, now time.Time) {
	t.Helper()
	if a, ok := s.Next(id, now); ok {
		t.Fatalf("asked for %v", a.Run)
	}
}

func bring(s *State, a Request, now time.Time) (redundant []uint64) {
	for g := a.Run.First; g < a.Run.End(); g++ {
		redundant = append(redundant, s.Arrived(a.ID, g, now)...)
	}
	return redundant
}

func TestReadersWindowIsAskedInOrder(t *testing.T) {
	s := New(Config{Groups: 100, Part: 4, Window: 3, Depth: 9})
	s.Want([]Run{{10, 90}}, nil)
	s.AddSource(alice, []Run{{0, 100}})
	for _, want := range []Run{{10, 2}, {12, 4}, {16, 4}} {
		if a := must(t, s, alice, noon); a.Run != want {
			t.Fatalf("got %v, want %v", a.Run, want)
		}
	}
}

func TestRarestFirst(t *testing.T) {
	s := New(Config{Groups: 40, Part: 4, Window: 1, Depth: 2})
	s.Want([]Run{{0, 40}}, nil)
	s.AddSource(alice, []Run{{0, 40}})
	s.AddSource(bob, []Run{{0, 24}, {28, 12}})
	must(t, s, alice, noon)
	if a := must(t, s, alice, noon); a.Run != (Run{24, 4}) {
		t.Fatalf("asked for %v before the rarest part", a.Run)
	}
}

func TestTiesAreRandomAndSeeded(t *testing.T) {
	order := func(seed uint64) (runs []Run) {
		s := New(Config{Groups: 4000, Part: 4, Window: 1, Depth: 9, Seed: seed})
		s.Want([]Run{{0, 4000}}, nil)
		s.AddSource(alice, []Run{{0, 4000}})
		for range 9 {
			runs = append(runs, must(t, s, alice, noon).Run)
		}
		return runs
	}
	if !slices.Equal(order(1), order(1)) || slices.Equal(order(1), order(2)) {
		t.Fatal("the choice must follow from the seed")
	}
}

func TestOnlyWhatIsWanted(t *testing.T) {
	s := New(Config{Groups: 100, Part: 10, Depth: 9})
	s.AddSource(alice, []Run{{0, 100}})
	none(t, s, alice, noon)
	s.Want([]Run{{95, 1 << 40}}, nil)
	if a := must(t, s, alice, noon); a.Run != (Run{95, 5}) {
		t.Fatalf("got %v", a.Run)
	}
	none(t, s, alice, noon)
	s.Held(Run{95, 5})
	if s.Wanting() || s.Useful(alice) {
		t.Fatal("all is held")
	}
}

func TestEndgameIsBoundedAndEnds(t *testing.T) {
	s := New(Config{Groups: 8, Part: 4})
	s.Want([]Run{{0, 8}}, nil)
	for _, id := range []moot.Key{alice, bob, carol} {
		s.AddSource(id, []Run{{0, 8}})
	}
	a1, a2 := must(t, s, alice, noon), must(t, s, alice, noon)
	b1, b2 := must(t, s, bob, noon), must(t, s, bob, noon)
	if b1.Run != a1.Run || b2.Run != a2.Run {
		t.Fatalf("end-game: got %v %v, want %v %v", b1.Run, b2.Run, a1.Run, a2.Run)
	}
	none(t, s, carol, noon)
	if got := bring(s, b1, noon); !slices.Equal(got, []uint64{a1.ID}) {
		t.Fatalf("redundant: %v, want %d", got, a1.ID)
	}
	bring(s, a2, noon)
	if s.Wanting() || s.InFlight(alice)+s.InFlight(bob) != 0 {
		t.Fatal("not over")
	}
	if redundant := s.Arrived(b2.ID, 5, noon); redundant != nil {
		t.Fatal("a late group of a finished request")
	}
}

func TestFailureBacksOff(t *testing.T) {
	s := New(Config{Groups: 8, Part: 4})
	s.Want([]Run{{0, 8}}, nil)
	s.AddSource(alice, []Run{{0, 8}})
	now := noon
	for i, wait := range []time.Duration{250, 500, 1000} {
		s.Failed(must(t, s, alice, now).ID, now)
		if s.sources[alice].fails != i+1 {
			t.Fatalf("fails = %d", s.sources[alice].fails)
		}
		none(t, s, alice, now.Add(wait*time.Millisecond-1))
		now = now.Add(wait * time.Millisecond)
	}
	s.Arrived(must(t, s, alice, now).ID, 0, now)
	if s.sources[alice].fails != 0 {
		t.Fatal("a group that came ends the back-off")
	}
}

func TestEagerSourceStallsAsAWhole(t *testing.T) {
	s := New(Config{Groups: 8, Part: 4, Stall: time.Second})
	s.Want(nil, []Run{{0, 8}})
	s.AddSource(alice, []Run{{0, 8}})
	s.Pipeline(alice)
	a := must(t, s, alice, noon)
	must(t, s, alice, noon)
	s.Progress(a.ID, noon.Add(900*time.Millisecond))
	if got := s.Stalled(noon.Add(1500 * time.Millisecond)); got != nil {
		t.Fatal("the second request waits for the first, on which bytes come")
	}
	if got := s.Stalled(noon.Add(1900 * time.Millisecond)); !slices.Equal(got, []moot.Key{alice}) {
		t.Fatal("nothing comes at all")
	}
}

func TestStallIsPerRequestAndTouchDelaysIt(t *testing.T) {
	s := New(Config{Groups: 8, Part: 4, Stall: time.Second})
	s.Want([]Run{{0, 8}}, nil)
	s.AddSource(alice, []Run{{0, 8}})
	a, b := must(t, s, alice, noon), must(t, s, alice, noon)
	s.Progress(a.ID, noon.Add(900*time.Millisecond))
	s.Progress(b.ID, noon.Add(900*time.Millisecond))
	if got := s.Stalled(noon.Add(time.Second)); got != nil {
		t.Fatal("bytes came")
	}
	s.Progress(a.ID, noon.Add(1800*time.Millisecond))
	if got := s.Stalled(noon.Add(1900 * time.Millisecond)); !slices.Equal(got, []moot.Key{alice}) {
		t.Fatal("one of its requests has stalled")
	}
	s.RemoveSource(alice)
	s.AddSource(bob, []Run{{0, 8}})
	if got := must(t, s, bob, noon).Run; got != a.Run {
		t.Fatalf("got %v, want what alice left: %v", got, a.Run)
	}
}

func TestLateHeadIsAskedTwice(t *testing.T) {
	s := New(Config{Groups: 400, Part: 4, Window: 1, HedgeAfter: time.Second})
	s.Want([]Run{{0, 400}}, nil)
	s.AddSource(alice, []Run{{0, 400}})
	s.AddSource(bob, []Run{{0, 400}})
	slow := must(t, s, alice, noon)
	s.Arrived(slow.ID, 0, noon.Add(900*time.Millisecond))
	bring(s, must(t, s, bob, noon), noon.Add(10*time.Millisecond))
	if a := must(t, s, bob, noon.Add(999*time.Millisecond)); a.Run.First == 1 {
		t.Fatal("too early")
	}
	if a := must(t, s, bob, noon.Add(time.Second)); a.Run != (Run{1, 3}) {
		t.Fatalf("got %v, want the rest of the late head", a.Run)
	}
}

func TestNewcomers(t *testing.T) {
	s := New(Config{Groups: 40, Part: 4})
	s.Want([]Run{{0, 40}}, nil)
	s.AddSource(alice, []Run{{0, 20}})
	if s.Brings([]Run{{0, 20}}) || !s.Brings([]Run{{0, 21}}) {
		t.Fatal("only group 20 is new")
	}
	s.AddSource(alice, []Run{{30, 10}, {0, 31}, {5, -3}, {1 << 40, 2}})
	if s.Brings([]Run{{0, 40}}) {
		t.Fatal("alice has all")
	}
	if s.Rate(alice) != 0 || s.Rate(bob) != 0 {
		t.Fatal("nothing is known of their rates")
	}
}

func TestPartGroups(t *testing.T) {
	for groups, want := range map[int64]int64{1: 1, 700: 1, 701: 2, 4096: 8, 131_072: 256, 1 << 40: 1024} {
		if got := PartGroups(groups); got != want {
			t.Errorf("PartGroups(%d) = %d, want %d", groups, got, want)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	const groups = 1 << 17 // 2 GiB
	for b.Loop() {
		s := New(Config{Groups: groups})
		s.Want([]Run{{0, groups}}, nil)
		for i := range byte(8) {
			s.AddSource(moot.Key{i}, []Run{{0, groups}})
		}
		for s.Wanting() {
			for i := range byte(8) {
				if a, ok := s.Next(moot.Key{i}, noon); ok {
					bring(s, a, noon.Add(time.Millisecond))
				}
			}
		}
	}
}

// TestQueued: a source that reports a queue gets a longer stall timeout, but not for ever.
func TestQueued(t *testing.T) {
	s := New(Config{Groups: 100, Part: 4, Stall: time.Second})
	s.Want(nil, []Run{{0, 100}})
	s.AddSource(alice, []Run{{0, 100}})
	s.Pipeline(alice)
	s.Queued(bob, noon) // no source
	must(t, s, alice, noon)
	stalled := time.Duration(0)
	for now := time.Duration(0); now <= time.Minute && stalled == 0; now += 500 * time.Millisecond {
		s.Queued(alice, noon.Add(now))
		if len(s.Stalled(noon.Add(now+400*time.Millisecond))) > 0 {
			stalled = now
		}
	}
	if stalled < 11*time.Second || stalled > 13*time.Second {
		t.Errorf("given up after %v", stalled)
	}
}
