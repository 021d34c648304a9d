package policy_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// offline is a node without a database: it keeps entries in the order in which they came.
type offline struct {
	*node
	all []moot.Entry
	at  map[moot.EntryID]moot.Entry
}

func (o *offline) held(id moot.EntryID) (moot.Key, moot.Position, bool) {
	e, ok := o.at[id]
	return e.Author, moot.Position{Seq: e.Seq}, ok
}

func (o *offline) take(e moot.Entry) error {
	at := moot.Position{Seq: e.Seq}
	if err := o.Admit(&e, at, nil, o.held); err != nil {
		return err
	}
	o.Apply(&e, at, nil, o.held)
	o.all, o.at[e.ID] = append(o.all, e), e
	return nil
}

func (g *group) offline() *offline {
	o := &offline{&node{Roster: policy.NewRoster(g.id, g.clock), g: g}, nil, map[moot.EntryID]moot.Entry{}}
	o.put = o.take
	return o
}

// newOffline founds a space without a database; ann is its founder's device.
func newOffline(t testing.TB) (*offline, *device) {
	g := &group{t: t, now: time.Unix(1_800_000_000, 0)}
	o := g.offline()
	return o, g.found(o.node)
}

// grow makes acts as a group in use does, up to a number: newcomers who rename themselves,
// whose names are confirmed and whose roles change. Every round has 40.
func grow(o *offline, ann *device, acts int) {
	for n := 0; len(o.all) < acts; n++ {
		name := fmt.Sprint("bob", len(o.all))
		bob := ann.newcomer(name, policy.RoleMember)
		for k := range 17 {
			claim := bob.must(trust.Rename{Name: fmt.Sprint(name, "-", k)})
			ann.must(trust.Witness{Confirms: []moot.EntryID{claim.ID}, Feeds: []trust.Mark{mark(claim)}})
		}
		for _, r := range []policy.Role{policy.RoleGuest, policy.RoleServer, policy.RoleMember} {
			ann.must(trust.RoleBody{Member: bob.member(), Role: r})
		}
	}
}

// round is the number of acts by which grow goes on at least, of every kind.
const round = 40

// median returns the middle of times, and the one that 95 of 100 do not exceed.
func median(times []time.Duration) (half, most time.Duration) {
	slices.Sort(times)
	return times[len(times)/2], times[len(times)*95/100]
}

// admitting measures the acts of some rounds after so many: their median.
func admitting(b *testing.B, cfg func() store.Config) {
	o, ann := newOffline(b)
	grow(o, ann, 10_000+10*round)
	var times [2][]time.Duration
	for b.Loop() {
		n := ann.g.node(cfg())
		for i, e := range o.all {
			begin := time.Now()
			ann.g.must(n.put(e))
			took := time.Since(begin)
			switch {
			case i >= 100 && i < 100+10*round:
				times[0] = append(times[0], took)
			case i >= 10_000:
				times[1] = append(times[1], took)
			}
		}
	}
	first, _ := median(times[0])
	last, _ := median(times[1])
	b.ReportMetric(float64(first.Nanoseconds()), "ns/100th")
	b.ReportMetric(float64(last.Nanoseconds()), "ns/10000th")
	b.ReportMetric(float64(last)/float64(first), "times")
}

// BenchmarkAdmit stores acts through the gate: the 10,000th against the 100th.
func BenchmarkAdmit(b *testing.B) {
	b.Run("memory", func(b *testing.B) { admitting(b, func() store.Config { return store.Config{} }) })
	b.Run("sqlite", func(b *testing.B) {
		admitting(b, func() store.Config { return store.Config{Database: filepath.Join(b.TempDir(), "moot.db")} })
	})
}

// BenchmarkRoster is BenchmarkAdmit without a store: the rules alone, with a look at who is
// a member after each.
func BenchmarkRoster(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o, ann := newOffline(b)
			grow(o, ann, n+10*round)
			var times []time.Duration
			for b.Loop() {
				again := ann.g.offline()
				for i, e := range o.all {
					begin := time.Now()
					ann.g.must(again.take(e))
					if _, err := again.Acting(ann.id()); err != nil {
						b.Fatal(err)
					}
					if i >= n {
						times = append(times, time.Since(begin))
					}
				}
			}
			half, most := median(times)
			b.ReportMetric(float64(half.Nanoseconds()), "ns/act")
			b.ReportMetric(float64(most.Nanoseconds()), "p95-ns/act")
		})
	}
}

