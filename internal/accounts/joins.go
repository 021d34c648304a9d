package accounts

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/seal"
)

const joinsFile = "joins.json"

// pendingJoin is a join that may have been stored without the node knowing: a second,
// different one would fork the device's feed.
type pendingJoin struct {
	Link  string `json:"link"`
	Entry []byte `json:"entry"`
}

// decode returns what a record holds. Kind Corrupt.
func (p pendingJoin) decode(space moot.SpaceID, device moot.Key) (l members.Link, e moot.Entry, err error) {
	if l, err = members.ParseLink(p.Link, time.Unix(0, 0)); err == nil { // expired or not, it was used in time
		e, err = feed.Decode(p.Entry)
	}
	if err == nil && (e.Author != device || e.Space != space) {
		err = moot.Errorf(moot.Corrupt, "it is of another device or space")
	}
	if err != nil {
		err = moot.Errorf(moot.Corrupt, "%s: the join of %s is damaged: %w", joinsFile, device.Short(), err)
	}
	return l, e, err
}

// joins are the joins that are not finished. They are used by one goroutine at a time.
type joins struct {
	state State
	known map[moot.Key]pendingJoin
}

// openJoins reads the joins. One of a device whose key was not saved was never submitted.
func openJoins(state State, space moot.SpaceID, kept map[moot.Key]*device) (*joins, error) {
	j := &joins{state: state, known: map[moot.Key]pendingJoin{}}
	if err := state.Load(joinsFile, &j.known); err != nil && moot.KindOf(err) != moot.NotFound {
		return nil, err
	}
	n := len(j.known)
	maps.DeleteFunc(j.known, func(device moot.Key, _ pendingJoin) bool { return kept[device] == nil })
	for device, p := range j.known {
		if _, _, err := p.decode(space, device); err != nil {
			return nil, err
		}
	}
	if len(j.known) == n {
		return j, nil
	}
	return j, state.Save(joinsFile, j.known)
}

func (j *joins) put(device moot.Key, p pendingJoin) error {
	j.known[device] = p
	err := j.state.Save(joinsFile, j.known)
	if err != nil {
		delete(j.known, device)
	}
	return err
}

func (j *joins) drop(device moot.Key) error {
	if _, ok := j.known[device]; !ok {
		return nil
	}
	delete(j.known, device)
	return j.state.Save(joinsFile, j.known)
}

// Resume continues the joins that were going on when the node ended. It is called once the
// node may write, before the accounts are used.
func (a *Accounts) Resume(ctx context.Context) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	list, err := a.resume(ctx)
	for _, one := range list {
		err = errors.Join(err, a.finish(ctx, one))
	}
	return moot.Wrap("resume the accounts", err)
}

// resume continues joins. A refused one leaves nothing behind; one that cannot be stored
// yet remains.
func (a *Accounts) resume(ctx context.Context) (list []joined, err error) {
	for device, p := range maps.Clone(a.joins.known) {
		one, again := a.resumeOne(ctx, device, p)
		switch {
		case again == nil:
			list = append(list, one)
		case undecided(again):
			err = errors.Join(err, again)
		case moot.KindOf(again) == moot.Gap || moot.KindOf(again) == moot.Full: // of a node that lacks entries, or has a full disk
		default:
			err = errors.Join(err, a.forget(device))
		}
	}
	return list, err
}

func (a *Accounts) resumeOne(ctx context.Context, device moot.Key, p pendingJoin) (joined, error) {
	l, e, err := p.decode(a.cfg.Space, device)
	if err != nil {
		return joined{}, err
	}
	key, err := seal.LoadKey(a.path(device.String(), ".pem"))
	if err != nil {
		return joined{}, err
	}
	return a.submit(ctx, key, l, e)
}
