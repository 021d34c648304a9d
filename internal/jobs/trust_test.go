package jobs_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
)

// cheat returns wrong results for the tasks that when names, of those it has run so many before.
func cheat(when func(ran int64) bool) runner {
	var ran atomic.Int64
	return func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		if when(ran.Add(1) - 1) {
			return wrote("WRONG"), nil
		}
		return honest(ctx, task, w)
	}
}

func always(int64) bool { return true }

// counting counts the runs of a worker.
func counting(n *atomic.Int64, r runner) runner {
	return func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		n.Add(1)
		return r(ctx, task, w)
	}
}

func (s *fixture) wrongResults(j jobs.Job) (n int) {
	for _, text := range s.results(j) {
		if strings.Contains(text, "WRONG") {
			n++
		}
	}
	return n
}

// TestResultsOfOthers: what a volunteer computed for one member is no result for another
// who asked servers only, nor for one who uses volunteers, unless others confirmed it.
func TestResultsOfOthers(t *testing.T) {
	both, servers := moot.Architecture{Server: true, Peers: true}, moot.Architecture{Server: true}
	server := worker(2, 2, honest)
	server.Server = true
	for name, c := range map[string]struct {
		check   int
		workers []jobs.Worker
		via     moot.Architecture
		same    bool // as the member of the first job
		cached  int
	}{
		"a volunteer's, for servers only":            {0, []jobs.Worker{worker(1, 2, honest)}, servers, false, 0},
		"a volunteer's, for another":                 {0, []jobs.Worker{worker(1, 2, honest)}, both, false, 0},
		"a volunteer's, for the same member":         {0, []jobs.Worker{worker(1, 2, honest)}, both, true, 6},
		"a volunteer's, for servers, same member":    {0, []jobs.Worker{worker(1, 2, honest)}, servers, true, 0},
		"a server's, for another":                    {0, []jobs.Worker{server}, servers, false, 6},
		"confirmed by two, for another":              {2, []jobs.Worker{worker(1, 2, honest), worker(3, 2, honest)}, both, false, 6},
		"confirmed by two, for servers only":         {2, []jobs.Worker{worker(1, 2, honest), worker(3, 2, honest)}, servers, false, 0},
		"confirmed by two, one of them was a server": {2, []jobs.Worker{worker(1, 2, honest), server}, servers, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFixture(t, c.workers...)
			for k := range byte(3) {
				s.lendAs(s.device(moot.MemberID{k + 1}), 2)
			}
			s.owners[moot.Key{1}], s.owners[moot.Key{2}], s.owners[moot.Key{3}] = moot.MemberID{1}, moot.MemberID{2}, moot.MemberID{3}
			s.via = both
			p := s.device(moot.MemberID{2})
			s.server = p.self
			if err := jobs.Announce(t.Context(), s.node, p, jobs.Offer{Device: p.self, Server: true, Terms: jobs.Terms{CPUs: 2}}); err != nil {
				t.Fatal(err)
			}
			spec := jobs.Spec{As: "a", Check: c.check, Stages: []jobs.Stage{{Count: 6}}}
			if j := s.await(s.submit(spec).ID); j.State != jobs.Done {
				t.Fatalf("%+v", j)
			}
			s.mu.Lock()
			s.workers = []jobs.Worker{server}
			s.mu.Unlock()
			s.via = c.via
			if !c.same {
				s.submitter = s.submitterOf(s.device(moot.MemberID{50}))
			}
			spec.As, spec.Check = "b", 0
			j := s.await(s.submit(spec).ID)
			if j.State != jobs.Done || j.Cached != c.cached {
				t.Errorf("%d of 6 known from before, want %d: %+v", j.Cached, c.cached, j)
			}
		})
	}
}

// TestCheatIsRemembered: a worker that returned a wrong result gets no task of another
// job, nor after a restart, until its member is pardoned.
func TestCheatIsRemembered(t *testing.T) {
	var runs atomic.Int64
	s := newFixture(t, worker(1, 2, honest), worker(2, 2, honest), worker(3, 2, counting(&runs, cheat(always))))
	for k := range byte(3) {
		s.owners[moot.Key{k + 1}] = moot.MemberID{k + 1}
		s.lendAs(s.device(moot.MemberID{k + 1}), 2)
	}
	j := s.await(s.submit(jobs.Spec{As: "a", Check: 3, Stages: []jobs.Stage{{Count: 8}}}).ID)
	if j.State != jobs.Done || len(j.Disagreed) == 0 || s.wrongResults(j) > 0 {
		t.Fatalf("%+v", j)
	}
	again := func(what string, want bool) {
		t.Helper()
		before := runs.Load()
		j := s.await(s.submit(jobs.Spec{As: "b", Fresh: true, Stages: []jobs.Stage{{Count: 12}}}).ID)
		if j.State != jobs.Done {
			t.Errorf("%s: %+v", what, j)
		}
		if got := runs.Load() > before; got != want {
			t.Errorf("%s: the cheat ran %d tasks", what, runs.Load()-before)
		}
	}
	again("in another job", false)
	s.stop()
	s.start()
	again("after a restart", false)
	list, err := s.coord.Records(t.Context())
	if err != nil || len(list) != 3 || list[2].Wrong == 0 || list[2].Distrusted.IsZero() || list[0].Valid == 0 || list[0].Runs == 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := s.coord.Pardon(t.Context(), moot.MemberID{3}); err != nil {
		t.Fatal(err)
	}
	if err := s.coord.Pardon(t.Context(), moot.MemberID{3}); moot.KindOf(err) != moot.NotFound {
		t.Errorf("pardoned twice: %v", err)
	}
	again("pardoned", true)
}

