package trust

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/mootspace/moot"
)

// adopt returns what an adopt act says: itself, its members and its invitations (R25).
func (r *review) adopt(b Adopt) ([]*statement, error) {
	s := r.statement(KindAdopt, b)
	author, err := r.mayAdopt(r.act.Act, b)
	switch {
	case err != nil:
		return nil, err
	case !r.act.past.empty() || r.index.adoption != nil:
		s.denied = moot.Errorf(moot.Conflict, "the space is adopted already")
		return []*statement{s}, nil
	}
	first := r.act.first
	r.act.root = first + 1 + author
	s.ok, s.member, s.power, s.need = true, r.act.root, Power{rank: rankOwner}, rankAny
	list := []*statement{s}
	add := func(kind string, id [32]byte, body any, member int) *statement {
		x := r.statement(kind, body)
		x.id, x.ok, x.member, x.power = id, true, member, s.power
		list = append(list, x)
		return x
	}
	for i, m := range b.Members {
		x := add(KindJoin, m.Key, m, first+1+i)
		if m.Key == r.act.Device {
			x.dev, x.at = r.act.dev, Position{}
		} else {
			x.dev, x.at = r.device(m.Key), Position{}
		}
		if MailForm(m.Name) != "" {
			x.confirms = x.member
		}
	}
	for _, v := range b.Invites {
		add(KindInvite, v.Key, Invite{Key: v.Key, Role: v.Role, Uses: v.Uses, Expires: v.Expires}, r.act.root)
	}
	return list, nil
}

// mayAdopt returns the author's place in an adopt act's list.
func (w *World) mayAdopt(a Act, b Adopt) (int, error) {
	author := slices.IndexFunc(b.Members, func(m AdoptedMember) bool { return m.Key == a.Device && m.Role.Rank() >= rankOwner })
	switch {
	case author < 0 || !slices.Contains(w.config.Owners, a.Device):
		return 0, moot.Errorf(moot.Stranger, "only an owner adopts a space")
	case b.Members[0].Key != moot.Key(w.space):
		return 0, moot.Errorf(moot.Invalid, "an adoption of another founder's space")
	}
	return author, nil
}

func (w *World) addAdoption(i int, s *statement) {
	w.index.adoption = s.act
	w.index.founder = i + 1
}

func (w *World) addAdopted(i int, s *statement, b AdoptedMember) {
	x := &w.index
	x.joins = append(x.joins, i)
	x.adopts[b.Key] = i
	m := x.subject(i)
	m.devices, m.admissions = []int{i}, []int{i}
	s.dev.roots = append(s.dev.roots, i)
	w.addClaim(i, i, b.Name)
}

// supersede takes in an adopt act that holds instead of the one held: all else is said anew
// of it. False if there is none, or it holds.
func (w *World) supersede(in Act) bool {
	held := w.index.adoption
	b, ok := in.Body.(Adopt)
	if !ok || held == nil || w.precedence(in, held.Act) >= 0 {
		return false
	}
	if _, err := w.mayAdopt(in, b); err != nil {
		return false
	}
	if a, err := w.resolve(in); err != nil || !a.past.empty() {
		return false
	}
	acts := w.acts
	for _, d := range w.devices {
		d.clear()
	}
	devices := w.devices
	w.reset()
	w.devices = devices
	for _, d := range devices {
		if d.forked() {
			w.forks++
		}
	}
	if err := w.Add(in); err != nil {
		w.refused[in.ID] = err
	}
	for _, a := range acts {
		_ = w.Add(a.Act) // refused, or dead now
	}
	return true
}

// precedence is negative if an adopt act holds rather than another: the founder's, else the
// older owner's, else that of lower ID.
func (w *World) precedence(a, b Act) int {
	return cmp.Or(cmp.Compare(w.seniority(a.Device), w.seniority(b.Device)), bytes.Compare(a.ID[:], b.ID[:]))
}

func (w *World) seniority(key moot.Key) int {
	if i := slices.Index(w.config.Owners, key); i >= 0 {
		return i
	}
	return len(w.config.Owners)
}

// clear forgets what acts say of a device, and not its branches.
func (d *device) clear() {
	*d = device{key: d.key, branches: d.branches, trunk: d.trunk}
	for _, b := range d.branches {
		b.acts, b.depth = nil, 0
	}
}
