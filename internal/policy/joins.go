package policy

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/trust"
)

// Limits on joins that nobody has admitted, and on what their devices say: a link is
// enough to send them. They delay, and decide nothing (R14, R21).
const (
	maxMarked  = 4           // joins beyond an invitation's uses that are kept and shown as waiting
	maxUnnamed = 1024        // joins by one invitation, whatever its uses
	delay      = time.Minute // between further ones
	maxHidden  = 256         // entries of a device that waits
)

// join is the first act of a device.
type join struct {
	id     moot.EntryID
	device moot.Key
	time   moot.Time
	body   trust.Join
	late   bool // its invitation had expired when it came, by this node's clock
	named  bool // some witness act is about it
}

// joins are the first acts of devices, in the order in which they came.
type joins struct {
	list    []join
	first   map[moot.Key]int           // index of a device's first join
	byID    map[moot.EntryID]int       // index
	unnamed map[moot.EntryID]int       // invitations to joins that are not named
	last    map[moot.EntryID]time.Time // when a join beyond the limit was taken in, by invitation
}

func newJoins() joins {
	return joins{
		first: map[moot.Key]int{}, byID: map[moot.EntryID]int{}, unnamed: map[moot.EntryID]int{}, last: map[moot.EntryID]time.Time{},
	}
}

func (a *joins) add(j join) {
	if _, known := a.byID[j.id]; known {
		return
	}
	if _, again := a.first[j.device]; !again {
		a.first[j.device] = len(a.list)
	}
	a.byID[j.id] = len(a.list)
	a.list = append(a.list, j)
	if !j.named {
		a.unnamed[j.body.Invite]++
	}
}

// seen takes note of the joins that a witness act admits.
func (a *joins) seen(b trust.Witness) {
	for _, l := range b.Admits {
		if i, ok := a.byID[l.Join]; ok && !a.list[i].named {
			a.list[i].named = true
			a.unnamed[a.list[i].body.Invite]--
		}
	}
}

// crowded reports, with kind Full, that so many join with one invitation that this one has
// to come again later.
func (a *joins) crowded(invite moot.EntryID, uses int, now time.Time) error {
	if a.unnamed[invite] < min(uses, maxUnnamed)+maxMarked {
		return nil
	}
	if last, ok := a.last[invite]; ok && now.Sub(last) >= 0 && now.Sub(last) < delay {
		return moot.Errorf(moot.Full, "%d who used this invitation wait for admission already", a.unnamed[invite])
	}
	a.last[invite] = now
	return nil
}

func (a *joins) devices() (all []moot.Key) {
	for k := range a.first {
		all = append(all, k)
	}
	return all
}

// admitPlain checks an entry that is no act: devices that joined may write up to a limit,
// whether it counts or not.
func (a *acts) admitPlain(e *moot.Entry, at moot.Position, begins *moot.Position) error {
	i, joined := a.first[e.Author]
	if !joined {
		return stranger(e.Author)
	}
	if !a.list[i].named && at.Seq > maxHidden {
		return moot.Errorf(moot.Full, "more than this node takes before its device is admitted")
	}
	branch := at.Branch
	if begins != nil {
		branch = begins.Branch
	}
	if at.Seq <= trust.MaxBeyond {
		return nil
	}
	if limit := a.current().PlainLimit(e.Author, branch); at.Seq > limit {
		return moot.Errorf(moot.Full, "more than this node takes before a server, admin or owner has confirmed what came before (up to entry %d)", limit)
	}
	return nil
}
