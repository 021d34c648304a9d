package policy

import (
	"cmp"
	"slices"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// actsView is what acts amount to on this node: their state, which is everybody's, and the
// joins that wait, which are this node's own view.
type actsView struct {
	acts    *acts
	state   *trust.State
	waiting map[moot.Key]waiting
	joining map[moot.MemberID][]waiting // by the member whose devices they would be
	all     []Member                    // members; nil until they are asked for
}

// waiting is a join that nobody has admitted, and that this node shows.
type waiting struct {
	join
	member   moot.MemberID // whose device it would be
	role     Role
	answered bool // it is among the first, up to the invitation's uses
}

// waiting returns the joins that nobody has admitted, in the order in which they came.
func (a *acts) waiting() []trust.Waiting {
	list := a.current().Waiting()
	slices.SortFunc(list, func(x, y trust.Waiting) int { return cmp.Compare(a.byID[x.Join], a.byID[y.Join]) })
	return list
}

func (a *acts) view() *actsView {
	v := &actsView{acts: a, state: a.current(), waiting: map[moot.Key]waiting{}, joining: map[moot.MemberID][]waiting{}}
	open := map[moot.EntryID]trust.Invitation{}
	used := map[moot.EntryID]int{}
	for _, w := range a.waiting() {
		in, known := open[w.Invite]
		if !known {
			in, _ = v.state.Invitation(w.Invite)
			open[w.Invite] = in
		}
		j := a.list[a.byID[w.Join]]
		if !in.Open || j.late {
			continue
		}
		used[w.Invite]++
		free := in.Invite.Uses - in.Used
		if used[w.Invite] > free+maxMarked {
			continue
		}
		one := waiting{join: j, member: w.For, role: in.Invite.Role, answered: used[w.Invite] <= free}
		if one.member.IsZero() {
			one.member = moot.MemberID(j.id)
		} else if m, ok := v.state.Member(one.member); ok {
			one.role, one.answered = roleShown(m.Role), one.answered && m.Role != ""
		}
		v.waiting[j.device] = one
		v.joining[one.member] = append(v.joining[one.member], one)
	}
	return v
}

// roleShown returns a role as people see it: the founder is an owner.
func roleShown(r Role) Role {
	if r == trust.Founder {
		return RoleOwner
	}
	return r
}

func (v *actsView) name() string { return v.acts.name }

func (v *actsView) owner(device moot.Key) (moot.MemberID, error) {
	if id, ok := v.state.Device(device); ok {
		return id, nil
	}
	if w, ok := v.waiting[device]; ok && w.answered {
		return w.member, nil
	}
	i, joined := v.acts.first[device]
	if !joined {
		return moot.MemberID{}, stranger(device)
	}
	id := v.acts.memberOf(v.acts.list[i])
	m, ok := v.state.Member(id)
	switch {
	case !ok:
		return id, stranger(device)
	case m.Role == "":
		return id, revoked(v.nameOf(m))
	}
	if v.acts.hasHeir(device) {
		return id, moot.Errorf(moot.Revoked, "this device of %s has ended, and another one goes on in its place", v.nameOf(m))
	}
	return id, moot.Errorf(moot.Revoked, "this device of %s was removed", v.nameOf(m))
}

// hasHeir reports whether a device has named its heir.
func (a *acts) hasHeir(device moot.Key) bool {
	for _, d := range a.retired {
		if d == device {
			return true
		}
	}
	return false
}

// memberOf returns the member to whom the device of a join belongs, or would.
func (a *acts) memberOf(j join) moot.MemberID {
	for range a.list { // an heir's heir
		if in, ok := a.invites[j.body.Invite]; ok && !in.For.IsZero() {
			return in.For
		}
		from, ok := a.first[a.retired[j.body.Retire]]
		if !ok {
			return moot.MemberID(j.id)
		}
		j = a.list[from]
	}
	return moot.MemberID{}
}

func (v *actsView) member(id moot.MemberID) (Member, bool) {
	if m, ok := v.state.Member(id); ok {
		return v.describe(m), true
	}
	for _, w := range v.joining[id] {
		if w.member == moot.MemberID(w.id) {
			return v.describeWaiting(w), true
		}
	}
	return Member{}, false
}

func (v *actsView) describe(m trust.MemberInfo) Member {
	out := Member{
		ID: m.ID, Name: v.nameOf(m), Role: roleShown(m.Role), Founder: m.Role == trust.Founder, Revoked: m.Role == "",
		Joined: v.acts.joined(m.ID),
	}
	for _, d := range v.state.Devices(m.ID) {
		out.Devices = append(out.Devices, Device{
			Key: d.Key, Name: d.Label, Member: m.ID, First: d.First, Recovery: d.Recovery, Forked: v.state.Contested(d.Key),
		})
	}
	for _, w := range v.joining[m.ID] {
		if w.answered && !out.Revoked {
			out.Devices = append(out.Devices, Device{Key: w.device, Name: w.body.Label, Member: m.ID, First: w.id, Waiting: true})
		}
	}
	return out
}

func (v *actsView) describeWaiting(w waiting) Member {
	return Member{
		ID: w.member, Name: marked(w.body.Name, w.member), Role: w.role, Joined: w.time, Waiting: true,
		Devices: []Device{{Key: w.device, Name: w.body.Label, Member: w.member, First: w.id, Waiting: true}},
	}
}

// nameOf returns the name under which a member is shown: its own if it holds one, else a
// marked one.
func (v *actsView) nameOf(m trust.MemberInfo) string {
	switch {
	case m.Name != "" && (m.Held || m.Role == ""):
		return m.Name
	case m.Name != "":
		return marked(m.Name, m.ID)
	}
	if i, ok := v.acts.joinOf(m.ID); ok && v.acts.list[i].body.Name != "" {
		return marked(v.acts.list[i].body.Name, m.ID)
	}
	return marked("founder", m.ID)
}

// mark is what follows a name that is not its bearer's own.
const mark = "~"

// marked adds the beginning of a member's ID to a name that is not its own.
func marked(name string, id moot.MemberID) string { return name + mark + id.Short()[:4] }

func (a *acts) joinOf(id moot.MemberID) (int, bool) {
	i, ok := a.byID[moot.EntryID(id)]
	return i, ok
}

func (a *acts) joined(id moot.MemberID) moot.Time {
	if i, ok := a.joinOf(id); ok {
		return a.list[i].time
	}
	return 0
}

// members returns copies: callers may change them.
func (v *actsView) members() []Member {
	if v.all == nil {
		v.all = v.describeAll()
	}
	list := slices.Clone(v.all)
	for i := range list {
		list[i].Devices = slices.Clone(list[i].Devices)
	}
	return list
}

func (v *actsView) describeAll() (list []Member) {
	for _, m := range v.state.Members() {
		list = append(list, v.describe(m))
	}
	for _, w := range v.waiting {
		if w.member == moot.MemberID(w.id) {
			list = append(list, v.describeWaiting(w))
		}
	}
	slices.SortFunc(list, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Joined, b.Joined), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list
}

func (v *actsView) invitations() (list []Invitation) {
	for _, in := range v.state.Invitations() {
		list = append(list, describeInvitation(in))
	}
	return list
}

func describeInvitation(in trust.Invitation) Invitation {
	out := Invitation{
		ID: in.ID, Key: in.Invite.Key, Role: in.Invite.Role, For: in.Invite.For, By: in.Author, Uses: in.Invite.Uses, Used: in.Used,
		Expires: in.Invite.Expires, Withdrawn: !in.Open && in.Used < in.Invite.Uses, Recovery: in.Invite.Recovery,
	}
	if out.Uses >= AnyUses {
		out.Uses = 0
	}
	return out
}

// invitation returns the invitation with a key, and why it cannot be used at a time.
func (a *acts) invitation(key moot.Key, now int64) (Invitation, error) {
	if id, ok := a.byKey[key]; ok {
		if in, ok := a.current().Invitation(id); ok {
			one := describeInvitation(in)
			return one, one.usable(now)
		}
	}
	return Invitation{}, moot.Errorf(moot.Stranger, "there is no such invitation")
}

func (v *actsView) lookup(name string) (moot.MemberID, bool) { return v.state.Lookup(name) }

func (v *actsView) counts(author moot.Key, kind moot.Kind, at moot.Position) bool {
	_, role, ok := v.state.Counts(author, trust.Position(at))
	switch {
	case !ok:
		return false
	case kind == moot.KindServer || kind == moot.KindSpace: // that of version 0.1.0
		return canServe(role)
	case kind == moot.KindRule:
		return canManage(role)
	case role == RoleGuest:
		return kind == moot.KindReceipt
	}
	return true
}

func (v *actsView) mailbox(id moot.MemberID) (trust.Mailbox, bool) { return v.state.Mailbox(id) }
