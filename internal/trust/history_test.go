package trust

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
)

// history makes acts as honest devices would, each citing what it is told to.
type history struct {
	space moot.SpaceID
	acts  []Act
	tip   map[moot.Key]Position
	marks map[moot.Key]Mark
	named map[moot.EntryID]Named
}

func testID(n int) (id moot.EntryID) {
	return sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func testKey(n int) moot.Key { return sha256.Sum256(fmt.Append(nil, "key ", n)) }

// newHistory begins a space; device 0 is the founder's.
func newHistory() *history {
	h := &history{tip: map[moot.Key]Position{}, marks: map[moot.Key]Mark{}, named: map[moot.EntryID]Named{}}
	h.space = moot.SpaceID(testID(0))
	h.say(0, KindSpace, Space{Name: "test"})
	return h
}

// say appends an act of a device that cites the acts given; none: the last.
func (h *history) say(device int, kind string, body any, cites ...moot.EntryID) moot.EntryID {
	key := testKey(device)
	at := h.tip[key]
	at.Seq++
	if len(cites) == 0 && len(h.acts) > 0 {
		cites = []moot.EntryID{h.acts[len(h.acts)-1].ID}
	}
	a := Act{ID: testID(len(h.acts)), Device: key, At: at, Cites: cites, Kind: kind, Body: body, Named: map[moot.EntryID]Named{}}
	list, _ := marks(body)
	for _, m := range list {
		a.Named[m.ID] = h.named[m.ID]
	}
	h.acts = append(h.acts, a)
	h.tip[key], h.named[a.ID] = at, Named{key, at}
	h.marks[key] = Mark{Device: key, Seq: at.Seq, ID: a.ID}
	return a.ID
}

// member adds a member on a device of its own, invited and admitted by others.
func (h *history) member(inviter, witness, device int, role Role, cites ...moot.EntryID) moot.MemberID {
	v := h.say(inviter, KindInvite, Invite{Key: testKey(-device), Role: role, Uses: 1}, cites...)
	j := h.say(device, KindJoin, Join{Invite: v, Name: fmt.Sprint("name ", device)}, v)
	h.say(witness, KindWitness, Witness{Admits: []Admission{{Join: j}}}, j)
	return moot.MemberID(j)
}

// world returns the World of a history; every act must be taken in.
func (h *history) world(t testing.TB) *World {
	t.Helper()
	w := New(h.space, Config{})
	for i, a := range h.acts {
		if err := w.Add(a); err != nil {
			t.Fatalf("act %d, %s: %v", i, a.Kind, err)
		}
	}
	return w
}

// must fails the test unless every act of a history stands.
func (h *history) must(t testing.TB, w *World) *World {
	t.Helper()
	s := w.State()
	for i, a := range h.acts {
		if !s.Standing(a.ID) {
			t.Fatalf("act %d, %s, does not stand: %v", i, a.Kind, s.Why(a.ID))
		}
	}
	return w
}

// linear is a history of members who join and rename, each act after the one before.
func linear(acts int) *history {
	h := newHistory()
	h.member(0, 0, 1, Server)
	for d := 2; len(h.acts) < acts; d++ {
		h.member(0, 1, d, Member)
		r := h.say(d, KindRename, Rename{Name: fmt.Sprint("renamed ", d)})
		h.say(0, KindWitness, Witness{Confirms: []moot.EntryID{r}, Feeds: []Mark{h.marks[testKey(d)]}})
	}
	return h
}

// partitioned is a history of two sides that do not hear of one another until the end.
func partitioned(acts int) *history {
	h := newHistory()
	h.member(0, 0, 1, Server)
	h.member(0, 0, 2, Owner)
	tips := [2]moot.EntryID{h.acts[len(h.acts)-1].ID, h.acts[len(h.acts)-1].ID}
	for d := 4; len(h.acts) < acts; d++ {
		side, witness, inviter := d%2, 1-d%2, 2*(d%2)
		h.member(inviter, witness+d%2*2, d, Member, tips[side])
		r := h.say(d, KindRename, Rename{Name: fmt.Sprint("renamed ", d)})
		tips[side] = h.say(inviter, KindWitness, Witness{Feeds: []Mark{h.marks[testKey(d)]}}, r)
	}
	h.say(0, KindWitness, Witness{}, tips[:]...)
	return h
}

// renames is a history of one member who renames itself.
func renames(n int) *history {
	h := newHistory()
	h.member(0, 0, 1, Member)
	for i := range n {
		r := h.say(1, KindRename, Rename{Name: fmt.Sprint("name ", i)})
		if i%20 == 19 {
			h.say(0, KindWitness, Witness{Confirms: []moot.EntryID{r}})
		}
	}
	return h
}

// roleChanges is a history of an admin who changes one member's role again and again.
func roleChanges(n int) *history {
	h := newHistory()
	h.member(0, 0, 1, Admin)
	m := h.member(0, 0, 2, Member)
	for i := range min(n, 4000) {
		h.say(1, KindRole, RoleBody{Member: m, Role: []Role{Server, Guest}[i%2]})
	}
	return h
}

// histories are those that are measured.
func histories() map[string]func(int) *history {
	return map[string]func(int) *history{"linear": linear, "partitioned": partitioned, "renames": renames, "roles": roleChanges}
}

// TestHistories guards the benchmarks: all that they say stands.
func TestHistories(t *testing.T) {
	for name, build := range histories() {
		t.Run(name, func(t *testing.T) {
			h := build(200)
			h.must(t, h.world(t))
		})
	}
}

func BenchmarkReplay(b *testing.B) {
	for name, build := range histories() {
		for _, n := range []int{100, 1000, 10000} {
			h := build(n)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w := h.world(b)
					w.State()
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(h.acts)), "us/act")
			})
		}
	}
}

// BenchmarkAdd measures the acts after the n-th, with a State after each: their median, as a
// busy machine stretches some.
func BenchmarkAdd(b *testing.B) {
	const more = 200
	for name, build := range histories() {
		for _, n := range []int{100, 1000, 10000} {
			h := build(n + more)
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				var times []time.Duration
				for b.Loop() {
					w := New(h.space, Config{})
					for i, a := range h.acts {
						begin := time.Now()
						if err := w.Add(a); err != nil {
							b.Fatal(err)
						}
						w.State()
						if i >= min(n, len(h.acts)-more) {
							times = append(times, time.Since(begin))
						}
					}
				}
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "ns/act")
			})
		}
	}
}
