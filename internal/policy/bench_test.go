package policy_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// offline is a roster with entries in the order in which they came, and no database.
type offline struct {
	*policy.Roster
	at map[moot.EntryID]moot.Entry
}

func (o *offline) held(id moot.EntryID) (moot.Key, moot.Position, bool) {
	e, ok := o.at[id]
	return e.Author, moot.Position{Seq: e.Seq}, ok
}

func (o *offline) take(b testing.TB, e moot.Entry) {
	at := moot.Position{Seq: e.Seq}
	if err := o.Admit(&e, at, nil, o.held); err != nil {
		b.Fatal(err)
	}
	o.Apply(&e, at, nil, o.held)
	o.at[e.ID] = e
}

func (g *group) offline() *offline {
	return &offline{policy.NewRoster(g.id, g.clock), map[moot.EntryID]moot.Entry{}}
}

// history makes a space with so many acts: newcomers, renames, roles, confirmed feeds.
func history(b testing.TB, acts int) (*device, []moot.Entry) {
	g, ann := newGroup(b)
	var bob *device
	for n := 0; len(ann.entries()) < acts; n++ {
		bob = ann.newcomer(fmt.Sprint("bob", n), policy.RoleMember)
		for range 40 {
			ann.must(trust.Rename{Name: "ann"})
			g.must(bob.append(bob.sign(trust.Rename{Name: fmt.Sprint("bob", n)}, bob.Cites(nil)...)))
		}
		ann.must(trust.RoleBody{Member: bob.member(), Role: policy.RoleGuest})
	}
	return ann, ann.entries()
}

// BenchmarkAct is one more act of a space with so many, and a look at who is a member.
func BenchmarkAct(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ann, all := history(b, n)
			o := ann.g.offline()
			for _, e := range all {
				o.take(b, e)
			}
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				e := ann.sign(trust.Rename{Name: "ann"}, o.Cites(nil)...)
				ann.author.Commit(e)
				b.StartTimer()
				o.take(b, e)
				if _, err := o.Acting(ann.id()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRole is one change of a role in a space with so many acts.
func BenchmarkRole(b *testing.B) {
	for _, n := range []int{100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ann, all := history(b, n)
			cyd := ann.newcomer("cyd", policy.RoleMember)
			o := ann.g.offline()
			for _, e := range append(all, ann.entries()[len(all):]...) {
				o.take(b, e)
			}
			b.ResetTimer()
			for k := range b.N {
				b.StopTimer()
				role := []policy.Role{policy.RoleGuest, policy.RoleMember}[k%2]
				e := ann.sign(trust.RoleBody{Member: cyd.member(), Role: role}, o.Cites(nil)...)
				ann.author.Commit(e)
				b.StartTimer()
				o.take(b, e)
				o.Members()
			}
		})
	}
}

// BenchmarkRenames are 5,000 renames by one member, of which its budget takes 64.
func BenchmarkRenames(b *testing.B) {
	for range b.N {
		b.StopTimer()
		_, ann := newGroup(b)
		bob := ann.newcomer("bob", policy.RoleMember)
		o := ann.g.offline()
		for _, e := range ann.entries() {
			o.take(b, e)
		}
		var renames []moot.Entry
		for n := range 5000 {
			e := bob.sign(trust.Rename{Name: fmt.Sprint("bob", n)}, o.Cites(nil)...)
			bob.author.Commit(e)
			renames = append(renames, e)
		}
		b.StartTimer()
		taken := 0
		for _, e := range renames {
			at := moot.Position{Seq: e.Seq}
			if o.Admit(&e, at, nil, o.held) != nil {
				break // what follows is refused by the store
			}
			o.Apply(&e, at, nil, o.held)
			o.at[e.ID] = e
			taken++
		}
		same(b, "renames taken", taken, 64)
	}
}

// BenchmarkMembers lists 1,000 members with 3 devices each.
func BenchmarkMembers(b *testing.B) {
	_, ann := newGroup(b)
	crowd(ann, 1000)
	b.ResetTimer()
	for range b.N {
		if n := len(ann.Members()); n != 1001 {
			b.Fatal(n)
		}
	}
}

// crowd has members join with three devices each, many by one witness act.
func crowd(ann *device, members int) {
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
		v := ann.device(fmt.Sprint("m", n))
		e := v.join("link", in, fmt.Sprint("m", n))
		ann.g.must(v.append(e))
		admit(e)
		all = append(all, v)
	}
	ann.must(w)
	w = trust.Witness{}
	for n, v := range all {
		for k := range 2 {
			name := fmt.Sprint("d", n, k)
			in := v.invite(name, trust.Invite{For: moot.MemberID(v.first)})
			d := ann.device(name)
			e := d.join(name, in, "")
			ann.g.must(d.append(e))
			admit(e)
		}
	}
	if len(w.Admits) > 0 {
		ann.must(w)
	}
}

// BenchmarkOpen opens a store with 10,000 acts.
func BenchmarkOpen(b *testing.B) {
	ann, all := history(b, 10_000)
	n := ann.g.node(store.Config{Database: filepath.Join(b.TempDir(), "moot.db")})
	for _, e := range all {
		ann.g.must(n.store.Append(b.Context(), moot.Merge, e))
	}
	ann.g.must(n.store.Close())
	b.ResetTimer()
	for range b.N {
		again := ann.g.node(n.cfg)
		b.StopTimer()
		ann.g.must(again.store.Close())
		b.StartTimer()
	}
}
