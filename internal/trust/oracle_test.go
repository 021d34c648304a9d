package trust

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/binary"
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

// oracleRun is what the executable model of the rules makes of some entries.
type oracleRun struct {
	Seed    any           `json:"seed"`
	Budget  int           `json:"budget"`
	Entries []oracleEntry `json:"entries"`
	Refused []uint64      `json:"refused"`
	Dead    []uint64      `json:"dead"`
	States  []oracleState `json:"states"`
}

type oracleEntry struct {
	ID    uint64     `json:"id"`
	Key   int        `json:"key"`
	Prev  *uint64    `json:"prev"`
	Kind  string     `json:"kind"`
	Cites []uint64   `json:"cites"`
	B     oracleBody `json:"b"`
}

type oracleBody struct {
	Role     Role              `json:"role"`
	Uses     int               `json:"uses"`
	By       []uint64          `json:"by"`
	For      *uint64           `json:"for"`
	Recovery bool              `json:"recovery"`
	Inv      uint64            `json:"inv"`
	Retire   *uint64           `json:"retire"`
	Name     any               `json:"name"`
	Admit    *uint64           `json:"admit"`
	Aloud    bool              `json:"aloud"`
	Feeds    map[string]uint64 `json:"feeds"`
	Pins     map[string]uint64 `json:"pins"`
	Who      uint64            `json:"who"`
	Strict   bool              `json:"strict"`
	Key      int               `json:"key"`
	Succ     int               `json:"succ"`
	Act      uint64            `json:"act"`
}

type oracleState struct {
	After    int         `json:"after"`
	Standing []uint64    `json:"standing"`
	InForce  []uint64    `json:"in_force"`
	Members  []uint64    `json:"members"`
	Roles    [][2]any    `json:"roles"`
	Devices  [][2]uint64 `json:"devices"`
	Names    [][2]any    `json:"names"`
	Plain    []uint64    `json:"plain"`
}

func oracleID(n uint64) (id moot.EntryID) {
	binary.BigEndian.PutUint64(id[24:], n)
	return id
}

func oracleKey(n int) (k moot.Key) {
	k[0] = 1
	binary.BigEndian.PutUint64(k[24:], uint64(n))
	return k
}

func number(id [32]byte) uint64 { return binary.BigEndian.Uint64(id[24:]) }

// harness is a node that takes in a run's entries: it keeps positions, as a store does.
type harness struct {
	run     *oracleRun
	byID    map[uint64]*oracleEntry
	w       *World
	at      map[uint64]Named
	refused map[uint64]bool
	child   map[string]bool // an entry, or a key, has one after it
	branch  map[int]int     // last branch of a key
}

func newHarness(run *oracleRun, weak ...string) *harness {
	h := &harness{run: run, byID: map[uint64]*oracleEntry{}, at: map[uint64]Named{}, refused: map[uint64]bool{}, child: map[string]bool{}, branch: map[int]int{}}
	for i := range run.Entries {
		h.byID[run.Entries[i].ID] = &run.Entries[i]
	}
	h.w = New(moot.SpaceID(oracleID(run.Entries[0].ID)), Config{Budget: run.Budget, WitnessBudget: run.Budget})
	h.w.weak = map[string]bool{}
	for _, rule := range weak {
		h.w.weak[rule] = true
	}
	return h
}

// add takes an entry in; Gap: later.
func (h *harness) add(e *oracleEntry) error {
	if _, held := h.at[e.ID]; held && e.Kind == "plain" {
		return nil
	} else if held {
		return h.w.Add(Act{ID: oracleID(e.ID)})
	}
	gap := moot.Errorf(moot.Gap, "not held")
	for _, id := range h.given(e) {
		if h.refused[id] {
			return moot.Errorf(moot.Invalid, "names a refused entry")
		}
		if _, held := h.at[id]; !held {
			return gap
		}
	}
	at, from, place := Position{0, 1}, Position{}, fmt.Sprint("key ", e.Key)
	if e.Prev != nil {
		from, place = h.at[*e.Prev].At, fmt.Sprint("entry ", *e.Prev)
		at = Position{from.Branch, from.Seq + 1}
	}
	if h.child[place] {
		h.branch[e.Key]++
		at.Branch = h.branch[e.Key]
		h.w.Fork(oracleKey(e.Key), at.Branch, from)
	}
	if e.Kind != "plain" {
		if err := h.w.Add(h.act(e, at)); err != nil {
			return err
		}
	}
	h.child[place], h.at[e.ID] = true, Named{oracleKey(e.Key), at}
	return nil
}

