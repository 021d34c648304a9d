package mail

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/mootspace/moot"
)

// namesFile is the record of [Names] in a home.
const namesFile = "names.json"

// Records keeps small records.
type Records interface {
	Load(name string, v any) error // kind NotFound if it was never saved
	Save(name string, v any) error // durable when it returns
}

// Names is a home's memory of which member a name meant when it was last written to: a
// name may pass to another member, and what was meant for the one should not reach the
// other. It is safe for concurrent use. A nil Names remembers nothing.
type Names struct {
	records Records

	mu    sync.Mutex
	meant map[moot.MemberID]meanings // by writer: a server has accounts of several members
}

// meanings are members by the mail form of their names; of an alias the zero ID.
type meanings map[string]moot.MemberID

// OpenNames reads the memory.
func OpenNames(records Records) (*Names, error) {
	n := &Names{records: records, meant: map[moot.MemberID]meanings{}}
	if err := records.Load(namesFile, &n.meant); err != nil && !errors.Is(err, moot.NotFound) {
		return nil, moot.Wrap("read which members names meant", err)
	}
	return n, nil
}

// Check reports, with kind Conflict, a name that means another member than when the
// writer last wrote to it.
func (n *Names) Check(writer moot.MemberID, targets ...Target) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range targets {
		name, means := t.meaning()
		before, known := n.meant[writer][name]
		switch {
		case name == "" || !known || before == means:
		case before.IsZero():
			return moot.WithHint(moot.Errorf(moot.Conflict, "%s is now a member (%v), and was an alias when you wrote to it before", name, means), moot.HintOtherMember)
		case !means.IsZero():
			return moot.WithHint(moot.Errorf(moot.Conflict, "%s is now another member (%v) than the one you wrote to before (%v)", name, means, before), moot.HintOtherMember)
		case !slices.ContainsFunc(targets, func(o Target) bool { return o.Alias == name && o.Member == before }):
			return moot.WithHint(moot.Errorf(moot.Conflict, "%s is now an alias that does not lead to the member you wrote to before (%v)", name, before), moot.HintOtherMember)
		}
	}
	return nil
}

// meaning returns the name by which a target was addressed, and what it means: a member,
// or, of an alias, whose members may change, the zero ID.
func (t Target) meaning() (name string, means moot.MemberID) {
	if t.Alias != "" {
		return t.Alias, moot.MemberID{}
	}
	return t.Name, t.Member
}

// Remember saves whom names mean to a writer.
func (n *Names) Remember(writer moot.MemberID, targets ...Target) error {
	if n == nil {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	mine := maps.Clone(n.meant[writer])
	if mine == nil {
		mine = meanings{}
	}
	for _, t := range targets {
		if name, means := t.meaning(); name != "" {
			mine[name] = means
		}
	}
	if maps.Equal(mine, n.meant[writer]) {
		return nil
	}
	all := maps.Clone(n.meant)
	all[writer] = mine
	if err := n.records.Save(namesFile, all); err != nil {
		return moot.Wrap("remember whom names mean", err)
	}
	n.meant = all
	return nil
}
