package daemon

import (
	"context"
	"errors"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// guard asks the policy in force before anything is answered. It lets the holder of
// an invitation through one door only: to hand in the entry that makes him a member.
type guard struct {
	roster *policy.Roster
	policy policy.Policy
}

func (g guard) Allow(ctx context.Context, caller moot.Key, action, subject string) error {
	if _, member := g.roster.Role(caller); !member && action == string(policy.Write) {
		if _, err := g.roster.Invite(caller); !errors.Is(err, moot.Stranger) {
			return err
		}
	}
	return g.policy.Allow(ctx, caller, policy.Action(action), subject)
}

// Accept judges one entry that the caller hands in. Members may hand on what others
// signed; who may say what is judged again, by its author, when it is stored.
func (g guard) Accept(ctx context.Context, caller moot.Key, e moot.Entry) error {
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

// everything lets the owner of this home do all that the home's key may.
type everything struct{}

func (everything) Allow(context.Context, moot.Key, string, string) error { return nil }
func (everything) Accept(context.Context, moot.Key, moot.Entry) error    { return nil }
