package accounts

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/trust"
)

// invitationLifetime is how long an invitation that is used at once is good for.
const invitationLifetime = time.Hour

// Add makes a member whose only device this node keeps. Without a link the node's own
// member invites it. Kinds: Conflict if another member has the name, or one that mail
// programs take for it; Denied; those of an invitation that cannot be used.
func (a *Accounts) Add(ctx context.Context, name, link string) (Description, error) {
	a.changing.Lock()
	defer a.changing.Unlock()
	d, err := a.add(ctx, name, link)
	return d, moot.Wrap("add an account", err)
}

func (a *Accounts) add(ctx context.Context, name, link string) (Description, error) {
	if err := trust.CheckName(name); err != nil {
		return Description{}, err
	}
	resumed, err := a.resume(ctx)
	if err != nil {
		return Description{}, err
	}
	for _, one := range resumed {
		if err := a.finish(ctx, one); err != nil {
			return Description{}, err
		}
		if id, err := a.cfg.Roster.Holder(name); err == nil && id == one.Member { // by the attempt before this one
			return a.describeKey(one.Device()), nil
		}
	}
	if _, err := a.cfg.Roster.Holder(name); err == nil {
		return Description{}, moot.WithHint(moot.Errorf(moot.Conflict, "another member is called %q, or a name that mail programs take for it; %q is free", name, a.free(ctx, name)), moot.HintRename)
	}
	if err := a.cfg.MayBeNamed(ctx, name, policy.RoleMember); err != nil {
		return Description{}, moot.Errorf(moot.KindOf(err), "%w; %q is free", err, a.free(ctx, name))
	}
	l, err := a.invitation(ctx, link)
	if err != nil {
		return Description{}, err
	}
	one, err := a.join(ctx, l, name, a.cfg.Label)
	if err != nil {
		return Description{}, err
	}
	return a.describeKey(one.Device()), a.finish(ctx, one)
}

// free proposes a name like one that is taken.
func (a *Accounts) free(ctx context.Context, name string) string {
	for n := 2; ; n++ {
		suffix := "-" + strconv.Itoa(n)
		base := name
		for trust.CheckName(base+suffix) != nil && base != "" { // too long
			_, size := utf8.DecodeLastRuneInString(base)
			base = base[:len(base)-size]
		}
		if _, err := a.cfg.Roster.Holder(base + suffix); err != nil && moot.KindOf(a.cfg.MayBeNamed(ctx, base+suffix, policy.RoleMember)) != moot.Conflict {
			return base + suffix
		}
	}
}

// invitation returns the link with which a new member joins.
func (a *Accounts) invitation(ctx context.Context, link string) (members.Link, error) {
	if link != "" {
		l, in, err := a.parseLink(link)
		if err == nil && !in.For.IsZero() {
			err = moot.WithHint(moot.Errorf(moot.Invalid, "the link is for one more device of a member, not for a new member"), moot.HintCheckInvite)
		}
		return l, err
	}
	l, err := a.members(a.ownAccount()).Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: invitationLifetime})
	if errors.Is(err, moot.Denied) {
		err = moot.WithHint(moot.Errorf(moot.Denied, "this node's member may not invite"), moot.HintInvite)
	}
	return l, err
}

// parseLink reads a link and finds its invitation. What the link itself says of the
// invitation is not relied on.
func (a *Accounts) parseLink(text string) (l members.Link, in policy.Invitation, err error) {
	if l, err = members.ParseLink(text, a.cfg.Now()); err != nil {
		return l, in, err
	}
	if l.Space != a.cfg.Space {
		return l, in, moot.WithHint(moot.Errorf(moot.Invalid, "the link is to another space"), moot.HintCheckInvite)
	}
	in, err = a.cfg.Roster.Invitation(seal.Public(seal.FromSeed(l.Seed)))
	switch {
	case errors.Is(err, moot.Stranger):
		err = moot.WithHint(moot.Errorf(moot.Unavailable, "this node has not heard of the invitation yet"), moot.HintRetry)
	case err == nil && in.Recovery:
		err = moot.WithHint(moot.Errorf(moot.Invalid, "the link is a recovery code's"), moot.HintCheckInvite)
	}
	return l, in, err
}

// joined is an account whose join is not finished.
type joined struct {
	Account
	link members.Link
}

// join makes a device that joins with a link. One that is refused leaves nothing behind.
func (a *Accounts) join(ctx context.Context, l members.Link, as, label string) (joined, error) {
	key := seal.NewKey()
	e, err := members.Enter(l, key, as, label, a.cfg.Now)
	if err != nil {
		return joined{}, err
	}
	device := seal.Public(key)
	if err := a.joins.put(device, pendingJoin{Link: l.String(), Entry: feed.Encode(e)}); err != nil {
		return joined{}, err
	}
	path := a.path(device.String(), ".pem")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return joined{}, errors.Join(durable.Error("make a directory", err), a.joins.drop(device))
	}
	if err := seal.SaveKey(path, key); err != nil {
		return joined{}, errors.Join(err, a.joins.drop(device))
	}
	one, err := a.submit(ctx, key, l, e)
	if err != nil && !undecided(err) {
		err = errors.Join(err, a.forget(device))
	}
	return one, err
}

// undecided reports whether what failed may have been stored.
func undecided(err error) bool {
	return moot.KindOf(err) == moot.Unavailable || moot.KindOf(err) == moot.Internal
}

// submit stores a join and has it admitted.
func (a *Accounts) submit(ctx context.Context, key ed25519.PrivateKey, l members.Link, e moot.Entry) (joined, error) {
	if err := a.cfg.Feeds.Append(ctx, moot.Merge, e); err != nil {
		return joined{}, err
	}
	if err := a.admit(ctx); err != nil && undecided(err) { // else it waits for others
		return joined{}, err
	}
	if _, err := a.cfg.Roster.Acting(e.Author); errors.Is(err, moot.Stranger) { // it does not even wait
		return joined{}, moot.WithHint(moot.Errorf(moot.UsedUp, "the invitation has been used: ask for a new one"), moot.HintInvite)
	}
	one, err := a.openKey(ctx, key)
	return joined{one, l}, err
}

func (a *Accounts) admit(ctx context.Context) error {
	if a.cfg.Admit != nil {
		return a.cfg.Admit(ctx)
	}
	_, err := a.members(a.ownAccount()).Witness(ctx, false)
	return err
}

// finish reports a new account.
func (a *Accounts) finish(ctx context.Context, one joined) error {
	if err := a.cfg.Added(ctx, one.Account, one.link); err != nil {
		return err
	}
	return a.joins.drop(one.Device())
}

// forget deletes the key of a device, and what is known of its join.
func (a *Accounts) forget(device moot.Key) error {
	a.mu.Lock()
	if d := a.kept[device]; d != nil {
		d.end()
		delete(a.kept, device)
	}
	a.mu.Unlock()
	for _, extension := range []string{".pem", ".heir"} {
		if err := os.Remove(a.path(device.String(), extension)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return durable.Error("delete the key of an account", err)
		}
	}
	if err := durable.SyncFolder(a.cfg.Data.Path("accounts")); err != nil {
		return durable.Error("delete the key of an account", err)
	}
	return a.joins.drop(device)
}

// describeKey describes a device that is kept.
func (a *Accounts) describeKey(key moot.Key) Description {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.describe(a.device(key))
}