// given returns what is before an entry and what it gives in pins and feeds.
func (h *harness) given(e *oracleEntry) (list []uint64) {
	if e.Prev != nil {
		list = append(list, *e.Prev)
	}
	for _, m := range []map[string]uint64{e.B.Pins, e.B.Feeds} {
		for _, id := range m {
			list = append(list, id)
		}
	}
	return list
}

func (h *harness) marks(m map[string]uint64) (list []Mark) {
	for k, id := range m {
		var n int
		_, _ = fmt.Sscan(k, &n)
		list = append(list, Mark{Device: oracleKey(n), ID: oracleID(id)})
	}
	slices.SortFunc(list, func(a, b Mark) int { return slices.Compare(a.Device[:], b.Device[:]) })
	return list
}

func (h *harness) act(e *oracleEntry, at Position) Act {
	a := Act{ID: oracleID(e.ID), Device: oracleKey(e.Key), At: at, Kind: e.Kind, Named: map[moot.EntryID]Named{}}
	for _, c := range e.Cites {
		a.Cites = append(a.Cites, oracleID(c))
	}
	for _, id := range h.given(e) {
		a.Named[oracleID(id)] = h.at[id]
	}
	a.Body = h.body(e)
	if e.Kind == "rmdev" {
		a.Kind = KindDevice
	}
	return a
}

func (h *harness) body(e *oracleEntry) any {
	b := e.B
	name, _ := b.Name.(string)
	switch e.Kind {
	case "space":
		return Space{Name: name}
	case "invite":
		inv := Invite{Role: b.Role, Uses: b.Uses, Recovery: b.Recovery}
		for _, m := range b.By {
			inv.By = append(inv.By, moot.MemberID(oracleID(m)))
		}
		if b.For != nil {
			inv.For = moot.MemberID(oracleID(*b.For))
		}
		return inv
	case "join":
		if b.Retire != nil {
			return Join{Retire: oracleID(*b.Retire)}
		}
		return Join{Invite: oracleID(b.Inv), Name: name}
	case "witness":
		switch n, confirm := b.Name.(float64); {
		case b.Admit != nil:
			return Witness{Admits: []Admission{{oracleID(*b.Admit), b.Aloud}}}
		case confirm:
			return Witness{Confirms: []moot.EntryID{oracleID(uint64(n))}}
		}
		return Witness{Feeds: h.marks(b.Feeds)}
	case "role":
		return RoleBody{Member: moot.MemberID(oracleID(b.Who)), Role: b.Role, Pins: h.marks(b.Pins), Strict: b.Strict}
	case "rmdev":
		return Device{Device: h.firstOf(e, b.Key), Pins: h.marks(b.Pins)}
	case "retire":
		return Retire{Heir: oracleKey(b.Succ)}
	case "rename":
		return Rename{Name: name}
	case "annul":
		line := 0
		if t := h.byID[b.Act]; t != nil && t.Kind == "witness" && t.B.Admit == nil && t.B.Name != nil {
			line = 1
		}
		return Annul{Act: oracleID(b.Act), Line: line}
	}
	return nil
}

// firstOf returns a first entry of a key in the past of an entry.
func (h *harness) firstOf(e *oracleEntry, key int) moot.EntryID {
	seen := map[uint64]bool{}
	todo := append(h.given(e), e.Cites...)
	for len(todo) > 0 {
		id := todo[0]
		todo = todo[1:]
		x := h.byID[id]
		if seen[id] || x == nil {
			continue
		}
		seen[id] = true
		if x.Prev == nil && x.Key == key && x.Kind != "plain" {
			return oracleID(id)
		}
		todo = append(append(todo, h.given(x)...), x.Cites...)
	}
	return moot.EntryID{}
}

