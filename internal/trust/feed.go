package trust

import (
	"math"
	"slices"
	"sort"

	"github.com/mootspace/moot"
)

// device is a key with all its feeds.
type device struct {
	key      moot.Key
	branches map[int]*branch
	trunk    uint64 // last seq of branch 0 that is before every fork
	acts     []*act // in order of arrival
	said     []int  // statements
	roots    []int  // joins that have the right, and other first statements
	out      []int  // device acts on it that have the right
	ends     []int  // what ends it (R18)
	retires  []int
	given    []given // entries in pins and feeds of acts that have the right
}

// given is an entry of a device that a statement gives in pins or feeds.
type given struct {
	by   int
	at   Position
	feed bool // in feeds
}

// branch is a part of a device's feed; the entries before it are those up to its parent.
type branch struct {
	parent Position
	acts   []*act
	depth  int // acts before its first one
}

const never = math.MaxUint64

func newDevice(key moot.Key) *device {
	return &device{key: key, branches: map[int]*branch{0: {}}, trunk: never}
}

func (d *device) forked() bool { return d.trunk != never }

func (d *device) fork(n int, parent Position) bool {
	if d.branches[n] != nil {
		return false
	}
	d.branches[n] = &branch{parent: parent}
	d.setTrunk()
	return true
}

func (d *device) setTrunk() {
	d.trunk = never
	for n, b := range d.branches {
		switch {
		case n == 0:
		case b.parent.Seq == 0:
			d.trunk = 0
		case b.parent.Branch == 0:
			d.trunk = min(d.trunk, b.parent.Seq)
		}
	}
}

// contested reports whether not all entries of the device are before or after one (R19).
func (d *device) contested(at Position) bool { return at.Branch != 0 || at.Seq > d.trunk }

// rootBranch returns the branch with the first entry of a feed.
func (d *device) rootBranch(n int) int {
	for b := d.branches[n]; n != 0 && b != nil && b.parent.Seq != 0; b = d.branches[n] {
		n = b.parent.Branch
	}
	return n
}

// upTo reports whether the entry at p is the one at q, or before it in its feed.
func (d *device) upTo(p, q Position) bool {
	for {
		b := d.branches[q.Branch]
		switch {
		case q.Branch == p.Branch:
			return p.Seq <= q.Seq
		case b == nil || q.Branch == 0 || b.parent.Seq == 0:
			return false
		}
		q = b.parent
	}
}

func (d *device) comparable(p, q Position) bool { return d.upTo(p, q) || d.upTo(q, p) }

// lastAct returns the last act up to a position; nil if there is none.
func (d *device) lastAct(at Position) *act {
	for at.Seq > 0 {
		b := d.branches[at.Branch]
		if b == nil {
			return nil
		}
		if n := sort.Search(len(b.acts), func(i int) bool { return b.acts[i].At.Seq > at.Seq }); n > 0 {
			return b.acts[n-1]
		}
		if at.Branch == 0 {
			return nil
		}
		at = b.parent
	}
	return nil
}

// nth returns the act with so many before it in the feed that ends with last.
func (d *device) nth(last *act, depth int) *act {
	at := last.At
	for {
		b := d.branches[at.Branch]
		if len(b.acts) > 0 && depth >= b.depth {
			return b.acts[depth-b.depth]
		}
		at = b.parent
	}
}

// act is an act that was taken in, and what its own past fixes for ever.
type act struct {
	Act
	dev    *device
	number int    // in order of arrival
	first  int    // its first statement
	lines  int    // number of its statements, at least 1
	past   set    // R2
	heads  string // key of its past
	height int
	depth  int // acts before it in its feed
	root   int // first statement of its feed; -1 if that is no act
	void   set // what hits in its past and was void there
}

// knows reports whether statement x is in the act's past.
func (a *act) knows(x int) bool { return a.past.has(x) }

// pin returns the entry of a device that the act pins (R16).
func (a *act) pin(key moot.Key) (Named, bool) {
	var pins []Mark
	switch b := a.Body.(type) {
	case RoleBody:
		pins = b.Pins
	case Device:
		pins = b.Pins
	}
	i := slices.IndexFunc(pins, func(m Mark) bool { return m.Device == key })
	if i < 0 {
		return Named{}, false
	}
	n, ok := a.Named[pins[i].ID]
	return n, ok && n.Device == key
}

// marks returns what a body gives in pins or feeds, and whether in feeds.
func marks(body any) ([]Mark, bool) {
	switch b := body.(type) {
	case RoleBody:
		return b.Pins, false
	case Device:
		return b.Pins, false
	case Witness:
		return b.Feeds, true
	case Adopt:
		return b.Feeds, true
	}
	return nil, false
}
