package members_test

import (
	"testing"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

type gate struct{ *policy.Roster }

func (g gate) Admit(e *moot.Entry, at moot.Position, b *moot.Position, h store.Held) error {
	return g.Roster.Admit(e, at, b, policy.Held(h))
}
func (g gate) Apply(e *moot.Entry, at moot.Position, b *moot.Position, h store.Held) []moot.Key {
	return g.Roster.Apply(e, at, b, policy.Held(h))
}

func TestFlow(t *testing.T) {
	ctx := t.Context()
	key := seal.NewKey()
	founding, err := members.Founding("friends", "laptop", key, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	space := feed.SpaceOf(&founding)
	roster := policy.NewRoster(space, time.Now)
	s, err := store.Open(ctx, store.Config{Gate: gate{roster}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(ctx, moot.Merge, founding); err != nil {
		t.Fatal(err)
	}
	mk := func(k []byte) *members.Members {
		key := k
		sg, err := sign.New(ctx, sign.Config{Self: seal.Public(key), Author: feed.NewAuthor(space, key, feed.NewClock(time.Now, 0), nil), Local: s})
		if err != nil {
			t.Fatal(err)
		}
		return members.New(members.Config{Space: space, Self: seal.Public(key), Node: s, Write: sg.Through(s), Roster: roster})
	}
	ann := mk(key)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(ann.Found(ctx, "ann"))
	code, err := ann.Recovery(ctx, nil)
	must(err)
	t.Log(code)
	l, err := ann.Invite(ctx, members.Invitation{Role: policy.RoleMember, Uses: 1, Expires: time.Hour})
	must(err)
	bk := seal.NewKey()
	j, err := members.Enter(l, bk, "bob", "phone", time.Now)
	must(err)
	must(s.Append(ctx, moot.Merge, j))
	list, err := ann.List(ctx)
	must(err)
	t.Logf("%+v", list)
	did, err := ann.Witness(ctx, false)
	must(err)
	list, err = ann.List(ctx)
	must(err)
	t.Logf("%v %+v", did, list)
	bob := mk(bk)
	must(bob.Rename(ctx, "robert"))
	did, err = ann.Witness(ctx, true)
	must(err)
	dl, err := bob.AddDevice(ctx, members.DeviceLink{Expires: time.Hour})
	must(err)
	dk := seal.NewKey()
	j, err = members.Enter(dl, dk, "", "tablet", time.Now)
	must(err)
	must(s.Append(ctx, moot.Merge, j))
	_, err = bob.Witness(ctx, false)
	must(err)
	_, err = mk(dk).RenameDevice(ctx, "tablet", "slate")
	must(err)
	list, err = ann.List(ctx)
	must(err)
	t.Logf("%v %+v", did, list)
	_, err = bob.RemoveDevice(ctx, "", "slate")
	must(err)
	_, err = ann.SetRole(ctx, "robert", policy.RoleAdmin)
	must(err)
	_, err = ann.Revoke(ctx, "robert", false)
	must(err)
	list, _ = ann.List(ctx)
	t.Logf("%+v", list)
	_, err = ann.Restore(ctx, "robert")
	must(err)
	list, _ = ann.List(ctx)
	t.Logf("%+v", list)
}
