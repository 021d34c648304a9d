package swarm

import (
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"pgregory.net/rapid"
)

// actor is a simulated source.
type actor struct {
	id        moot.Key
	held      []Run
	pace      time.Duration // a group takes so long
	stalls    int           // sends so many groups and then nothing; −1: never stalls
	dishonest bool          // the first group is false: the caller drops it
	leaves    time.Duration // gone from then on; 0: never
}

func (a *actor) honest() bool { return !a.dishonest && a.stalls < 0 && a.leaves == 0 }

// world runs a State against actors in virtual time, step by step.
type world struct {
	t         *rapid.T
	s         *State
	actors    map[moot.Key]*actor
	now       time.Time
	begin     time.Time
	inflight  []*flight
	due       map[moot.Key]time.Time // when an actor's line is free again
	requested int64                  // groups asked for
	got       map[int64]bool
}

type flight struct {
	Request
	next int64
}

const step = 10 * time.Millisecond

func newWorld(t *rapid.T, s *State, actors []*actor) *world {
	w := &world{t: t, s: s, actors: map[moot.Key]*actor{}, now: time.Unix(1000, 0), due: map[moot.Key]time.Time{}, got: map[int64]bool{}}
	w.begin = w.now
	for _, a := range actors {
		w.actors[a.id] = a
		s.AddSource(a.id, a.held)
	}
	return w
}

// run goes on until nothing is wanted any more; it fails after an hour.
func (w *world) run() {
	for w.s.Wanting() {
		if w.now.Sub(w.begin) > time.Hour {
			w.t.Fatalf("not finished after an hour: %d in flight, sources %d", len(w.inflight), len(w.s.sources))
		}
		w.request()
		w.now = w.now.Add(step)
		for _, f := range slices.Clone(w.inflight) {
			w.move(f)
		}
		for _, id := range w.s.Stalled(w.now) {
			w.drop(id)
		}
	}
}

func (w *world) request() {
	for _, id := range w.ids() {
		for {
			a, ok := w.s.Next(id, w.now)
			if !ok {
				break
			}
			w.check(a)
			w.requested += a.Run.Count
			w.inflight = append(w.inflight, &flight{a, a.Run.First})
		}
	}
}

// check asserts what Next guarantees.
func (w *world) check(a Request) {
	if n := w.s.InFlight(a.Source); n > w.s.cfg.Depth {
		w.t.Fatalf("%d requests in flight at one source", n)
	}
	src := w.s.sources[a.Source]
	for g := a.Run.First; g < a.Run.End(); g++ {
		switch {
		case w.got[g]:
			w.t.Fatalf("asked for group %d, which is held", g)
		case !src.holds(g):
			w.t.Fatalf("asked a source for group %d, which it has not", g)
		case w.s.copies(g) > Copies:
			w.t.Fatalf("group %d is in flight %d times", g, w.s.copies(g))
		}
	}
	if a.Run.First/w.s.cfg.Part != (a.Run.End()-1)/w.s.cfg.Part {
		w.t.Fatalf("%v is not within a part", a.Run)
	}
}

func (w *world) move(f *flight) {
	a := w.actors[f.Source]
	if a == nil || !slices.Contains(w.inflight, f) || w.now.Before(w.due[a.id]) {
		return
	}
	if a.dishonest || a.leaves > 0 && w.now.Sub(w.begin) >= a.leaves {
		w.drop(a.id)
		return
	}
	if a.stalls == 0 {
		return
	}
	a.stalls--
	w.due[a.id] = w.now.Add(a.pace)
	w.got[f.next] = true
	redundant := w.s.Arrived(f.ID, f.next, w.now)
	f.next++
	w.inflight = slices.DeleteFunc(w.inflight, func(o *flight) bool {
		return slices.Contains(redundant, o.ID) || o.next >= o.Run.End()
	})
}

