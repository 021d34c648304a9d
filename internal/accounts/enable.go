package accounts

import (
	"context"
	"slices"
	"strconv"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// Enable makes one more device of a member, which joins with a link that a device of that
// member made, and sets a password; "" has one made. If this node keeps a device of the
// member already, the link only proves who sets the password, and is withdrawn.
func (a *Accounts) Enable(ctx context.Context, link, password string) (Description, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	d, err := a.enable(ctx, link, password)
	return d, moot.Wrap("enable an account", err)
}

func (a *Accounts) enable(ctx context.Context, link, password string) (Description, error) {
	if err := a.checkPassword(password); err != nil {
		return Description{}, err
	}
	one, err := a.resumeLink(ctx, link)
	if err != nil {
		return Description{}, err
	}
	if one.Key == nil {
		if one, err = a.enter(ctx, link); err != nil {
			return Description{}, err
		}
	}
	made, err := a.setPassword(ctx, one.Member, password)
	if err != nil {
		return Description{}, err
	}
	d := a.describeKey(one.Device())
	d.Password = made
	if one.link.Version == 0 { // it was here before
		return d, nil
	}
	return d, a.finish(ctx, one)
}

// resumeLink continues all joins that are not finished, and returns the one by a link.
func (a *Accounts) resumeLink(ctx context.Context, link string) (found joined, err error) {
	resumed, err := a.resume(ctx)
	if err != nil {
		return found, err
	}
	for _, one := range resumed {
		if one.link.String() == link {
			found = one
		} else if err := a.finish(ctx, one); err != nil {
			return found, err
		}
	}
	return found, nil
}

// enter has a device of this node join with a member's link, if none is here yet.
func (a *Accounts) enter(ctx context.Context, link string) (joined, error) {
	l, in, err := a.parseLink(link)
	if err != nil {
		return joined{}, err
	}
	if in.For.IsZero() {
		return joined{}, moot.WithHint(moot.Errorf(moot.Invalid, "the link is for a new member, not for one more device of a member"), moot.HintCheckInvite)
	}
	m, ok := a.cfg.Roster.Member(in.For)
	if !ok || m.Revoked {
		return joined{}, moot.Errorf(moot.Revoked, "the membership of %s was revoked", m.Name)
	}
	if one, ok := a.of(in.For); ok {
		_, err := a.members(one).Withdraw(ctx, in.ID.String())
		return joined{Account: one}, err
	}
	return a.join(ctx, l, "", a.label(m))
}

// of returns the account of a member, rather the node's own.
func (a *Accounts) of(member moot.MemberID) (Account, bool) {
	if own := a.ownAccount(); own.Member == member {
		return own, true
	}
	return a.hosted(member)
}

// label returns a name for one more device of a member.
func (a *Accounts) label(m policy.Member) string {
	label := a.cfg.Label
	for n := 2; slices.ContainsFunc(m.Devices, func(d policy.Device) bool { return d.Name == label }); n++ {
		label = a.cfg.Label + "-" + strconv.Itoa(n)
	}
	return label
}
