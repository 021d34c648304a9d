package trust

import (
	"bytes"
	"cmp"

	"github.com/mootspace/moot"
)

// Power orders members (R7): by rank, then by the act by which the member rose to it, the
// lower first. The zero Power is a removed member's who was never admitted.
type Power struct {
	rank   int // -1: never admitted
	height int // of the act by which it rose
	act    moot.EntryID
	member moot.MemberID // of two who rose by one act
}

// Rank returns the rank, as Role.Rank does.
func (p Power) Rank() int { return max(p.rank, 0) }

// Height returns the height of the act by which the member rose to its role.
func (p Power) Height() int { return p.height }

// Compare is positive if p is above q.
func (p Power) Compare(q Power) int {
	return cmp.Or(cmp.Compare(p.rank, q.rank), cmp.Compare(q.height, p.height),
		bytes.Compare(q.act[:], p.act[:]), bytes.Compare(q.member[:], p.member[:]))
}

func (p Power) above(q Power) bool { return p.Compare(q) > 0 }

// powerless is below everybody's power.
func powerless() Power { return Power{rank: -1} }
