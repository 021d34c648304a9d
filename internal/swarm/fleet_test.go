package swarm

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// fleet simulates many nodes that fetch one blob at the same time, in virtual time: a
// whole run is a function of its seed. Links carry parts one after the other, in turn to
// each requesting node; nodes announce at intervals what they hold.
type fleet struct {
	groups    int64
	part      int64
	delay     time.Duration // of a message from one node to another
	random    *rand.Rand
	now       time.Duration
	todo      agenda
	members   []*member
	super     *SuperSeed // of the source
	throttles bool       // the source backs off when it can
}

// member is a node; the first one is the source.
type member struct {
	id        moot.Key
	up, down  float64       // groups a second
	joins     time.Duration //
	leaves    time.Duration // 0: never
	sends     int64         // leaves when it has sent so many groups; 0: never
	dishonest bool          // it sends false bytes

	state    *State // nil at the source
	held     []Run
	fresh    []Run
	queues   [][]Request // by requesting node
	turn     int         // the queue that is next
	busy     bool
	free     time.Duration // when its downlink is
	sent     int64
	finished time.Duration // when it held everything; 0: not yet
	gone     bool
	origin   map[uint64]int // by request: its source
}

func key(i int) moot.Key { return moot.Key{byte(i), 1} }

func newFleet(seed uint64, groups int64, members ...*member) *fleet {
	f := &fleet{groups: groups, part: PartGroups(groups), delay: 5 * time.Millisecond, random: rand.New(rand.NewPCG(seed, 1)), members: members}
	f.super = NewSuperSeed(groups, f.part, seed)
	for i, m := range members {
		m.id, m.queues, m.origin = key(i), make([][]Request, len(members)), map[uint64]int{}
		if i == 0 {
			m.held = []Run{{0, groups}}
			continue
		}
		m.state = New(Config{Groups: groups, Part: f.part, Seed: seed<<16 + uint64(i)})
		m.state.Want(nil, []Run{{0, groups}})
		f.at(m.joins+time.Duration(f.random.Int64N(int64(100*time.Millisecond))), func() { f.join(i) })
		if m.leaves > 0 {
			f.at(m.leaves, func() { f.leave(i) })
		}
	}
	return f
}

// run goes on until everybody who stays has everything, or nothing happens any more. It
// XX
func (f *fleet) run() (last time.Duration, finished bool) {
	for f.todo.Len() > 0 && f.now < time.Hour {
		e := heap.Pop(&f.todo).(event)
		f.now = e.when
		e.do()
		if f.finished() {
			break
		}
	}
	for _, m := range f.members[1:] {
		if !m.gone {
			last = max(last, m.finished-m.joins)
		}
	}
	return last, f.finished()
}

func (f *fleet) finished() bool {
	return !slices.ContainsFunc(f.members[1:], func(m *member) bool { return !m.gone && !m.dishonest && m.finished == 0 })
}

func (f *fleet) clock() time.Time { return time.Unix(1000, 0).Add(f.now) }

// join makes a node and all others that are there known to one another.
func (f *fleet) join(i int) {
	f.assign(i)
	for j, o := range f.members {
		if j == i || o.gone || o.state != nil && len(o.state.sources) == 0 {
			continue
		}
		f.connect(i, j)
		if j > 0 {
			f.connect(j, i)
		}
	}
	f.announce(i)
}

// connect makes j a source of i.
func (f *fleet) connect(i, j int) {
	m, o := f.members[i], f.members[j]
	m.state.AddSource(o.id, slices.Clone(o.held))
	m.state.Pipeline(o.id)
	f.request(i, j)
}

// assign sends a receiver its newly assigned parts.
func (f *fleet) assign(i int) {
	o, runs := f.members[i], f.super.Assign(uint64(i), len(f.members[0].queues[i]))
	f.after(f.delay, func() {
		for _, r := range runs {
			o.state.Prefer(key(0), r)
		}
		if f.throttles && f.super.CanBackOff(len(f.members)-1) {
			o.state.Throttle(key(0))
		}
		f.request(i, 0)
	})
}

