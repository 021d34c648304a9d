package wire

import (
	"math/rand/v2"
	"sync"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/swarm"
)

// spreads are the wishes of this node for the blobs that it holds as a whole and that
// several fetch from it now.
type spreads struct {
	mu    sync.Mutex
	blobs map[moot.BlobID]*spread
	last  uint64 // number of a receiver
}

type spread struct {
	*swarm.SuperSeed
	receivers int
}

// receiver is one exchange's part in a spread; the zero value is none.
type receiver struct {
	all    *spreads
	spread *spread
	id     moot.BlobID
	number uint64
}

// join makes an exchange take part. Until leave is called its wishes are remembered.
func (s *spreads) join(b moot.Blob) receiver {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs == nil {
		s.blobs = map[moot.BlobID]*spread{}
	}
	sp := s.blobs[b.ID]
	if sp == nil {
		groups := blob.Groups(b.Size)
		sp = &spread{SuperSeed: swarm.NewSuperSeed(groups, swarm.PartGroups(groups), rand.Uint64())}
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
	r.spread.Leave(r.number)
	if r.spread.receivers--; r.spread.receivers == 0 {
		delete(r.all.blobs, r.id)
	}
}

// sent notes a part that was sent, if any, and returns what should be asked for first
// beyond what was said before, and whether the receivers can do without this node.
func (r receiver) sent(run groupRun, waiting int) (first []groupRun, spared bool) {
	if r.all == nil {
		return nil, false
	}
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if run.count > 0 {
		r.spread.Sent(swarm.Run{First: int64(run.first), Count: int64(run.count)})
	}
	for _, p := range r.spread.Assign(r.number, waiting) {
		first = append(first, groupRun{uint64(p.First), uint64(p.Count)})
	}
	return first, r.spread.CanBackOff(r.spread.receivers)
}
