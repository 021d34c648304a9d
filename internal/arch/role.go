package arch

import (
	"context"

	"github.com/mootspace/moot/internal/policy"
)

// Role is what a node is to others: how it answers them, and what it keeps for them.
type Role struct {
	Name string
	// Policy decides what callers get.
	Policy func(Owner) policy.Policy

	Mirror    bool // fetches and keeps all that the space's names stand for
	HoldsMail bool // holds messages for every member, and bounds their mailboxes
	Lends     bool // lends its processors unless its owner says otherwise
	Copies    bool // keeps bytes of its own: fetched files are not moved out of its store
	Seeds     bool // asks many receivers of one blob to use other sources once they can
}

// Owner is whose decisions a peer's policy applies.
type Owner struct {
	Roster      *policy.Roster
	Preferences func() policy.Preferences
	Publishes   func(ctx context.Context, blob string, names []string) bool
}

// Server answers by the members' roles.
func Server() Role {
	return Role{
		Name: "server", Mirror: true, HoldsMail: true, Lends: true, Copies: true, Seeds: true,
		Policy: func(o Owner) policy.Policy { return policy.Server{Roster: o.Roster} },
	}
}

// Worker runs tasks beside the space's server.
func Worker() Role {
	r := Peer()
	r.Name, r.Lends = "worker", true
	return r
}

// Peer answers as its owner prefers.
func Peer() Role {
	return Role{Name: "peer", Policy: func(o Owner) policy.Policy {
		return policy.Peer{Roster: o.Roster, Preferences: o.Preferences, Serves: o.Publishes}
	}}
}
