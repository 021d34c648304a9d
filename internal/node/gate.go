package node

import (
	"context"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
)

// gate verifies entries against the roster before they are stored, and keeps the clock later
// than all that is stored, so that what is written here next is the newer.
type gate struct {
	*policy.Roster
	clock *feed.Clock
}

// Apply implements store.Gate.
func (g gate) Apply(e moot.Entry) {
	_ = g.clock.Observe(e.Time) // was admitted, so within bounds
	g.Roster.Apply(e)
}

// verify checks an entry of a server's response. What is written here next is later
// than it, as it may replace it.
func verify(clock *feed.Clock) func(moot.Entry) error {
	return func(e moot.Entry) error {
		if err := feed.Verify(e); err != nil {
			return err
		}
		return clock.Observe(e.Time)
	}
}

// guard asks the policy before anything is answered. The holder of an invitation may do
// one thing: submit the entry that makes it a member. It implements wire.Guard.
type guard struct {
	roster *policy.Roster
	policy policy.Policy
}

// Allow implements wire.Guard.
func (g guard) Allow(ctx context.Context, caller moot.Key, action, subject string) error {
	if _, member := g.roster.Role(caller); !member && action == string(policy.Write) {
		if _, err := g.roster.Invite(caller); !errors.Is(err, moot.Stranger) {
			return err
		}
	}
	return g.policy.Allow(ctx, caller, policy.Action(action), subject)
}

// Accept verifies one entry that the caller submits. Members may pass on what others
// signed; the author's rights are verified again when it is stored.
func (g guard) Accept(_ context.Context, caller moot.Key, e moot.Entry) error {
	if _, member := g.roster.Role(caller); member {
		return nil
	}
	if _, err := g.roster.Invite(caller); err != nil {
		return err
	}
	body, err := policy.DecodeMember(e.Body)
	if e.Kind != moot.KindMember || err != nil || body.Invite != caller {
		return moot.Errorf(moot.Denied, "an invitation allows to join, nothing else")
	}
	return nil
}