// leave takes a node away.
func (f *fleet) leave(i int) {
	m := f.members[i]
	f.super.Leave(uint64(i))
	m.gone, m.queues = true, make([][]Request, len(f.members))
	for j, o := range f.members {
		if o.state == nil || o.gone || j == i {
			continue
		}
		f.after(f.delay, func() {
			o.state.RemoveSource(m.id)
			f.requestAll(j)
		})
	}
}

// request sends node j the requests that i has for it now.
func (f *fleet) request(i, j int) {
	m, o := f.members[i], f.members[j]
	for !m.gone && !o.gone {
		a, ok := m.state.Next(o.id, f.clock())
		if !ok {
			return
		}
		m.origin[a.ID] = j
		f.after(f.delay, func() {
			if !o.gone {
				o.queues[i] = append(o.queues[i], a)
				f.serve(j)
			}
		})
	}
}

func (f *fleet) requestAll(i int) {
	for j := range f.members {
		if j != i {
			f.request(i, j)
		}
	}
}

// serve sends the next part that was requested from a node, if its uplink is free.
func (f *fleet) serve(j int) {
	o := f.members[j]
	if o.busy || o.gone {
		return
	}
	for n := range o.queues {
		i := (o.turn + n) % len(o.queues)
		if len(o.queues[i]) == 0 {
			continue
		}
		a := o.queues[i][0]
		o.queues[i], o.turn, o.busy = o.queues[i][1:], i+1, true
		f.after(transfer(a.Run, o.up), func() {
			o.busy = false
			o.sent += a.Run.Count
			f.arrive(i, j, a)
			if j == 0 {
				f.super.Sent(a.Run)
				f.assign(i)
			}
			if o.sends > 0 && o.sent >= o.sends && !o.gone {
				f.leave(j)
			}
			f.serve(j)
		})
		return
	}
}

func transfer(r Run, rate float64) time.Duration {
	return time.Duration(float64(r.Count) / rate * float64(time.Second))
}

// arrive brings a part through the receiver's downlink.
func (f *fleet) arrive(i, j int, a Request) {
	m := f.members[i]
	m.free = max(m.free, f.now) + transfer(a.Run, m.down)
	f.at(max(m.free, f.now+f.delay), func() { f.take(i, j, a) })
}

func (f *fleet) take(i, j int, a Request) {
	m := f.members[i]
	if m.gone {
		return
	}
	if f.members[j].dishonest {
		m.state.RemoveSource(key(j))
		f.requestAll(i)
		return
	}
	var redundant []uint64
	for g := a.Run.First; g < a.Run.End(); g++ {
		if !m.state.holds(g) {
			m.fresh = append(m.fresh, Run{g, 1})
		}
		redundant = append(redundant, m.state.Arrived(a.ID, g, f.clock())...)
	}
	for _, id := range redundant {
		k := m.origin[id]
		o := f.members[k]
		o.queues[i] = slices.DeleteFunc(o.queues[i], func(q Request) bool { return q.ID == id })
		f.request(i, k)
	}
	if m.finished == 0 && !m.state.Wanting() {
		m.finished = f.now
	}
	f.request(i, j)
}

// announce sends what a node has come to hold, at intervals.
func (f *fleet) announce(i int) {
	m := f.members[i]
	fresh := m.state.tidy(m.fresh)
	m.fresh = m.fresh[:0]
	for _, r := range fresh {
		m.held = insert(m.held, r)
	}
	for j, o := range f.members {
		if j == i || o.state == nil || o.gone || o.finished > 0 || len(fresh) == 0 {
			continue
		}
		f.after(f.delay, func() {
			for _, r := range fresh {
				o.state.Gained(m.id, r)
			}
			f.request(j, i)
		})
	}
	if !m.gone && (m.finished == 0 || len(fresh) > 0) {
		f.after(HoldingsInterval(f.now-m.joins, len(f.members)-2), func() { f.announce(i) })
	}
}

func (f *fleet) after(d time.Duration, do func()) { f.at(f.now+d, do) }

func (f *fleet) at(when time.Duration, do func()) { heap.Push(&f.todo, event{when, len(f.todo), do}) }

// event is something that will happen.
type event struct {
	when time.Duration
	nth  int
	do   func()
}

type agenda []event

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].when < a[j].when || a[i].when == a[j].when && a[i].nth < a[j].nth
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	old := *a
	last := old[len(old)-1]
	*a = old[:len(old)-1]
	return last
}