// deliver hands entries in, in an order of the random source's: also before what they name,
// and twice.
func (h *harness) deliver(t *testing.T, rng *rand.Rand, entries []oracleEntry) {
	todo := make([]*oracleEntry, len(entries))
	for i := range entries {
		todo[i] = &entries[i]
	}
	early := rng.IntN(4) == 0
	for len(todo) > 0 {
		rng.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
		var later []*oracleEntry
		for _, e := range todo {
			err := h.add(e)
			switch kind := moot.KindOf(err); {
			case kind == moot.Gap:
				later = append(later, e)
			case err != nil:
				h.refused[e.ID] = true
			case early && rng.IntN(4) == 0:
				h.w.State()
				if again := h.add(e); again != nil {
					t.Fatalf("run %v: entry %d is taken in once, and then: %v", h.run.Seed, e.ID, again)
				}
			}
		}
		if len(later) == len(todo) {
			t.Fatalf("run %v: %d entries are never taken in, as %d: %v", h.run.Seed, len(todo), todo[0].ID, h.add(todo[0]))
		}
		todo = later
	}
}

func sortedBy[T any](list []T, key func(T) string) []T {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}

// describe returns a State as the model prints it.
func (h *harness) describe(s *State, after int) string {
	var o oracleState
	w := h.w
	o.After = after
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

// compare reports what differs between a run and what the rules make of it in some order.
func compareRun(t *testing.T, run *oracleRun, rng *rand.Rand) bool {
	ok := true
	for _, want := range run.States {
		h := newHarness(run)
		entries := run.Entries[:want.After]
		last := want.After == len(run.Entries)-len(run.Refused)
		if last {
			entries = run.Entries
		}
		h.deliver(t, rng, slices.Clone(entries))
		if got, want := h.describe(h.w.State(), want.After), want.String(); got != want {
			ok = false
			t.Errorf("run %v after %d of %d:\n%s", run.Seed, len(entries), len(run.Entries), diff(got, want))
		}
		if last {
			ok = h.compareFates(t, run) && ok
		}
		full := h.w.evaluate(h.w.last.mask, true)
		if !full.under.equal(h.w.last.under) || !full.over.equal(h.w.last.over) || !full.each.equal(h.w.last.each) || !full.cont.equal(h.w.last.cont) {
			t.Errorf("run %v: the fast path has another result", run.Seed)
		}
	}
	return ok
}

func (h *harness) compareFates(t *testing.T, run *oracleRun) bool {
	var refused, dead []uint64
	for id := range h.refused {
		refused = append(refused, id)
	}
	for i, st := range h.w.st {
		if !h.w.index.ok.has(i) {
			dead = append(dead, number(st.id))
		}
	}
	slices.Sort(refused)
	slices.Sort(dead)
	got := fmt.Sprintf("refused %v\ndead %v", refused, dead)
	slices.Sort(run.Refused)
	slices.Sort(run.Dead)
	want := fmt.Sprintf("refused %v\ndead %v", run.Refused, run.Dead)
	if got != want {
		t.Errorf("run %v:\n%s", run.Seed, diff(got, want))
	}
	return got == want
}

func diff(got, want string) string {
	var b strings.Builder
	w := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if line != w[i] {
			fmt.Fprintf(&b, "got  %s\nwant %s\n", line, w[i])
		}
	}
	return b.String()
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
		readRuns(t, file, func(run *oracleRun) {
			n++
			if !compareRun(t, run, rng) {
				bad++
			}
		})
		t.Logf("%s: %d runs, %d differ", filepath.Base(file), n, bad)
	}
}

func readRuns(t *testing.T, file string, f func(*oracleRun)) {
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
		f(run)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}
