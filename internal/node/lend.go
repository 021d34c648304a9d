package node

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/sandbox"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/worker"
)

// localWorker is the worker on this machine and the store of its tasks' data.
type localWorker struct {
	*worker.Worker
	sandbox *sandbox.Sandbox
	scratch *store.Store  // inputs and outputs of tasks, kept for a while
	cache   *worker.Cache // bounds scratch
}

func (l *localWorker) blobs() moot.Blobs { return l.cache }

func (l *localWorker) close() error { return errors.Join(l.sandbox.Close(), l.scratch.Close()) }

// worker returns the worker on this machine, which is made when it is first needed.
func (c *computeService) worker(ctx context.Context) (*localWorker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local != nil {
		return c.local, nil
	}
	l, err := c.newWorker(ctx)
	if err == nil {
		c.local = l
	}
	return l, err
}

func (c *computeService) newWorker(ctx context.Context) (l *localWorker, err error) {
	l = &localWorker{}
	if l.scratch, err = store.Open(ctx, store.Config{Blobs: c.data.Path("work/blobs"), Log: c.log}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.scratch.Close())
		}
	}()
	most := func() int64 { return cmp.Or(max(c.preferences().LendDisk, 0), 4<<30) }
	if l.cache, err = worker.NewCache(ctx, l.scratch, most); err != nil {
		return nil, err
	}
	if l.sandbox, err = sandbox.New(ctx, sandbox.Config{Dir: c.data.Path("work/sandbox"), Log: c.log, Share: c.share}); err != nil {
		return nil, err
	}
	l.Worker, err = worker.New(worker.Config{
		Node: worker.Overlay{Node: c.store, Cache: l.blobs}, Outputs: l.cache, Sandbox: l.sandbox, Dir: c.data.Path("work/tasks"), Log: c.log,
		Fetch: func(ctx context.Context, id moot.BlobID) error { return c.fetchInput(ctx, l, id) },
		Admit: c.admit, Slots: func() int { return c.terms().CPUs }, Most: c.limits,
	})
	if err != nil {
		err = errors.Join(err, l.sandbox.Close())
	}
	return l, err
}

// fetchInput brings what a task needs to this machine.
func (c *computeService) fetchInput(ctx context.Context, l *localWorker, id moot.BlobID) error {
	if complete(ctx, c.store, id) {
		return nil
	}
	locator, err := c.routes.locator(ctx, c.routes.preferred(ctx))
	if err != nil {
		return err
	}
	into := c.routes.ask
	into.Local, into.Locator, into.Stored = l.scratch, locator, nil
	if _, err := ask.New(into).Fetch(ctx, id, func(int64) {}); err != nil {
		return err
	}
	return l.cache.Use(ctx, id)
}

// terms are on what conditions this node lends computing power.
func (c *computeService) terms() jobs.Terms {
	p := c.preferences()
	t := jobs.Terms{CPUs: p.LendCPUs, Memory: p.LendMemory, Wall: time.Duration(p.LendWall) * time.Second, Hours: p.LendHours, To: p.LendTo, Idle: p.LendIdle}
	if t.CPUs == 0 && c.role.Lends {
		t.CPUs = runtime.NumCPU()
	}
	t.CPUs = max(t.CPUs, 0)
	return t
}

// admit fails if a member may not run tasks here now. Kinds Denied, Full.
func (c *computeService) admit(member moot.MemberID) error {
	if err := c.terms().Allow(member, c.now()); err != nil {
		return err
	}
	if c.share() == 0 {
		return moot.Errorf(moot.Full, "others use this machine now: it lends when it is idle")
	}
	return nil
}

// share is the share of the time that tasks may run here now.
func (c *computeService) share() float64 {
	p := c.preferences()
	if p.LendIdle && c.machine.Busy() {
		return 0
	}
	if p.LendShare <= 0 || p.LendShare >= 100 {
		return 1
	}
	return float64(p.LendShare) / 100
}

