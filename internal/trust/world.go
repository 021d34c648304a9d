package trust

import "github.com/mootspace/moot"

// World holds the acts of one space, and what they amount to. It is not safe for concurrent use.
type World struct {
	space moot.SpaceID
}

// Config sets limits and what is known of a space from version 0.1.0. The zero value is usual.
type Config struct {
	Budget        int        // acts of a device that no other member's witness act has covered (R21); 0 means 64
	WitnessBudget int        // the same for servers, admins and owners; 0 means 4096
	Owners        []moot.Key // of a space from version 0.1.0: who may adopt it, by seniority, the founder first
}

// New returns an empty World.
func New(space moot.SpaceID, c Config) *World { return &World{space: space} }

// Add takes in an act of which all that it names is held; adding it again does nothing. An
// act that is taken in need not stand: see State. Errors: Gap (names what is not held: try
// again later); refused for good: Stranger, Revoked (nobody's device, in its own view), Full
// (over the budget), Invalid (form, or it follows or names what was refused).
func (w *World) Add(a Act) error { return nil }

// Fork begins a branch of a device's feed after the entry at parent; parent.Seq 0: with
// another first entry. It comes before the branch's first act, and is taken back if that
// act is the branch's first entry and is refused.
func (w *World) Fork(device moot.Key, branch int, parent Position) {}

// Probe reports whether an act, not signed yet, would have the right: nil, or why not in
// words, kind Denied, Stranger, Revoked, Full or Invalid. Its ID is not looked at.
func (w *World) Probe(a Act) error { return nil }

// State returns what all acts held amount to. It does not change when the World does.
func (w *World) State() *State { return &State{} }
