package daemon

import (
	"context"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/store"
)

// terms are on what conditions this node lends computing power.
func (w *workshop) terms() jobs.Terms {
	wish := w.n.wished.Load()
	t := jobs.Terms{CPUs: wish.LendCPUs, Memory: wish.LendMemory, Wall: time.Duration(wish.LendWall) * time.Second, Hours: wish.LendHours, To: wish.LendTo}
	if t.CPUs == 0 && (w.n.serves || w.n.works) {
		t.CPUs = runtime.NumCPU()
	}
	t.CPUs = max(t.CPUs, 0)
	return t
}

func (w *workshop) admit(member moot.Key) error { return w.terms().Allow(member, time.Now()) }

// most is what one task may use here.
func (w *workshop) most() moot.Limits {
	wish := w.n.wished.Load()
	l := moot.Limits{Memory: orDefaultSize(wish.LendMemory, 512<<20), Wall: time.Duration(orDefaultSize(wish.LendWall, 3600)) * time.Second}
	l.CPU = l.Wall
	return l
}

// lend tells the space on what terms this node lends, and makes it ready to.
func (w *workshop) lend(ctx context.Context) error {
	t := w.terms()
	if t.CPUs > 0 {
		if _, err := w.bench(ctx); err != nil {
			return err
		}
	}
	_, zone := time.Now().Zone()
	o := jobs.Offer{Member: w.n.self(), Terms: t, Server: w.n.serves || w.n.works, Zone: zone}
	if o.Server {
		o.Addrs = w.n.webAddrs[:min(len(w.n.webAddrs), 8)]
	}
	return jobs.Announce(ctx, w.n.store, w.n.signer.Through(w.n.store), o)
}

// Run implements moot.Runner for others: it runs a task here, if this node lends.
func (w *workshop) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	if err := w.admit(t.For); err != nil {
		return moot.Outcome{}, err
	}
	one, err := w.bench(ctx)
	if err != nil {
		return moot.Outcome{}, err
	}
	return one.Run(ctx, t, watch)
}

// pool returns the workers that can be asked for a member now: those whose offers stand,
// and who are connected or have an address.
func (w *workshop) pool(ctx context.Context, member moot.Key, via moot.Architecture) (list []jobs.Worker) {
	offers, err := jobs.Offers(ctx, w.n.store)
	if err != nil {
		w.n.log.Warn("read the offers", "error", err)
		return nil
	}
	near := w.n.neighbours()
	for _, o := range jobs.Lenders(offers, member, via, w.n.roster.MayServe, time.Now()) {
		one := jobs.Worker{Key: o.Member, Slots: o.CPUs}
		peer := moot.Peer{ID: o.Member, Addrs: httpsAddrs(o.Addrs)}
		switch {
		case o.Member == w.n.self():
			if one.Slots = min(one.Slots, w.terms().CPUs); one.Slots == 0 {
				continue
			}
			one.Runner, one.Blobs = w, benchOf{w}
			list = append(list, one)
			continue
		case !w.n.isMember(o.Member):
			continue
		case len(peer.Addrs) == 0 && !slices.ContainsFunc(near, func(p moot.Peer) bool { return p.ID == o.Member }):
			continue
		}
		remote, err := w.n.dial.worker(peer)
		if err == nil {
			one.Runner, one.Blobs = remote, remote
			list = append(list, one)
		}
	}
	return list
}

// benchOf reads what tasks made here.
type benchOf struct{ w *workshop }

func (b benchOf) open(ctx context.Context) (bench, error) {
	_, err := b.w.bench(ctx)
	return bench{b.w.n.store, b.w.scratch, b.w.kept}, err
}

func (b benchOf) Put(context.Context, io.Reader) (moot.Blob, error) {
	return moot.Blob{}, moot.Errorf(moot.Denied, "only tasks put something here")
}

func (b benchOf) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	at, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	return at.Get(ctx, id, r)
}

func (b benchOf) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	at, err := b.open(ctx)
	if err != nil {
		return moot.Holding{}, err
	}
	return at.Have(ctx, id)
}

// working is a node's store as others see it: with what is kept for tasks, too.
type working struct {
	moot.Node
	w *workshop
}

func (s working) scratch() *store.Store {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	return s.w.scratch
}

func (s working) Get(ctx context.Context, id moot.BlobID, r moot.Range) (io.ReadCloser, error) {
	rc, err := s.Node.Get(ctx, id, r)
	if scratch := s.scratch(); scratch != nil && moot.KindOf(err) == moot.NotFound {
		return scratch.Get(ctx, id, r)
	}
	return rc, err
}

func (s working) Have(ctx context.Context, id moot.BlobID) (moot.Holding, error) {
	h, err := s.Node.Have(ctx, id)
	if scratch := s.scratch(); scratch != nil && moot.KindOf(err) == moot.NotFound {
		return scratch.Have(ctx, id)
	}
	return h, err
}

// shelf bounds what is kept for tasks: what was not used for longest goes first.
type shelf struct {
	*store.Store
	most func() int64

	mu    sync.Mutex
	sizes map[moot.BlobID]int64
	order []moot.BlobID // the last used last
	total int64
}

func newShelf(s *store.Store, most func() int64) *shelf {
	return &shelf{Store: s, most: most, sizes: map[moot.BlobID]int64{}}
}

// stock finds what an earlier process has kept.
func (s *shelf) stock(ctx context.Context) error {
	for b, err := range s.Blobs(ctx) {
		if err != nil {
			return err
		}
		s.add(b)
	}
	return nil
}

// add notes that a blob is used, and returns those that must go.
func (s *shelf) add(b moot.Blob) (gone []moot.BlobID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.sizes[b.ID]; known {
		if i := slices.Index(s.order, b.ID); i < len(s.order)-1 {
			s.order = append(slices.Delete(s.order, i, i+1), b.ID)
		}
		return nil
	}
	s.sizes[b.ID] = b.Size
	s.order = append(s.order, b.ID)
	s.total += b.Size
	for s.total > s.most() && len(s.order) > 1 {
		id := s.order[0]
		s.order = s.order[1:]
		s.total -= s.sizes[id]
		delete(s.sizes, id)
		gone = append(gone, id)
	}
	return gone
}

func (s *shelf) use(ctx context.Context, b moot.Blob) error {
	for _, id := range s.add(b) {
		if err := s.Drop(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) touch(ctx context.Context, id moot.BlobID) error {
	h, err := s.Have(ctx, id)
	if err != nil {
		return err
	}
	return s.use(ctx, moot.Blob{ID: id, Size: h.Size})
}

// Put implements worker.Outputs.
func (s *shelf) Put(ctx context.Context, r io.Reader) (moot.Blob, error) {
	b, err := s.Store.Put(ctx, r)
	if err != nil {
		return b, err
	}
	return b, s.use(ctx, b)
}