// limits are what one task may use here.
func (c *computeService) limits() moot.Limits {
	p := c.preferences()
	l := moot.Limits{Memory: cmp.Or(max(p.LendMemory, 0), 512<<20), Wall: time.Duration(cmp.Or(max(p.LendWall, 0), 3600)) * time.Second}
	l.CPU = l.Wall
	return l
}

// maxOfferAddrs is how many addresses an offer names.
const maxOfferAddrs = 8

// announce says in the space on what terms this node lends, and makes it ready to.
func (c *computeService) announce(ctx context.Context) error {
	t := c.terms()
	if t.CPUs > 0 {
		if _, err := c.worker(ctx); err != nil {
			return err
		}
	}
	if t.Idle {
		c.watchMachine.Do(func() { c.start(c.machine.Run) })
	}
	_, zone := c.now().Zone()
	o := jobs.Offer{Device: c.network.self, Terms: t, Server: c.role.Lends, Zone: zone}
	if o.Server {
		addrs := c.webAddrs()
		o.Addrs = addrs[:min(len(addrs), maxOfferAddrs)]
	}
	return jobs.Announce(ctx, c.store, c.signer.Through(c.store), o)
}

// Run implements moot.Runner for others: it runs a task here, if this node lends.
func (c *computeService) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	if c.oneShot() {
		return moot.Outcome{}, moot.Errorf(moot.Unavailable, "this node lends nothing now")
	}
	l, err := c.lend(ctx, t)
	if err != nil {
		return moot.Outcome{}, err
	}
	return l.Run(ctx, t, watch)
}

// lend returns the worker for a task, if this node lends to its member now. Kind Denied.
func (c *computeService) lend(ctx context.Context, t moot.Task) (*localWorker, error) {
	if err := c.admit(t.For); err != nil {
		return nil, err
	}
	return c.worker(ctx)
}

// ownWorker runs tasks of jobs that this node coordinates: outputs are stored where the
// coordinator reads them.
type ownWorker struct{ compute *computeService }

// Run implements moot.Runner.
func (o ownWorker) Run(ctx context.Context, t moot.Task, watch func(moot.Progress)) (moot.Outcome, error) {
	l, err := o.compute.lend(ctx, t)
	if err != nil {
		return moot.Outcome{}, err
	}
	return l.Into(o.compute.node(ctx)).Run(ctx, t, watch)
}

// cached returns the data of tasks; nil while there is none.
func (c *computeService) cached() moot.Blobs {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.local == nil {
		return nil
	}
	return c.local.cache
}

// workers returns the workers that can be asked on behalf of a member now: those whose
// offers stand, and who are connected or have an address.
func (c *computeService) workers(ctx context.Context, member moot.MemberID, via moot.Architecture) (list []jobs.Worker) {
	offers, err := jobs.Offers(ctx, c.store, c.roster.Owner)
	if err != nil {
		c.log.Warn("read the offers", "error", err)
		return nil
	}
	connected := c.network.online()
	for _, o := range jobs.Lenders(offers, member, via, c.roster.MayServe, c.now()) {
		if o.Device == c.network.self {
			if slots := min(o.CPUs, c.terms().CPUs); slots > 0 && c.share() > 0 {
				list = append(list, jobs.Worker{Key: o.Device, Member: o.Member, Slots: slots, Server: o.Server, Limits: c.terms().Limits(), Runner: ownWorker{c}, Blobs: c.node(ctx)})
			}
			continue
		}
		peer := moot.Peer{ID: o.Device, Addrs: dial.HTTPS(o.Addrs)}
		if !c.network.isMember(o.Device) || len(peer.Addrs) == 0 && !slices.Contains(connected, o.Device) {
			continue
		}
		if remote, err := c.network.dial.Remote(peer); err == nil {
			list = append(list, jobs.Worker{Key: o.Device, Member: o.Member, Slots: o.CPUs, Server: o.Server, Limits: o.Limits(), Runner: remote, Blobs: remote})
		}
	}
	return list
}
