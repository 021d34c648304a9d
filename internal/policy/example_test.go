package policy_test

import (
	"context"
	"fmt"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/trust"
)

// A founder's first act begins a space.
func ExampleRoster() {
	now := func() time.Time { return time.Unix(1_800_000_000, 0) }
	key := keyOf("ann")
	body, err := trust.Encode(trust.Space{Name: "friends", Label: "laptop"})
	if err != nil {
		panic(err)
	}
	first := feed.NewAuthor(moot.SpaceID{}, key, feed.NewClock(now, 0), nil).NextAct(trust.KindSpace, nil, body)
	roster := policy.NewRoster(feed.SpaceOf(&first), now)
	held := func(moot.EntryID) (moot.Key, moot.Position, bool) { return moot.Key{}, moot.Position{}, false }
	at := moot.Position{Seq: 1}
	if err := roster.Admit(&first, at, nil, held); err != nil {
		panic(err)
	}
	roster.Apply(&first, at, nil, held)
	who, err := roster.Acting(public(key))
	fmt.Println(roster.Space(), who.Role, who.Devices[0].Name, err)
	fmt.Println(moot.KindOf(policy.Server{Roster: roster}.Allow(context.Background(), moot.Key{9}, policy.Upload, "")))
	// Output:
	// friends owner laptop <nil>
	// stranger
}

// A peer serves the files that its owner names, to members only.
func ExamplePeer() {
	founder := public(keyOf("ann"))
	peer := policy.Peer{
		Roster:      policy.NewRoster(moot.SpaceID(founder), time.Now), // a space of version 0.1.0
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
