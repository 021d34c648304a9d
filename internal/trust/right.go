package trust

import (
	"github.com/mootspace/moot"
)

// review decides by an act's own past what it may say (R3 to R5).
type review struct {
	*World
	act   *act
	state *State
	root  int      // first statement of its device's feed
	m     int      // its author
	had   standing // what the author has
	need  int      // rank that the statement at work needs
	low   bool     // it lowers
}

// statements returns what the act says, each with its right. An error refuses the act.
func (r *review) statements() ([]*statement, error) {
	switch b := r.act.Body.(type) {
	case Space:
		return r.space(b)
	case Adopt:
		return r.adopt(b)
	case Join:
		return r.join(b)
	}
	r.root, r.m = r.act.root, -1
	if r.root >= 0 && r.root != r.act.first {
		r.m = r.state.device(r.root, false)
	}
	switch adoption := r.index.adoption; {
	case r.m >= 0:
	case len(r.config.Owners) > 0 && (adoption == nil || !r.act.knows(adoption.first)):
		return r.unadopted()
	default:
		return nil, r.stranger()
	}
	r.had = r.state.role(r.m)
	var list []*statement
	if b, ok := r.act.Body.(Witness); ok {
		list = r.witness(b)
	} else {
		list = []*statement{r.single()}
	}
	if !r.affordable(list[0]) {
		return nil, moot.Errorf(moot.Full, "this device has said as much about membership as it may before a witness has seen it")
	}
	return list, nil
}

// stranger words why a device may say nothing.
func (r *review) stranger() error {
	if r.root >= 0 && r.root != r.act.first && r.st[r.root].ok && r.act.knows(r.root) {
		return moot.Errorf(moot.Revoked, "this device acts for no member any more, or not yet")
	}
	return moot.Errorf(moot.Stranger, "this device is nobody's")
}

// statement returns a new statement of the act.
func (r *review) statement(kind string, body any) *statement {
	a := r.act
	return &statement{act: a, dev: a.dev, at: a.At, id: a.ID, kind: kind, body: body,
		right: right{member: -1, power: powerless(), need: rankAny, rise: -1, admits: -1, confirms: -1}}
}

// has reports whether a statement is in the past and stands there.
func (r *review) has(i int) bool { return i >= 0 && r.act.knows(i) && r.state.under.has(i) }

func (r *review) space(b Space) ([]*statement, error) {
	a := r.act
	if a.ID != moot.EntryID(r.World.space) || a.At.Seq != 1 || !a.past.empty() {
		return nil, moot.Errorf(moot.Invalid, "a second space")
	}
	s := r.statement(KindSpace, b)
	s.right.ok, s.right.member, s.need, s.power = true, a.first, Founder.Rank(), Power{rank: Founder.Rank()}
	return []*statement{s}, nil
}

func (r *review) join(b Join) ([]*statement, error) {
	if r.act.At.Seq != 1 {
		return nil, moot.Errorf(moot.Invalid, "a join that is not the first entry of its device")
	}
	s := r.statement(KindJoin, b)
	if b.Retire != (moot.EntryID{}) {
		t := r.ref(b.Retire)
		if !r.has(t) || r.st[t].kind != KindRetire || r.st[t].body.(Retire).Heir != r.act.Device {
			s.denied = moot.Errorf(moot.Denied, "no device has named this one its heir")
			return []*statement{s}, nil
		}
		m := r.st[t].member
		s.ok, s.member, s.object, s.power = true, m, []int{t}, r.state.role(m).power
		return []*statement{s}, nil
	}
	v := r.ref(b.Invite)
	if !r.has(v) || r.st[v].kind != KindInvite {
		s.denied = moot.Errorf(moot.Denied, "the invitation does not hold")
		return []*statement{s}, nil
	}
	s.ok, s.member = true, r.act.first
	if y := r.invite(v).For; !y.IsZero() {
		s.member = r.ref(y)
		s.power = r.state.role(s.member).power
	}
	return []*statement{s}, nil
}

// single returns the statement of an act without lines.
func (r *review) single() *statement {
	s := r.statement(r.act.Kind, r.act.Body)
	var err error
	switch b := r.act.Body.(type) {
	case Invite:
		err = r.mayInvite(b)
	case Withdraw:
		err = r.mayWithdraw(b)
	case RoleBody:
		err = r.mayGive(b)
	case Device:
		err = r.mayPutOut(b)
	case Retire:
		if !r.seen() {
			err = r.unseen()
		}
	case Annul:
		err = r.mayAnnul(b)
	case Rename, Mailbox:
	default:
		err = moot.Errorf(moot.Denied, "an act of an unknown kind")
	}
	r.finish(s, err)
	return s
}

