package node

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/trust"
)

// gate verifies entries against the roster before they are stored, and keeps the clock later
// than all that is stored, so that what is written here next is the newer.
type gate struct {
	*policy.Roster
	clock *feed.Clock
	log   *slog.Logger
	live  *atomic.Bool // what was stored before is applied again while the store opens
	// retired is called when a device has ended because its feed has forked.
	retired func()
}

// Admit implements store.Gate.
func (g gate) Admit(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) error {
	return g.Roster.Admit(e, at, begins, policy.Held(held))
}

// Apply implements store.Gate.
func (g gate) Apply(e *moot.Entry, at moot.Position, begins *moot.Position, held store.Held) []moot.Key {
	_ = g.clock.Observe(e.Time) // one too far ahead must not lead this node's clock
	if begins != nil && g.live.Load() {
		g.noticeFork(e.Author)
	}
	if e.Kind == moot.KindAct && e.Key == trust.KindRetire && g.live.Load() {
		g.retired()
	}
	return g.Roster.Apply(e, at, begins, policy.Held(held))
}

// noticeFork tells people once that a device's feed has forked.
func (g gate) noticeFork(device moot.Key) {
	name := device.Short()
	if id, ok := g.Owner(device); ok {
		if m, ok := g.Member(id); ok {
			name = m.Name
		}
	}
	g.log.Warn("a device was copied, and both copies have written: both are kept, and it goes on as a new device", "member", name, "device", device)
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

// guard asks the policy before anything is answered. The holder of an invitation, and the
// heir of a device, may do one thing: submit the act with which a device joins. It
// implements wire.Guard.
type guard struct {
	roster *policy.Roster
	policy policy.Policy
	// names reports, with kind Conflict, that nobody may join here under a name. nil: anybody
	// may, also under another member's name, and is shown with a mark.
	names func(ctx context.Context, name string, role policy.Role) error
}

// Allow implements wire.Guard.
func (g guard) Allow(ctx context.Context, caller moot.Key, action, subject string) error {
	if action == string(policy.Write) {
		if in, err := g.roster.Invitation(caller); in.Key == caller {
			return err
		}
		if _, ok := g.roster.Heir(caller); ok {
			return nil
		}
	}
	return g.policy.Allow(ctx, caller, policy.Action(action), subject)
}

// Accept verifies one entry that the caller submits. Members may pass on what others
// signed: it is decided when it is stored.
func (g guard) Accept(ctx context.Context, caller moot.Key, e moot.Entry) error {
	who, err := g.roster.Acting(caller)
	if err == nil {
		return mayWrite(who, caller, &e)
	}
	retire, heir := g.roster.Heir(caller)
	in, err := g.roster.Invitation(caller)
	if err != nil && !heir {
		return err
	}
	body, err := trust.Decode(e.Key, e.Body)
	join, ok := body.(trust.Join)
	switch {
	case err != nil || e.Kind != moot.KindAct || !ok:
	case heir && e.Author == caller && join.Retire == retire:
		return nil
	case !heir && join.Invite == in.ID:
		return g.free(ctx, join.Name, in.Role, moot.MemberID(e.ID))
	}
	return moot.Errorf(moot.Denied, "an invitation allows to join, nothing else")
}

// free reports, with kind Conflict, that a newcomer may not have the name that it claims.
func (g guard) free(ctx context.Context, name string, role policy.Role, newcomer moot.MemberID) error {
	if g.names == nil || name == "" {
		return nil
	}
	id, err := g.roster.Holder(name)
	switch {
	case err == nil && id == newcomer: // again, as the acknowledgement was lost
		return nil
	case err == nil:
		return moot.WithHint(moot.Errorf(moot.Conflict, "another member is called %q, or a name that mail programs take for it", name), moot.HintRename)
	}
	return g.names(ctx, name, role)
}

// newcomerName is the names of guard: a server refuses those that are taken.
func (n *Node) newcomerName() func(context.Context, string, policy.Role) error {
	if n.cfg.Role.Copies {
		return n.mayBeNamed
	}
	return nil
}

// mayWrite reports why what a device writes itself would not count.
func mayWrite(who policy.Member, device moot.Key, e *moot.Entry) error {
	if e.Author != device {
		return nil
	}
	return counts(who, e.Kind)
}

// counts reports why what a member says would not count.
func counts(who policy.Member, kind moot.Kind) error {
	if who.Role == policy.RoleGuest && kind != moot.KindAct && kind != moot.KindReceipt {
		return moot.Errorf(moot.Denied, "a guest may read, not write")
	}
	return nil
}

// countsOf reports why what a device says would not count.
func countsOf(roster *policy.Roster, device moot.Key) func(sign.Statement) error {
	return func(st sign.Statement) error {
		if st.Kind == moot.KindAct {
			return nil // the rules decide
		}
		who, err := roster.Acting(device)
		if err != nil {
			return err
		}
		return counts(who, st.Kind)
	}
}
