package trust

import (
	"slices"

	"github.com/mootspace/moot"
)

// MemberInfo is one member of a State.
type MemberInfo struct {
	ID         moot.MemberID
	Name       string // as confirmed last; empty: none was
	Held       bool   // the name is the member's; otherwise another has it, and it is shown with a mark
	Role       Role   // empty: removed
	Power      Power
	AdmittedBy moot.MemberID // zero: the founder, or unknown
}

// members returns the statements of all members, the founder first.
func (s *State) members() (list []int) {
	w := s.w
	if w.index.founder >= 0 && s.mask.has(w.index.founder) {
		list = append(list, w.index.founder)
	}
	for _, j := range w.index.joins {
		if w.st[j].member == j && s.mask.has(j) && s.admitted(j) && j != w.index.founder {
			list = append(list, j)
		}
	}
	return list
}

// Members returns all who are admitted, removed ones too, by power.
func (s *State) Members() []MemberInfo {
	var list []MemberInfo
	for _, m := range s.members() {
		list = append(list, s.info(m))
	}
	slices.SortFunc(list, func(a, b MemberInfo) int { return b.Power.Compare(a.Power) })
	return list
}

// Member returns one member; false if nobody of that ID is admitted.
func (s *State) Member(id moot.MemberID) (MemberInfo, bool) {
	m := s.member(id)
	if m < 0 {
		return MemberInfo{}, false
	}
	return s.info(m), true
}

func (s *State) member(id moot.MemberID) int {
	m := s.w.ref(id)
	if m < 0 || !s.mask.has(m) || s.w.st[m].member != m || !s.admitted(m) {
		return -1
	}
	return m
}

func (s *State) info(m int) MemberInfo {
	w := s.w
	has := s.role(m)
	i := MemberInfo{ID: w.memberID(m), Role: has.role, Power: has.power}
	if m != w.index.founder {
		if list := s.admissions(m); len(list) > 0 && w.st[list[0]].member >= 0 {
			i.AdmittedBy = w.memberID(w.st[list[0]].member)
		}
	}
	if c, _ := s.confirmed(m); c >= 0 {
		i.Name = w.claimed(c)
		i.Held = has.role != "" && s.holder(MailForm(i.Name)) == m
	}
	return i
}

// Device returns the member for whom a device acts (R6).
func (s *State) Device(key moot.Key) (moot.MemberID, bool) {
	m := s.actsFor(key)
	if m < 0 {
		return moot.MemberID{}, false
	}
	return s.w.memberID(m), true
}

// actsFor returns the member for whom a key acts; of several feeds, by that with the lowest
// first ID.
func (s *State) actsFor(key moot.Key) int {
	d := s.w.devices[key]
	if d == nil {
		return -1
	}
	best, member := -1, -1
	for _, t := range d.roots {
		if m := s.device(t, false); m >= 0 && (best < 0 || s.w.compareID(t, best) < 0) {
			best, member = t, m
		}
	}
	return member
}

// Access reports whether a device may be answered, and with which role: kind Stranger if it
// was never a member's, Revoked if it acts for none any more.
func (s *State) Access(key moot.Key) (moot.MemberID, Role, error) {
	if m := s.actsFor(key); m >= 0 {
		return s.w.memberID(m), s.role(m).role, nil
	}
	if d := s.w.devices[key]; d != nil {
		for _, t := range d.roots {
			if s.mask.has(t) && s.admitted(t) {
				return moot.MemberID{}, "", moot.Errorf(moot.Revoked, "this device acts for no member any more")
			}
		}
	}
	return moot.MemberID{}, "", moot.Errorf(moot.Stranger, "this device is no member's")
}

// MayWrite returns nil if a device may write plain entries; else why not: kind Stranger,
// Revoked or Denied.
func (s *State) MayWrite(key moot.Key) error {
	_, role, err := s.Access(key)
	if err == nil && role == Guest {
		return deny("a guest may read, not write")
	}
	return err
}

// DeviceInfo is a device that acts for a member.
type DeviceInfo struct {
	Key      moot.Key
	First    moot.EntryID // its first entry, or its key from version 0.1.0
	Label    string
	Recovery bool
	LinkedBy moot.Key // the device that linked it; zero: the member's first
}