func (w *world) drop(id moot.Key) {
	w.s.RemoveSource(id)
	delete(w.actors, id)
	w.inflight = slices.DeleteFunc(w.inflight, func(f *flight) bool { return f.Source == id })
}

func (w *world) ids() []moot.Key {
	var ids []moot.Key
	for i := range byte(32) {
		if w.actors[moot.Key{i}] != nil {
			ids = append(ids, moot.Key{i})
		}
	}
	return ids
}

// actors draws sources; the honest among them hold everything together.
func actors(t *rapid.T, groups int64) []*actor {
	n := rapid.IntRange(1, 12).Draw(t, "sources")
	all := make([]*actor, n)
	for i := range all {
		a := &actor{id: moot.Key{byte(i)}, stalls: -1, pace: time.Duration(rapid.IntRange(0, 300).Draw(t, "pace")) * time.Millisecond}
		switch rapid.IntRange(0, 5).Draw(t, "sort") {
		case 0:
			a.dishonest = true
		case 1:
			a.stalls = rapid.IntRange(0, 20).Draw(t, "stalls after")
		case 2:
			a.leaves = time.Duration(rapid.IntRange(1, 5000).Draw(t, "leaves at")) * time.Millisecond
		}
		for range rapid.IntRange(0, 4).Draw(t, "runs") {
			first := rapid.Int64Range(-2, groups).Draw(t, "first")
			a.held = append(a.held, Run{first, rapid.Int64Range(0, groups+2).Draw(t, "count")})
		}
		all[i] = a
	}
	patch(t, all, groups)
	return all
}

// patch gives every group that no honest actor holds to some honest actor.
func patch(t *rapid.T, all []*actor, groups int64) {
	var honest []*actor
	for _, a := range all {
		if a.honest() {
			honest = append(honest, a)
		}
	}
	if len(honest) == 0 {
		*all[0] = actor{id: all[0].id, stalls: -1, pace: 20 * time.Millisecond}
		honest = all[:1]
	}
	for g := range groups {
		has := func(a *actor) bool { return slices.ContainsFunc(a.held, func(r Run) bool { return r.has(g) }) }
		if !slices.ContainsFunc(honest, has) {
			a := rapid.SampledFrom(honest).Draw(t, "holder")
			a.held = append(a.held, Run{g, 1})
		}
	}
}

func TestAlwaysFinishes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.Int64Range(1, 120).Draw(t, "groups")
		s := New(Config{Groups: groups, Part: rapid.Int64Range(1, 9).Draw(t, "part"), Window: rapid.IntRange(1, 4).Draw(t, "window"),
			Depth: rapid.IntRange(1, 3).Draw(t, "depth"), Stall: 30 * time.Second /* actors answer in turn */, Seed: rapid.Uint64().Draw(t, "seed")})
		first := rapid.Int64Range(0, groups-1).Draw(t, "want")
		s.Want([]Run{{first, groups}, {0, rapid.Int64Range(0, groups).Draw(t, "second reader")}}, nil)
		w := newWorld(t, s, actors(t, groups))
		w.run()
		for g := first; g < groups; g++ {
			if !w.got[g] {
				t.Fatalf("finished without group %d", g)
			}
		}
	})
}

func TestNothingTwiceAmongSwiftAndHonest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.Int64Range(1, 400).Draw(t, "groups")
		s := New(Config{Groups: groups, Part: 4, Seed: rapid.Uint64().Draw(t, "seed")})
		s.Want([]Run{{0, groups}}, nil)
		var all []*actor
		for i := range rapid.IntRange(1, 8).Draw(t, "sources") {
			all = append(all, &actor{id: moot.Key{byte(i)}, held: []Run{{0, groups}}, stalls: -1})
		}
		w := newWorld(t, s, all)
		w.run()
		if bound := groups + int64(len(all)*s.cfg.Depth)*s.cfg.Part; w.requested > bound {
			t.Fatalf("asked for %d groups of %d: the end-game is worth at most %d", w.requested, groups, bound)
		}
	})
}
