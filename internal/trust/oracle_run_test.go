package trust

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

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
	seen    look            // the last one
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
		h.seen.forked = append(h.seen.forked, oracleKey(e.Key))
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

// deliver gives the World entries, in an order of the random source's: also before what they
// name, and twice.
func (h *harness) deliver(rng *rand.Rand, entries []oracleEntry) error {
	todo := make([]*oracleEntry, len(entries))
	for i := range entries {
		todo[i] = &entries[i]
	}
	looks := rng.IntN(4) == 0
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
			case looks && rng.IntN(4) == 0:
				if err := h.look(); err != nil {
					return err
				}
				if again := h.add(e); again != nil {
					return fmt.Errorf("entry %d is taken in once, and then: %w", e.ID, again)
				}
			}
		}
		if len(later) == len(todo) {
			return fmt.Errorf("%d entries are never taken in, as %d: %w", len(todo), todo[0].ID, h.add(todo[0]))
		}
		todo = later
	}
	return nil
}

func sortedBy[T any](list []T, key func(T) string) []T {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	return list
}
