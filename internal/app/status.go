package app

import (
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/policy"
)

// Status is the state of a node.
type Status struct {
	Identity
	Via     moot.Architecture `json:"via"`
	Running bool              `json:"running"` // as a process of its own
	Role    policy.Role       `json:"role"`
	Servers []ServerStatus    `json:"servers"`
	Peers   int               `json:"peers"` // connected now
	Addrs   []string          `json:"addrs"` // where this node listens
	Holdings
	Membership
}

// Holdings are what a node holds, and what it has moved.
type Holdings struct {
	Entries   uint64 `json:"entries"`
	Authors   int    `json:"authors"` // devices that wrote them
	Blobs     int64  `json:"blobs"`
	Bytes     int64  `json:"bytes"`
	InForce   int64  `json:"in_force_bytes"` // of Bytes: what versions in force need
	Old       int64  `json:"old_bytes"`      // of Bytes: what retained versions need
	InPlace   int64  `json:"in_place_bytes"` // beside Bytes: in synced folders and files shared in place
	Sent      int64  `json:"sent_bytes"`     // to others since the node started
	Received  int64  `json:"received_bytes"` // of blobs from others since the node started
	Conflicts int    `json:"conflicts"`      // names with several versions in force
	Forks     int    `json:"forks"`          // proofs that a device signed two entries with one predecessor
}

// Membership is what is open about the members of the space.
type Membership struct {
	Adopted     bool            `json:"adopted"`               // false: a space of version 0.1.0 that its founder has not brought over
	Invitations int             `json:"invitations"`           // that can be used
	Waiting     []WaitingStatus `json:"waiting,omitempty"`     // for a server, admin or owner
	Forked      []ForkStatus    `json:"forked,omitempty"`      // until a branch is chosen
	CatchUp     *CatchUp        `json:"catching_up,omitempty"` // nil: the node knows where its own feed ends
}

// WaitingStatus is a device that nobody who may has admitted yet.
type WaitingStatus struct {
	Member moot.MemberID `json:"member"`
	Name   string        `json:"name"` // the member's
	Device moot.Key      `json:"device"`
	Label  string        `json:"label,omitempty"`  // the device's
	Joined bool          `json:"joined,omitempty"` // the member is admitted: only this device waits
}

// ForkStatus is a device that goes on from two copies of one home.
type ForkStatus struct {
	Member   moot.MemberID `json:"member"`
	Name     string        `json:"name"` // the member's
	Device   moot.Key      `json:"device"`
	Label    string        `json:"label,omitempty"` // the device's
	Since    time.Time     `json:"since,omitzero"`  // when this node learned of it
	Branches []Branch      `json:"branches"`
}

// Branch is one way in which a forked feed goes on.
type Branch struct {
	Head    moot.EntryID `json:"head"`    // its last entry
	Entries uint64       `json:"entries"` // on this branch alone
	Last    moot.Time    `json:"last"`    // of the last entry, as its author says
}

// CatchUp is a restored home, or a server at its start, that asks others what it has said
// itself before it says more.
type CatchUp struct {
	Asked    int    `json:"asked"`    // nodes that are asked
	Answered int    `json:"answered"` // nodes that told everything they hold
	Missing  uint64 `json:"missing"`  // entries known to be missing
}

// ServerStatus is a server and whether it answers.
type ServerStatus struct {
	moot.Peer
	Reachable bool   `json:"reachable"`
	Why       string `json:"why,omitempty"` // if not
}

// PeerStatus is a member's node as this node sees it.
type PeerStatus struct {
	moot.Peer
	Member    moot.MemberID `json:"member"` // for whom the device acts
	Role      policy.Role   `json:"role"`
	Connected bool          `json:"connected"`
}
