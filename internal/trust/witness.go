package trust

import (
	"slices"

	"github.com/mootspace/moot"
)

// confirmation is a line of a witness act that confirms a rename.
type confirmation moot.EntryID

// witness returns the statements of a witness act: one for its feeds and state, if it has
// these or no line, and one for each line.
func (r *review) witness(b Witness) (list []*statement) {
	wit := r.rank() >= rankWitness || r.weak["witness"]
	if len(b.Feeds) > 0 || len(b.State) > 0 || len(b.Admits)+len(b.Confirms) == 0 {
		r.need = rankWitness
		s := r.statement(KindWitness, b)
		var err error
		if !wit {
			err = deny("%s is no witness", r.had.role.a())
		}
		r.finish(s, err)
		list = append(list, s)
	}
	for _, line := range b.Admits {
		list = append(list, r.admit(line, wit, list))
	}
	for n, c := range b.Confirms {
		list = append(list, r.confirm(c, n+1, wit, list))
	}
	return list
}

// admit returns a line that admits a join, after others of its act (R12).
func (r *review) admit(line Admission, wit bool, before []*statement) *statement {
	r.need, r.low = rankWitness, false
	s := r.statement(kindAdmit, line)
	j := r.ref(line.Join)
	if !r.has(j) || r.st[j].kind != KindJoin || r.st[j].body.(Join).Invite == (moot.EntryID{}) || r.state.admitted(j) {
		r.finish(s, deny("there is no such join waiting"))
		return s
	}
	body := r.st[j].body.(Join)
	v := r.ref(body.Invite)
	inv := r.invite(v)
	device := !inv.For.IsZero()
	own := device && r.ref(inv.For) == r.m
	loud := line.Aloud && r.manages() && !device && inv.Role.Rank() <= r.rank()
	if own {
		r.need = rankAny
	}
	r.finish(s, r.mayAdmit(j, v, loud, wit, own, before))
	if !s.ok {
		return s
	}
	s.object, s.admits = []int{j}, j
	if !loud {
		s.object = append(s.object, v)
	}
	if form := MailForm(body.Name); !device && body.Name != "" && r.free(form, j, before) {
		s.confirms = j
	}
	return s
}

func (r *review) mayAdmit(j, v int, loud, wit, own bool, before []*statement) error {
	inv := r.invite(v)
	device := !inv.For.IsZero()
	high := inv.Role.Rank() <= r.rank() || r.weak["above"]
	if device {
		high = r.over(r.st[j].member) || r.weak["above"]
	}
	switch {
	case device && r.state.actingDevices(r.st[j].member, before) >= MaxDevices:
		return deny("the member has %d devices already", MaxDevices)
	case loud:
		return nil
	case !own && !wit:
		return deny("%s may not admit", r.had.role.a())
	case !own && !high:
		return deny("%s may not admit who is invited as %s", r.had.role.a(), inv.Role.a())
	case r.weak["uses"]:
		return nil
	case !r.has(v) || !r.state.alive(v):
		return deny("the invitation does not hold any more")
	case r.state.usedUp(v, inv.Uses, before):
		return moot.Errorf(moot.UsedUp, "the invitation is used up")
	case len(inv.By) > 0 && !own && !slices.Contains(inv.By, r.memberID(r.m)):
		return deny("the invitation names others who may admit")
	}
	return nil
}

// free reports whether nobody has a name, by its mail form, and no line before gives it.
func (r *review) free(form string, claim int, before []*statement) bool {
	for _, s := range before {
		if s.confirms >= 0 && r.st[s.confirms].member != r.st[claim].member && MailForm(r.claimed(s.confirms)) == form {
			return false
		}
	}
	holder := r.state.holder(form)
	return holder < 0 || holder == r.st[claim].member && r.st[claim].kind == KindRename
}

// confirm returns a line that confirms a rename (R17).
func (r *review) confirm(id moot.EntryID, line int, wit bool, before []*statement) *statement {
	r.need, r.low = rankWitness, false
	s := r.statement(kindConfirm, confirmation(id))
	s.line = line
	c := r.ref(id)
	r.finish(s, r.mayConfirm(c, wit, before))
	if s.ok {
		s.confirms = c
	}
	return s
}

func (r *review) mayConfirm(c int, wit bool, before []*statement) error {
	if !r.has(c) || r.st[c].kind != KindRename {
		return deny("there is no such claim")
	}
	m := r.st[c].member
	switch {
	case !wit:
		return deny("%s may not confirm names", r.had.role.a())
	case r.state.role(m).role == "":
		return deny("who claims the name is no member")
	case m == r.m && m != r.index.founder && !r.weak["own"]:
		return deny("somebody else has to confirm that name")
	case r.state.lastClaim(m) != c && !r.weak["last"]:
		return deny("the member has claimed another name since")
	case !r.free(MailForm(r.claimed(c)), c, before):
		return moot.Errorf(moot.Conflict, "somebody else has that name")
	}
	return nil
}
