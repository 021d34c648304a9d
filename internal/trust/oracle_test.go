package trust

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mootspace/moot"
)

// describe returns a State as the model prints it.
func (h *harness) describe(s *State) string {
	var o oracleState
	w := h.w
	for i, st := range w.st {
		if s.under.has(i) {
			o.Standing = append(o.Standing, number(st.id))
		}
		if w.index.low.has(i) && s.inForce(i) {
			o.InForce = append(o.InForce, number(st.id))
		}
		if st.first() && s.mask.has(i) {
			if m := s.device(i, false); m >= 0 {
				o.Devices = append(o.Devices, [2]uint64{number(st.id), number(w.st[m].id)})
			}
		}
	}
	for _, m := range s.Members() {
		o.Members = append(o.Members, number(m.ID))
		o.Roles = append(o.Roles, [2]any{number(m.ID), string(m.Role)})
		if id, held := s.Lookup(m.Name); m.Name != "" && m.Role != "" && held {
			o.Names = append(o.Names, [2]any{m.Name, number(id)})
		}
	}
	for id, n := range h.at {
		if h.byID[id].Kind == "plain" {
			if _, role, ok := s.Counts(n.Device, n.At); ok && role.Rank() >= Member.Rank() {
				o.Plain = append(o.Plain, id)
			}
		}
	}
	return o.String()
}

// look is a State, and the role with which each plain entry counts in it.
type look struct {
	state  *State
	roles  map[uint64]Role
	forked []moot.Key // since then
}

// look checks that plain entries count as at the last look, but for those of devices of which
// the State says that they may have changed.
func (h *harness) look() error {
	now := look{state: h.w.State(), roles: map[uint64]Role{}}
	changed := h.seen.forked
	if h.seen.state != nil {
		changed = append(changed, now.state.Changed(h.seen.state)...)
	}
	for id, n := range h.at {
		if h.byID[id].Kind != "plain" {
			continue
		}
		_, now.roles[id], _ = now.state.Counts(n.Device, n.At)
		if was, before := h.seen.roles[id]; before && was != now.roles[id] && !slices.Contains(changed, n.Device) {
			return fmt.Errorf("entry %d counts as %q instead of %q, which no change told", id, now.roles[id], was)
		}
	}
	h.seen = now
	return nil
}

func (o oracleState) String() string {
	slices.Sort(o.Standing)
	slices.Sort(o.InForce)
	slices.Sort(o.Members)
	slices.Sort(o.Plain)
	pair := func(p [2]any) string { return fmt.Sprint(p[0], " ", p[1]) }
	for _, list := range [][][2]any{o.Roles, o.Names} {
		for i, p := range list {
			for k, x := range p {
				if f, ok := x.(float64); ok {
					list[i][k] = uint64(f)
				}
			}
		}
	}
	roles, names := sortedBy(o.Roles, pair), slices.CompactFunc(sortedBy(o.Names, pair), func(a, b [2]any) bool { return a == b })
	devices := sortedBy(o.Devices, func(p [2]uint64) string { return fmt.Sprint(p) })
	return fmt.Sprintf("standing %v\nin force %v\nmembers %v\nroles %v\ndevices %v\nnames %v\nplain %v", o.Standing, o.InForce, o.Members, roles, devices, names, o.Plain)
}

// compare returns what differs between a run and what the rules make of it in some order.
func (run *oracleRun) compare(rng *rand.Rand, weak ...string) (found []string) {
	for _, want := range run.States {
		h := newHarness(run, weak...)
		entries := run.Entries[:want.After]
		last := want.After == len(run.Entries)-len(run.Refused)
		if last {
			entries = run.Entries
		}
		if err := h.deliver(rng, slices.Clone(entries)); err != nil {
			found = append(found, err.Error())
			continue
		}
		s := h.w.State()
		found = append(found, diff(h.describe(s), want.String())...)
		if last {
			found = append(found, diff(h.fates(), run.fates())...)
		}
		full := h.w.anew(s.mask, true)
		if !slices.Equal(full.waits, s.waits) || !full.under.equal(s.under) || !full.over.equal(s.over) || !full.each.equal(s.each) || !full.cont.equal(s.cont) {
			found = append(found, "the incremental state differs from the full evaluation")
		}
	}
	return found
}

// fates returns what is refused and what is dead.
func (h *harness) fates() string {
	var o oracleRun
	for id := range h.refused {
		o.Refused = append(o.Refused, id)
	}
	for i, st := range h.w.st {
		if !h.w.index.ok.has(i) {
			o.Dead = append(o.Dead, number(st.id))
		}
	}
	return o.fates()
}

func (run *oracleRun) fates() string {
	slices.Sort(run.Refused)
	slices.Sort(run.Dead)
	return fmt.Sprintf("refused %v\ndead %v", run.Refused, run.Dead)
}

func diff(got, want string) (lines []string) {
	w := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if line != w[i] {
			lines = append(lines, fmt.Sprintf("got  %s\nwant %s", line, w[i]))
		}
	}
	return lines
}

// TestOracle compares the rules with runs of the executable model: those in testdata, and
// those in the file that MOOT_TRUST_VECTORS names.
func TestOracle(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatal("no runs", err)
	}
	if extra := os.Getenv("MOOT_TRUST_VECTORS"); extra != "" {
		files = append(files, extra)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		n, bad := 0, 0
		readRuns(t, file, func(run *oracleRun) bool {
			found := run.compare(rng)
			n++
			if len(found) > 0 {
				bad++
				t.Errorf("run %v:\n%s", run.Seed, strings.Join(found, "\n"))
			}
			return bad < 20
		})
		t.Logf("%s: %d runs, %d differ", filepath.Base(file), n, bad)
	}
}

// TestOracleSeesWeakRules fails if the runs in testdata would not notice that a rule is
// switched off.
func TestOracleSeesWeakRules(t *testing.T) {
	for _, rule := range []string{
		"demotion", "power", "witness", "fork", "pins", "undecided", "annul", "strict", "leave", "arrival", "above", "raise",
		"elder", "limbo", "first", "resign", "chain", "last", "again", "revived", "links", "mercy", "recovery", "vouch",
		"relies", "below", "takeover", "own", "budget", "uses",
	} {
		seen := false
		for _, file := range []string{"scenes", "long", "runs"} {
			readRuns(t, "testdata/"+file+".jsonl.gz", func(run *oracleRun) bool {
				run.States = run.States[len(run.States)-1:]
				rng := rand.New(rand.NewPCG(1, 2))
				seen = seen || len(run.compare(rng, rule)) > 0
				return !seen
			})
		}
		if !seen {
			t.Errorf("no run sees that the rule %q is switched off", rule)
		}
	}
}

// readRuns calls f with each run of a file until it returns false.
func readRuns(t *testing.T, file string, f func(*oracleRun) bool) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	var r io.Reader = in
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(in); err != nil {
			t.Fatal(err)
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		run := &oracleRun{}
		if err := json.Unmarshal(lines.Bytes(), run); err != nil {
			t.Fatal(err)
		}
		if !f(run) {
			return
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