// finish fills in what follows from whether a statement has the right, and what it rests on.
func (r *review) finish(s *statement, err error) {
	s.ok, s.denied, s.member, s.power, s.need, s.low = err == nil, err, r.m, r.had.power, r.need, r.low
	founder := r.m == r.index.founder
	if by := r.had.by; !founder && r.st[by].kind == KindRole {
		s.rise = by
	}
	if !s.ok {
		return
	}
	if r.root != r.index.founder {
		s.author = append(s.author, []int{r.root}, r.state.admissions(r.root))
	}
	if s.need > rankAny && s.rise >= 0 {
		s.author = append(s.author, []int{s.rise})
	}
	if !r.weak["again"] {
		s.author = append(s.author, r.state.raisedAgain(r.m, s.need)...)
	}
	for _, out := range r.act.dev.out {
		if !r.state.inForce(out) || r.st[out].member == r.m {
			continue
		}
		// The device acts only because its member rose above who put it out.
		if x := r.state.roles(r.m).unaware(out).winner().by; x >= 0 && r.st[x].kind == KindRole {
			s.author = append(s.author, []int{x})
		}
	}
}

// seen reports whether the device may add devices: others than its member have seen it, or
// it is the member's first (R21).
func (r *review) seen() bool {
	return r.m == r.index.founder || r.root == r.m || r.weak["chain"] || r.covered(r.root)
}

func (r *review) unseen() error {
	return moot.Errorf(moot.Denied, "no other member has seen this device yet, so it adds no more")
}

// covered reports whether a witness act of another member, in the past, has a statement in its own.
func (r *review) covered(x int) bool {
	list := r.index.witness
	if r.weak["budget"] {
		for i := range r.index.ok.and(r.act.past).all() {
			if r.st[i].member != r.m && r.st[i].act.knows(x) {
				return true
			}
		}
	}
	for k := len(list) - 1; k >= 0 && list[k] > x; k-- {
		if w := r.st[list[k]]; w.member != r.m && r.act.knows(list[k]) && w.act.knows(x) {
			return true
		}
	}
	return false
}

// affordable reports whether the act is within its device's budget (R21).
func (r *review) affordable(s *statement) bool {
	if r.m == r.index.founder || s.ok && r.alwaysHeard(s) {
		return true
	}
	budget := r.config.Budget
	if r.had.power.rank >= rankWitness {
		budget = r.config.WitnessBudget
	}
	if r.act.depth < budget {
		return true
	}
	prev := r.act.dev.lastAct(Position{r.act.At.Branch, r.act.At.Seq - 1})
	return r.covered(r.act.dev.nth(prev, r.act.depth-budget).first)
}

// alwaysHeard reports whether a statement ends something of its author's own.
func (r *review) alwaysHeard(s *statement) bool {
	switch b := s.body.(type) {
	case Retire:
		return true
	case RoleBody:
		return r.ref(b.Member) == r.m
	case Device:
		t := r.deviceRoot(b)
		return r.st[t].member == r.m && r.state.device(t, false) >= 0
	}
	return false
}

// deviceRoot returns the first statement, admitted, of the device that an act puts out; -1
// if there is none.
func (r *review) deviceRoot(b Device) int {
	f := r.ref(b.Device)
	if f < 0 || !r.act.knows(f) || !r.st[f].first() {
		return -1
	}
	best := -1
	for _, t := range r.st[f].dev.roots {
		if r.act.knows(t) && r.state.admitted(t) && (best < 0 || r.compareID(t, best) < 0) {
			best = t
		}
	}
	return best
}

// unadopted returns the dead statement of an act of a space from version 0.1.0 that does not
// rest on the adoption that holds: it is not refused, so that feeds go on (R25).
func (r *review) unadopted() ([]*statement, error) {
	if r.act.depth >= r.config.Budget {
		return nil, moot.Errorf(moot.Full, "this device has said too much before the space was adopted")
	}
	s := r.statement(r.act.Kind, r.act.Body)
	s.denied = moot.Errorf(moot.Denied, "an act that does not rest on the space's adoption")
	return []*statement{s}, nil
}
