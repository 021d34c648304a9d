package policy_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
)

// The founder invites a guest, who joins with the invitation's key.
func ExampleRoster() {
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	founder, invite, guest := seed(1), seed(2), seed(3)
	roster := policy.NewRoster(public(founder), now)
	write := func(key ed25519.PrivateKey, kind moot.Kind, name string, body any) error {
		b, err := policy.EncodeBody(body)
		if err != nil {
			return err
		}
		author := feed.NewAuthor(public(founder), key, feed.NewClock(now, 0), nil)
		e := author.Next(kind, name, nil, b)
		if err := roster.Admit(e); err != nil {
			return err
		}
		roster.Apply(e)
		return nil
	}
	join := policy.MemberBody{
		Name: "gus", Role: policy.RoleGuest, Invite: public(invite),
		Proof: policy.JoinProof(invite, public(founder), public(guest)),
	}
	err := write(guest, moot.KindMember, policy.MemberKey(public(guest)), join)
	fmt.Println("before the invitation:", moot.KindOf(err))
	err = write(founder, moot.KindInvite, policy.InviteKey(public(invite)), policy.InviteBody{
		Key: public(invite), Role: policy.RoleGuest, Uses: 1, Expires: now().Add(time.Hour).Unix(),
	})
	fmt.Println("invite:", err)
	now = func() time.Time { return time.Unix(1_800_000_060, 0) } // a minute later
	fmt.Println("join:", write(guest, moot.KindMember, policy.MemberKey(public(guest)), join))
	for _, m := range roster.Members() {
		fmt.Println(m.Name, m.Role)
	}
	// Output:
	// before the invitation: stranger
	// invite: <nil>
	// join: <nil>
	// founder owner
	// gus guest
}

// A peer serves the files that its owner names, to members only.
func ExamplePeer() {
	founder := public(seed(1))
	peer := policy.Peer{
		Roster:      policy.NewRoster(founder, time.Now),
		Preferences: func() policy.Preferences { return policy.Preferences{Names: []string{"public/"}} },
		Serves:      func(_ context.Context, blob string, _ []string) bool { return blob == "of public/a" },
	}
	ctx := context.Background()
	fmt.Println(peer.Allow(ctx, founder, policy.Read, "of public/a"))
	fmt.Println(moot.KindOf(peer.Allow(ctx, founder, policy.Read, "of private/b")))
	fmt.Println(moot.KindOf(peer.Allow(ctx, moot.Key{9}, policy.Read, "of public/a")))
	// Output:
	// <nil>
	// not-found
	// stranger
}

// A server decides by roles.
func ExampleServer() {
	founder := public(seed(1))
	server := policy.Server{Roster: policy.NewRoster(founder, time.Now)}
	fmt.Println(server.Allow(context.Background(), founder, policy.Upload, ""))
	fmt.Println(moot.KindOf(server.Allow(context.Background(), moot.Key{9}, policy.Upload, "")))
	// Output:
	// <nil>
	// stranger
}
