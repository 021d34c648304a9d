package swarm

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/mootspace/moot"
)

// fleet simulates many nodes that fetch one blob at the same time, in virtual time: a
// whole run is a function of its seed. Links pass parts one after the other, to those
// who asked in turn; what a node comes to hold it tells the others at intervals.
type fleet struct {
	groups  int64
	part    int64
	delay   time.Duration // of a message from one node to another
	random  *rand.Rand
	now     time.Duration
	todo    agenda
	members []*member
	spread  *Spread // of the source
	server  bool    // the source is one, to be spared
}

// member is a node; the first one is the source.
type member struct {
	id       moot.Key
	up, down float64       // groups a second
	joins    time.Duration //
	leaves   time.Duration // 0: never
	sends    int64         // leaves when it has sent so many groups; 0: never
	liar     bool          // what it sends is false

	state  *State // nil at the source
	held   []Run
	news   []Run
	queues [][]Ask // by who asked
	turn   int     // whose queue is next
	busy   bool
	free   time.Duration // when its downlink is
	sent   int64
	done   time.Duration // when it held everything; 0: not yet
	gone   bool
	origin map[uint64]int // of what it asked for: whom
}

func key(i int) moot.Key { return moot.Key{byte(i), 1} }

func newFleet(seed uint64, groups int64, members ...*member) *fleet {
	f := &fleet{groups: groups, part: PartGroups(groups), delay: 5 * time.Millisecond, random: rand.New(rand.NewPCG(seed, 1)), members: members}
	f.spread = NewSpread(groups, f.part, seed)
	for i, m := range members {
		m.id, m.queues, m.origin = key(i), make([][]Ask, len(members)), map[uint64]int{}
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
// returns how long that took.
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
			last = max(last, m.done-m.joins)
		}
	}
	return last, f.finished()
}

func (f *fleet) finished() bool {
	return !slices.ContainsFunc(f.members[1:], func(m *member) bool { return !m.gone && !m.liar && m.done == 0 })
}

func (f *fleet) clock() time.Time { return time.Unix(1000, 0).Add(f.now) }

// join makes a node and all others who are there known to one another.
func (f *fleet) join(i int) {
	f.promise(i)
	for j, o := range f.members {
		if j == i || o.gone || o.state != nil && len(o.state.sources) == 0 {
			continue
		}
		f.meet(i, j)
		if j > 0 {
			f.meet(j, i)
		}
	}
	f.tell(i)
}

// meet makes j a source of i.
func (f *fleet) meet(i, j int) {
	m, o := f.members[i], f.members[j]
	m.state.AddSource(o.id, slices.Clone(o.held))
	m.state.Eager(o.id)
	f.ask(i, j)
}

// promise tells a receiver what the source wishes to be rid of.
func (f *fleet) promise(i int) {
	o, runs := f.members[i], f.spread.Promise(uint64(i), len(f.members[0].queues[i]))
	f.after(f.delay, func() {
		for _, r := range runs {
			o.state.Prefer(key(0), r)
		}
		if f.server && f.spread.Spared(len(f.members)-1) {
			o.state.Rest(key(0))
		}
		f.ask(i, 0)
	})
}

// leave takes a node away.
func (f *fleet) leave(i int) {
	m := f.members[i]
	f.spread.Leave(uint64(i))
	m.gone, m.queues = true, make([][]Ask, len(f.members))
	for j, o := range f.members {
		if o.state == nil || o.gone || j == i {
			continue
		}
		f.after(f.delay, func() {
			o.state.RemoveSource(m.id)
			f.askAll(j)
		})
	}
}

// ask hands node j what i wants of it now.
func (f *fleet) ask(i, j int) {
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

func (f *fleet) askAll(i int) {
	for j := range f.members {
		if j != i {
			f.ask(i, j)
		}
	}
}

// serve sends the next part that was asked of a node, if its uplink is free.
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
				f.spread.Sent(a.Run)
				f.promise(i)
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
func (f *fleet) arrive(i, j int, a Ask) {
	m := f.members[i]
	m.free = max(m.free, f.now) + transfer(a.Run, m.down)
	f.at(max(m.free, f.now+f.delay), func() { f.take(i, j, a) })
}

func (f *fleet) take(i, j int, a Ask) {
	m := f.members[i]
	if m.gone {
		return
	}
	if f.members[j].liar {
		m.state.RemoveSource(key(j))
		f.askAll(i)
		return
	}
	var needless []uint64
	for g := a.Run.First; g < a.Run.End(); g++ {
		if !m.state.holds(g) {
			m.news = append(m.news, Run{g, 1})
		}
		needless = append(needless, m.state.Arrived(a.ID, g, f.clock())...)
	}
	for _, id := range needless {
		k := m.origin[id]
		o := f.members[k]
		o.queues[i] = slices.DeleteFunc(o.queues[i], func(q Ask) bool { return q.ID == id })
		f.ask(i, k)
	}
	if m.done == 0 && !m.state.Wanting() {
		m.done = f.now
	}
	f.ask(i, j)
}

// tell says what a node has come to hold, again and again.
func (f *fleet) tell(i int) {
	m := f.members[i]
	news := m.state.tidy(m.news)
	m.news = m.news[:0]
	for _, r := range news {
		m.held = insert(m.held, r)
	}
	for j, o := range f.members {
		if j == i || o.state == nil || o.gone || o.done > 0 || len(news) == 0 {
			continue
		}
		f.after(f.delay, func() {
			for _, r := range news {
				o.state.Gained(m.id, r)
			}
			f.ask(j, i)
		})
	}
	if !m.gone && (m.done == 0 || len(news) > 0) {
		f.after(NewsAfter(f.now-m.joins, len(f.members)-2), func() { f.tell(i) })
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