// BenchmarkRenames has one member rename itself 5,000 times, as far as its budget takes it,
// while others write: the time of their entries before and after.
func BenchmarkRenames(b *testing.B) {
	for b.Loop() {
		_, ann := newGroup(b)
		bob, cyd := ann.newcomer("bob", policy.RoleMember), ann.newcomer("cyd", policy.RoleMember)
		write := func() (half, most time.Duration) {
			var times []time.Duration
			for n := range 500 {
				e := cyd.author.Next(moot.KindFile, fmt.Sprint("file ", n), nil, []byte("a body"))
				begin := time.Now()
				ann.g.must(cyd.append(e))
				times = append(times, time.Since(begin))
			}
			return median(times)
		}
		half, before := write()
		taken, claims := 0, []moot.EntryID(nil)
		for n := range 5000 {
			claim, err := bob.say(trust.Rename{Name: fmt.Sprint("bob", n)})
			if err != nil {
				break // what follows is refused by the store
			}
			taken++
			if claims = append(claims, claim.ID); len(claims) == 50 { // an honest witness goes on to confirm
				ann.must(trust.Witness{Confirms: claims[49:]})
				claims = nil
			}
		}
		same(b, "renames taken", taken, 5000)
		halfAfter, after := write()
		b.ReportMetric(float64(half.Nanoseconds()), "before-ns")
		b.ReportMetric(float64(halfAfter.Nanoseconds()), "after-ns")
		b.ReportMetric(float64(before.Nanoseconds()), "p95-before-ns")
		b.ReportMetric(float64(after.Nanoseconds()), "p95-after-ns")
		b.ReportMetric(float64(after)/float64(before), "times")
	}
}

// BenchmarkMembers lists 1,000 members with 3 devices each: after a change of membership,
// and again.
func BenchmarkMembers(b *testing.B) {
	o, ann := newOffline(b)
	crowd(o, ann, 1000)
	b.Run("first", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			ann.must(trust.Rename{Name: "ann"})
			b.StartTimer()
			same(b, "members", len(ann.Members()), 1001)
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			same(b, "members", len(ann.Members()), 1001)
		}
	})
}

// crowd has members join with three devices each, many by one witness act.
func crowd(o *offline, ann *device, members int) {
	ann.second("code", ann, true)
	in := ann.invite("link", trust.Invite{Role: policy.RoleMember, Uses: policy.AnyUses})
	var w trust.Witness
	admit := func(e moot.Entry) {
		w.Admits = append(w.Admits, trust.Admission{Join: e.ID})
		if len(w.Admits) == 16 {
			ann.must(w)
			w = trust.Witness{}
		}
	}
	var all []*device
	for n := range members {
		v := o.device(fmt.Sprint("m", n))
		e := v.join("link", in, fmt.Sprint("m", n))
		o.g.must(v.append(e))
		admit(e)
		all = append(all, v)
	}
	ann.must(w)
	w = trust.Witness{}
	for n, v := range all {
		for k := range 2 {
			name := fmt.Sprint("d", n, k)
			in := v.invite(name, trust.Invite{For: moot.MemberID(v.first)})
			d := o.device(name)
			e := d.join(name, in, "")
			o.g.must(d.append(e))
			admit(e)
		}
	}
	if len(w.Admits) > 0 {
		ann.must(w)
	}
}

// BenchmarkOpen opens a store with 10,000 acts, alone and beside 100,000 other entries.
func BenchmarkOpen(b *testing.B) {
	for _, plain := range []int{0, 100_000} {
		b.Run(fmt.Sprint(plain), func(b *testing.B) {
			o, ann := newOffline(b)
			grow(o, ann, 10_000)
			n := ann.g.node(store.Config{Database: filepath.Join(b.TempDir(), "moot.db")})
			ann.g.must(n.store.Append(b.Context(), moot.Merge, o.all...))
			var list []moot.Entry
			for k := range plain {
				e := ann.author.Next(moot.KindFile, fmt.Sprint("folder ", k%100, "/file ", k), nil, []byte("a body of some length, as files have them"))
				ann.author.Commit(e)
				if list = append(list, e); len(list) == 1000 {
					ann.g.must(n.store.Append(b.Context(), moot.Merge, list...))
					list = nil
				}
				if k%3000 == 2999 {
					ann.g.must(n.store.Append(b.Context(), moot.Merge, list...))
					list = nil
					ann.on(n).must(trust.Witness{Feeds: []trust.Mark{mark(e)}})
				}
			}
			ann.g.must(n.store.Close())
			b.ResetTimer()
			for range b.N {
				again := ann.g.node(n.cfg)
				_ = again.Members()
				b.StopTimer()
				ann.g.must(again.store.Close())
				b.StartTimer()
			}
		})
	}
}
