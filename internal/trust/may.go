package trust

import (
	"slices"

	"github.com/mootspace/moot"
)

// deny words a missing right: kind Denied.
func deny(format string, args ...any) error { return moot.Errorf(moot.Denied, format, args...) }

// a returns a role with its article, for messages.
func (r Role) a() string {
	switch r {
	case "":
		return "a removed member"
	case Admin, Owner:
		return "an " + string(r)
	case Founder:
		return "the founder"
	}
	return "a " + string(r)
}

func (r *review) rank() int       { return r.had.role.Rank() }
func (r *review) manages() bool   { return r.rank() >= rankAdmin }
func (r *review) over(y int) bool { return r.had.power.above(r.state.role(y).power) }

// mayInvite says whether an invitation has the right (R3).
func (r *review) mayInvite(b Invite) error {
	if b.For.IsZero() {
		r.need = rankAdmin
		switch {
		case !r.manages():
			return deny("%s may not invite", r.had.role.a())
		case b.Role.Rank() == 0 || b.Role.Rank() > min(r.rank(), rankOwner):
			return deny("%s may not invite %s", r.had.role.a(), b.Role.a())
		}
		return nil
	}
	code := r.state.recovery(r.m)
	founder := r.m == r.index.founder
	switch {
	case r.ref(b.For) != r.m:
		return deny("only a member's own devices invite one more")
	case !r.seen():
		return r.unseen()
	case b.Recovery && code >= 0 && code != r.root:
		return deny("the member has a recovery code, which alone makes another")
	case !b.Recovery && founder && code < 0 && !r.weak["first"]:
		return deny("the founder needs a recovery code before more devices")
	}
	return nil
}

// mayWithdraw says whether a withdrawal has the right.
func (r *review) mayWithdraw(b Withdraw) error {
	v := r.ref(b.Invite)
	if !r.has(v) || r.st[v].kind != KindInvite {
		return deny("there is no such invitation")
	}
	if r.st[v].member == r.m {
		return nil
	}
	r.need = rankAdmin
	if !r.manages() {
		return deny("%s may not withdraw another's invitation", r.had.role.a())
	}
	return nil
}

// mayGive says whether a role act has the right.
func (r *review) mayGive(b RoleBody) error {
	y := r.ref(b.Member)
	if y < 0 || r.st[y].member != y || !r.state.admitted(y) {
		return deny("there is no such member")
	}
	was, to := r.state.role(y).role, b.Role
	r.low = to.Rank() <= was.Rank()
	if b.Strict && r.rank() < rankOwner && !r.weak["strict"] {
		return deny("%s may not hide what a witness has confirmed", r.had.role.a())
	}
	if y == r.m {
		return r.mayLowerSelf(b, was)
	}
	r.need = rankAdmin
	switch {
	case !r.manages():
		return deny("%s may not change roles", r.had.role.a())
	case !r.over(y):
		return deny("%s may not change the role of %s who is above", r.had.role.a(), was.a())
	case to.Rank() > r.rank() || to == Founder:
		return deny("%s may not make somebody %s", r.had.role.a(), to.a())
	}
	if r.low || r.weak["mercy"] {
		return nil
	}
	for _, c := range r.state.lowered(y, to) {
		gone := r.rank() >= rankOwner && r.state.role(r.st[c].member).role == ""
		if r.st[c].power.above(r.had.power) && !gone {
			return deny("somebody above has lowered this member")
		}
	}
	return nil
}

func (r *review) mayLowerSelf(b RoleBody, was Role) error {
	code := r.state.recovery(r.m)
	switch {
	case b.Role.Rank() >= was.Rank():
		return deny("nobody raises oneself")
	case b.Strict:
		return deny("nobody hides what was confirmed of oneself")
	case r.m == r.index.founder && code >= 0 && code != r.root && !r.weak["resign"]:
		return deny("only the recovery code's device resigns for the founder")
	}
	return nil
}

// mayPutOut says whether a device act has the right.
func (r *review) mayPutOut(b Device) error {
	t := r.deviceRoot(b)
	if t < 0 {
		return deny("there is no such device")
	}
	r.low = true
	y := r.st[t].member
	if y == r.m {
		l := r.linkers(t)
		above := len(l) > 1 && slices.Contains(l[1:], r.root)
		if r.root != t && r.marked(t) && !above && !r.weak["recovery"] {
			return deny("the recovery code's device can be put out by itself alone")
		}
		return nil
	}
	r.need = rankAdmin
	if !r.manages() || !r.over(y) {
		return deny("%s may not put out a device of %s", r.had.role.a(), r.state.role(y).role.a())
	}
	return nil
}

// target returns the statement that an annul act is about; -1 if there is none.
func (w *World) target(b Annul) int {
	a := w.byID[b.Act]
	if a == nil {
		return -1
	}
	for i := a.first; i < a.first+a.lines; i++ {
		if w.st[i].line == b.Line {
			return i
		}
	}
	return -1
}

// mayAnnul says whether an annul act has the right (R11).
func (r *review) mayAnnul(b Annul) error {
	t := r.target(b)
	if t < 0 || !r.act.knows(t) {
		return deny("there is no such act")
	}
	s := r.st[t]
	same, over := s.member == r.m, r.had.power.above(s.power)
	if s.kind == kindConfirm {
		if !r.has(t) || s.confirms < 0 {
			return deny("there is no such confirmation")
		}
		r.need, r.low = rankOwner, true
		if r.rank() < rankOwner || !over && !same {
			return deny("%s may not annul that confirmation", r.had.role.a())
		}
		return nil
	}
	if !r.index.low.has(t) || !r.state.inForce(t) || s.kind == KindAnnul {
		return deny("only a removal or a lower role that is in force can be annulled")
	}
	r.need, r.low = rankOwner, true
	role, _ := s.body.(RoleBody)
	own := same && (s.kind != KindRole || r.ref(role.Member) != r.m) && !s.power.above(r.had.power)
	if same {
		r.need = s.need
	}
	if !own && (r.rank() < rankOwner || !over && !r.weak["annul"]) || r.rank() < r.need {
		return deny("%s may not annul what that member said", r.had.role.a())
	}
	return nil
}
