package trust

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/mootspace/moot"
)

// Config sets limits and what is known of a space from version 0.1.0. The zero value is usual.
type Config struct {
	Budget        int        // acts of a device that no other member's witness act has covered (R21); 0 means 64
	WitnessBudget int        // the same for servers, admins and owners; 0 means 4096
	Owners        []moot.Key // of a space from version 0.1.0: who may adopt it, by seniority, the founder first
}

// Limits on what acts say.
const (
	MaxCites   = 32     // acts that one act cites
	MaxDevices = 32     // devices that act for one member
	MaxBeyond  = 10_000 // plain entries of a device beyond the last that a standing act gives in pins or feeds
)

// World holds the acts of one space, and what they amount to. It is not safe for concurrent
// use, and neither are its States.
type World struct {
	space   moot.SpaceID
	config  Config
	acts    []*act
	byID    map[moot.EntryID]*act
	refused map[moot.EntryID]error
	devices map[moot.Key]*device
	st      []*statement
	index   index
	cache   cache
	last    *State          // of all that was held when it was made
	heads   []*act          // acts that no act names
	forks   int             // number of forks held
	weak    map[string]bool // rules that a test switches off
}

// statement is an act, or a line of a witness act: what stands or falls by itself. Members,
// joins and invitations of an adopt act are statements, too.
type statement struct {
	act  *act
	dev  *device
	at   Position
	id   moot.EntryID // by which others name it
	kind string
	body any
	line int // of confirmations, from 1
	right
	hit  set // statements that void it (R9)
	cast set // statements that would, if it needed more than rank 1
	hits set // statements that it hits or casts on

	vouchers set // statements that may vouch for it, of the first of index.ranked
	ranked   int // number of these
}

// right is what a statement's own past says of it (R5).
type right struct {
	ok       bool    // it has the right
	member   int     // whose it is, by the statement of the member's admission; -1: nobody's
	power    Power   // of its author
	need     int     // rank that it needs
	rise     int     // role act by which its author rose; -1: none
	low      bool    // it lowers
	author   [][]int // what its author rests on: one of each
	object   []int   // what its object rests on
	admits   int     // join that it admits; -1: none
	confirms int     // claim that it confirms; -1: none
	denied   error   // why it has not the right
}

// first reports whether a statement is a device's first entry, or stands for it.
func (s *statement) first() bool {
	switch s.body.(type) {
	case Space, Join, AdoptedMember:
		return true
	}
	return false
}

// Kinds of statements beside those of acts.
const (
	kindAdmit   = "admit"
	kindConfirm = "confirm"
)

// maxRefused bounds the refused acts that are remembered; one forgotten is refused again.
const maxRefused = 1 << 16

// New returns an empty World.
func New(space moot.SpaceID, c Config) *World {
	c.Budget, c.WitnessBudget = cmp.Or(c.Budget, 64), cmp.Or(c.WitnessBudget, 4096)
	w := &World{space: space, config: c}
	w.reset()
	return w
}

func (w *World) reset() {
	w.acts, w.st, w.heads, w.last, w.forks = nil, nil, nil, nil, 0
	w.byID, w.refused, w.devices = map[moot.EntryID]*act{}, map[moot.EntryID]error{}, map[moot.Key]*device{}
	w.index, w.cache = newIndex(), cache{}
}

// Add takes in an act of which all that it names is held; adding it again does nothing. An
// act that is taken in need not stand: see State. Errors: Gap (names what is not held: try
// again later); refused for good: Stranger, Revoked (nobody's device, in its own view), Full
// (over the budget), Invalid (form, or it follows or names what was refused).
func (w *World) Add(in Act) error {
	if w.byID[in.ID] != nil {
		return nil
	}
	if err := w.refused[in.ID]; err != nil {
		return err
	}
	if w.supersede(in) {
		return w.refused[in.ID]
	}
	a, statements, err := w.check(in)
	if err != nil {
		w.refuse(in, err)
		return err
	}
	w.insert(a, statements)
	return nil
}

// check finds what an act names and whether its statements have the right. An error says
// that it is not taken in.
func (w *World) check(in Act) (*act, []*statement, error) {
	a, err := w.resolve(in)
	if err != nil {
		return nil, nil, err
	}
	r := review{World: w, act: a, state: w.stateOf(a.heads, a.past), need: rankAny}
	a.void = r.state.voidHitters()
	statements, err := r.statements()
	return a, statements, err
}