// Devices returns the devices that act for a member, by height and ID.
func (s *State) Devices(id moot.MemberID) (list []DeviceInfo) {
	w := s.w
	m := s.member(id)
	if m < 0 {
		return nil
	}
	roots := slices.Clone(w.index.subject(m).devices)
	slices.SortFunc(roots, w.compare)
	for _, t := range roots {
		if s.device(t, false) != m {
			continue
		}
		st := w.st[t]
		i := DeviceInfo{Key: st.dev.key, First: st.id, Recovery: w.marked(t)}
		switch b := st.body.(type) {
		case Join:
			i.Label = b.Label
		case Space:
			i.Label = b.Label
		}
		if l := w.linkers(t); len(l) > 0 {
			i.LinkedBy = w.st[l[0]].dev.key
		}
		list = append(list, i)
	}
	return list
}

// Contested reports whether a device's feed has forked and does not go on in one branch
// (R19, R20).
func (s *State) Contested(key moot.Key) bool {
	d := s.w.devices[key]
	if d == nil || !d.forked() {
		return false
	}
	for n, b := range d.branches {
		if n != 0 && s.goesOn(d, Position{n, b.parent.Seq + 1}) {
			return false
		}
	}
	return !s.goesOn(d, Position{0, d.trunk + 1})
}

// ContestedDevices returns the devices whose feeds are contested, by key.
func (s *State) ContestedDevices() (list []moot.Key) {
	for key := range s.w.devices {
		if s.Contested(key) {
			list = append(list, key)
		}
	}
	slices.SortFunc(list, func(a, b moot.Key) int { return slices.Compare(a[:], b[:]) })
	return list
}

// Waiting is a join that nobody has admitted.
type Waiting struct {
	Join   moot.EntryID
	Device moot.Key
	Invite moot.EntryID
	For    moot.MemberID // zero: a new member
	Name   string
}

// Waiting returns the joins that stand and that nobody has admitted, by height and ID.
func (s *State) Waiting() (list []Waiting) {
	w := s.w
	joins := slices.Clone(s.waits)
	slices.SortFunc(joins, w.compare)
	for _, j := range joins {
		b := w.st[j].body.(Join)
		list = append(list, Waiting{w.st[j].id, w.st[j].dev.key, b.Invite, w.invite(w.ref(b.Invite)).For, b.Name})
	}
	return list
}

// Invitation is an invitation that stands.
type Invitation struct {
	ID     moot.EntryID
	Invite Invite
	Author moot.MemberID
	Used   int  // joins admitted with it
	Open   bool // not withdrawn, not used up, and its author still has the right to it
}

// Invitations returns those that stand, by height and ID.
func (s *State) Invitations() (list []Invitation) {
	w := s.w
	var all []int
	for i := range s.under.all() {
		if w.st[i].kind == KindInvite {
			all = append(all, i)
		}
	}
	slices.SortFunc(all, w.compare)
	for _, v := range all {
		inv, used := w.invite(v), s.used(v)
		list = append(list, Invitation{w.st[v].id, inv, w.memberID(w.st[v].member), used, used < inv.Uses && s.alive(v)})
	}
	return list
}

// Mailbox returns the mailbox key to which messages for a member are sealed: of the highest
// generation, if only devices which act for it can open that. False: seal to the devices
// (R22); an earlier generation is known to devices that came after it, too.
func (s *State) Mailbox(id moot.MemberID) (box Mailbox, ok bool) {
	w := s.w
	m, best := s.member(id), -1
	if m < 0 {
		return box, false
	}
	for _, i := range w.index.mail[m] {
		b := w.st[i].body.(Mailbox)
		later := best < 0 || b.Generation > box.Generation || b.Generation == box.Generation && w.compare(i, best) > 0
		if later && s.under.has(i) {
			box, best = b, i
		}
	}
	return box, best >= 0 && !slices.ContainsFunc(box.Devices, func(k moot.Key) bool { return s.actsFor(k) != m })
}

// Mailboxes returns all standing generations of a member's mailbox key, the oldest first.
func (s *State) Mailboxes(id moot.MemberID) (list []Mailbox) {
	m := s.member(id)
	if m < 0 {
		return nil
	}
	all := slices.Clone(s.w.index.mail[m])
	slices.SortFunc(all, s.w.compare)
	for _, i := range all {
		if s.under.has(i) {
			list = append(list, s.w.st[i].body.(Mailbox))
		}
	}
	slices.SortStableFunc(list, func(a, b Mailbox) int { return int(min(a.Generation, 1<<31)) - int(min(b.Generation, 1<<31)) })
	return list
}
