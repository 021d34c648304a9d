package wire

import (
	"math/rand/v2"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// superSeeds is super-seeding of the blobs that this node holds completely and that are
// fetched from it now.
type superSeeds struct {
	mu    sync.Mutex
	blobs map[moot.BlobID]*superSeed
	last  uint64 // number of a receiver
}

type superSeed struct {
	*swarm.SuperSeed
	receivers int
}

// receiver is one exchange in a superSeed; the zero value is none.
type receiver struct {
	all       *superSeeds
	superSeed *superSeed
	id        moot.BlobID
	number    uint64
}

// join adds an exchange, until leave.
func (s *superSeeds) join(b moot.Blob) receiver {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs == nil {
		s.blobs = map[moot.BlobID]*superSeed{}
	}
	sp := s.blobs[b.ID]
	if sp == nil {
		groups := blob.Groups(b.Size)
		sp = &superSeed{SuperSeed: swarm.NewSuperSeed(groups, swarm.PartGroups(groups), rand.Uint64())}
		s.blobs[b.ID] = sp
	}
	sp.receivers++
	s.last++
	return receiver{s, sp, b.ID, s.last}
}

func (r receiver) leave() {
	if r.all == nil {
		return
	}
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.superSeed.Leave(r.number)
	if r.superSeed.receivers--; r.superSeed.receivers == 0 {
		delete(r.all.blobs, r.id)
	}
}

// sent records a part that was sent, if any, and returns the parts newly assigned, and
// whether the receivers can finish without this node.
func (r receiver) sent(run groupRun, waiting int) (first []groupRun, backOff bool) {
	if r.all == nil {
		return nil, false
	}
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if run.count > 0 {
		r.superSeed.Sent(swarm.Run{First: int64(run.first), Count: int64(run.count)})
	}
	for _, p := range r.superSeed.Assign(r.number, waiting) {
		first = append(first, groupRun{uint64(p.First), uint64(p.Count)})
	}
	return first, r.superSeed.CanBackOff(r.superSeed.receivers)
}