// TestWhoRanWhatSurvives: a restart in the middle of a job loses nobody's runs.
func TestWhoRanWhatSurvives(t *testing.T) {
	gate := make(chan struct{})
	var n atomic.Int64
	s := newFixture(t, worker(1, 1, func(ctx context.Context, task moot.Task, w func(moot.Progress)) (moot.Outcome, error) {
		if n.Add(1) > 5 {
			select {
			case <-gate:
			case <-ctx.Done():
				return moot.Outcome{}, ctx.Err()
			}
		}
		return honest(ctx, task, w)
	}))
	j := s.submit(jobs.Spec{As: "out", Stages: []jobs.Stage{{Count: 10}}})
	for ev, err := range s.submitter.Follow(t.Context(), j.ID, false) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Job.Progress.Done == 5 {
			break
		}
	}
	s.stop()
	s.start()
	close(gate)
	if j = s.await(j.ID); j.State != jobs.Done || j.Workers[moot.Key{1}] != 10 {
		t.Errorf("%+v", j)
	}
}

// TestTie: two workers that disagree are named, and a third is asked; without one, the task fails.
func TestTie(t *testing.T) {
	s := newFixture(t, worker(1, 1, honest), worker(2, 1, cheat(always)))
	for k := range byte(3) {
		s.lendAs(s.device(moot.MemberID{k + 1}), 1)
	}
	j := s.await(s.submit(jobs.Spec{As: "a", Check: 2, Partial: true, Stages: []jobs.Stage{{Count: 2}}}).ID)
	if j.State != jobs.Failed || len(j.Disagreed) != 4 || !strings.Contains(j.Why, moot.Key{1}.Short()) || !strings.Contains(j.Why, moot.Key{2}.Short()) {
		t.Errorf("%+v", j)
	}
	s.mu.Lock()
	s.workers = append(s.workers, worker(3, 1, honest))
	s.mu.Unlock()
	if j = s.await(s.submit(jobs.Spec{As: "b", Check: 2, Stages: []jobs.Stage{{Count: 2}}}).ID); j.State != jobs.Done || s.wrongResults(j) > 0 || len(j.Disagreed) != 1 {
		t.Errorf("%+v", j)
	}
}

// TestAdaptive: one cheat among eight workers, with several strategies: adaptive checks
// keep its wrong results out of the results of a job, at little cost.
func TestAdaptive(t *testing.T) {
	type strategy struct {
		name   string
		cheats int // devices of one member
		when   func(*rand.Rand) func(int64) bool
	}
	for _, c := range []strategy{
		{"always", 1, func(*rand.Rand) func(int64) bool { return always }},
		{"once trusted", 1, func(*rand.Rand) func(int64) bool { return func(n int64) bool { return n >= 30 } }},
		{"at random", 1, func(r *rand.Rand) func(int64) bool {
			var mu sync.Mutex
			return func(n int64) bool {
				mu.Lock()
				defer mu.Unlock()
				return n >= 20 && r.IntN(3) == 0
			}
		}},
		{"two devices of one member", 2, func(*rand.Rand) func(int64) bool { return func(n int64) bool { return n >= 12 } }},
		{"nobody cheats", 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var runs atomic.Int64
			var list []jobs.Worker
			for k := range byte(8) {
				w := worker(k+1, 2, counting(&runs, honest))
				if int(k) < c.cheats {
					w.Runner = counting(&runs, cheat(c.when(rand.New(rand.NewPCG(uint64(k), 1)))))
					w.Member = moot.MemberID{1}
				}
				list = append(list, w)
			}
			s := newFixture(t, list...)
			for k, w := range list {
				s.owners[w.Key] = w.Member
				s.lendAs(s.device(moot.MemberID{byte(k + 1)}), 2)
			}
			const tasks = 1000
			j := s.await(s.submit(jobs.Spec{As: "out", Check: jobs.CheckAuto, Stages: []jobs.Stage{{Count: tasks}}}).ID)
			if j.State != jobs.Done || len(s.results(j)) != tasks {
				t.Fatalf("%+v", j)
			}
			if n := s.wrongResults(j); n > 0 {
				t.Errorf("%d wrong results", n)
			}
			overhead := float64(runs.Load()) / tasks
			t.Logf("%.3f tasks a result", overhead)
			if !(overhead <= 1.3) {
				t.Errorf("%.3f tasks a result", overhead)
			}
			if c.cheats > 0 && len(j.Disagreed) == 0 {
				t.Error("nobody was found out")
			}
		})
	}
}