// refuse remembers a refused act, and drops the branch that would begin with one that is not
// taken in.
func (w *World) refuse(in Act, err error) {
	if moot.KindOf(err) != moot.Gap {
		if len(w.refused) >= maxRefused {
			clear(w.refused)
		}
		w.refused[in.ID] = err
	}
	d := w.devices[in.Device]
	if d == nil || in.At.Branch == 0 {
		return
	}
	if b := d.branches[in.At.Branch]; b != nil && in.At.Seq == b.parent.Seq+1 {
		delete(d.branches, in.At.Branch)
		d.setTrunk()
		w.forks--
		w.last = nil
	}
}

// Fork begins a branch of a device's feed after the entry at parent; parent.Seq 0: with
// another first entry. It comes before the branch's first act, and Add takes it back if that
// act is the branch's first entry and is not taken in.
func (w *World) Fork(device moot.Key, branch int, parent Position) {
	if w.device(device).fork(branch, parent) {
		w.forks++
		w.last = nil
	}
}

func (w *World) device(key moot.Key) *device {
	d := w.devices[key]
	if d == nil {
		d = newDevice(key)
		w.devices[key] = d
	}
	return d
}

// resolve finds the acts that an act names, and its past (R1, R2).
func (w *World) resolve(in Act) (*act, error) {
	if len(in.Cites) > MaxCites {
		return nil, moot.Errorf(moot.Invalid, "an act cites %d others, more than %d", len(in.Cites), MaxCites)
	}
	named, err := w.named(in)
	if err != nil {
		return nil, err
	}
	a := &act{Act: in, dev: w.devices[in.Device], number: len(w.acts), first: len(w.st), root: -1}
	if a.dev == nil {
		a.dev = newDevice(in.Device)
	}
	if a.dev.branches[in.At.Branch] == nil || in.At.Seq <= a.dev.branches[in.At.Branch].parent.Seq {
		return nil, moot.Errorf(moot.Internal, "an act on a branch that is not known")
	}
	if prev := a.dev.lastAct(in.At); prev != nil {
		if prev.At == in.At {
			return nil, moot.Errorf(moot.Fork, "two acts at one position of a feed")
		}
		named = append(named, prev)
		a.root, a.depth = prev.root, prev.depth+1
	}
	a.past, a.heads, a.height = w.past(named)
	if in.At.Seq == 1 {
		a.root = a.first
	} else if a.root < 0 { // its feed begins with entries of version 0.1.0
		a.root = w.index.adopted(in.Device)
	}
	return a, nil
}

// named returns the acts that an act cites or gives in pins and feeds, and, of a plain entry
// given there, the last act before it.
func (w *World) named(in Act) (acts []*act, err error) {
	for _, id := range in.Cites {
		c := w.byID[id]
		if c == nil {
			return nil, w.missing(id)
		}
		acts = append(acts, c)
	}
	list, _ := marks(in.Body)
	for _, m := range list {
		n, ok := in.Named[m.ID]
		if !ok {
			return nil, w.missing(m.ID)
		}
		if d := w.devices[n.Device]; d != nil {
			if last := d.lastAct(n.At); last != nil {
				acts = append(acts, last)
			}
		}
	}
	return acts, nil
}

func (w *World) missing(id moot.EntryID) error {
	if w.refused[id] != nil {
		return moot.Errorf(moot.Invalid, "an act names one that was refused")
	}
	return moot.Errorf(moot.Gap, "an act names entry %.12s, which is not held", id)
}

// past returns the acts named with their pasts, as statements, a key of it, and a height
// above all.
func (w *World) past(named []*act) (past set, key string, height int) {
	slices.SortFunc(named, func(a, b *act) int { return b.number - a.number })
	var heads []*act
	var text []byte
	for _, n := range named {
		if !slices.ContainsFunc(heads, func(h *act) bool { return h == n || h.knows(n.first) }) {
			heads = append(heads, n)
			text = binary.AppendUvarint(text, uint64(n.number))
			height = max(height, n.height)
		}
	}
	key = string(text)
	if s := w.cache.states[key]; s != nil {
		return s.mask, key, height + 1
	}
	for _, h := range heads {
		if past == nil {
			past = h.past.clone(h.first + h.lines)
		} else {
			past = past.union(h.past)
		}
		for i := range h.lines {
			past = past.with(h.first + i)
		}
	}
	return past, key, height + 1
}

// Probe reports whether an act, not signed yet, would have the right: nil, or why not in
// words, kind Denied, Stranger, Revoked, Full or Invalid. Its ID is not looked at.
func (w *World) Probe(in Act) error {
	_, statements, err := w.check(in)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if !s.ok && s.denied != nil {
			return s.denied
		}
		if !s.ok {
			return moot.Errorf(moot.Denied, "nobody may do that here")
		}
	}
	return nil
}
