package jobs

import (
	"context"
	cryptorand "crypto/rand"
	"database/sql"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/sqlite"
)

// Config is what a Coordinator is made of.
type Config struct {
	Self  moot.Key    // this device
	Node  moot.Node   // where jobs are read and results are stored
	Local moot.Blobs  // what Node stores on this machine
	Write sign.Writer // signs as Self
	Files *files.Files
	Queue string // file of the queue; empty: in memory
	// Member returns the member to whom a device belongs, also if it acts for it no more.
	Member func(device moot.Key) (moot.MemberID, bool)
	// Workers returns the workers available to a member now. It must be quick: it is called
	// every second, and for each new job.
	Workers func(ctx context.Context, member moot.MemberID, via moot.Architecture) []Worker
	// Notify writes the submitter a message about a job that has ended; nil: nobody does.
	Notify func(ctx context.Context, j Job) error
	// Retain is how long jobs that have ended are remembered; nil: 30 days.
	Retain func() time.Duration
	// Quota fails if a member, with so many tasks waiting, may not submit a job of so many
	// more. Kinds Denied, Full. nil: no limit.
	Quota func(member moot.MemberID, tasks, waiting int) error
	// Name names a device to people; nil: by its key.
	Name func(device moot.Key) string
	// Random decides which results are checked; nil: nobody can foresee it.
	Random *rand.Rand

	Now func() time.Time
	Log *slog.Logger
}

// Worker is a node that runs tasks.
type Worker struct {
	Key    moot.Key      // its device
	Member moot.MemberID // whose device it is
	Slots  int           // tasks at once
	Server bool          // of one of the space's servers
	Limits moot.Limits   // upper limits of one task; zero fields are unknown
	Runner moot.Runner
	Blobs  moot.Blobs // where the outputs of its tasks are fetched
}

// refreshEvery is how often a coordinator updates its worker pools.
const refreshEvery = time.Second

// Coordinator assigns the tasks of jobs to workers, and commits their outcomes. One loop
// owns its state; other goroutines post functions to it.
type Coordinator struct {
	cfg    Config
	queue  *queue
	events chan func()
	done   *outbox         // to be committed
	ctx    context.Context //nolint:containedctx // until Run ends: tasks outlive the calls that submit them
	stop   context.CancelFunc

	// Owned by the loop.
	jobs       map[string]*job
	workers    map[moot.Key]*worker
	followers  map[string]map[*follower]struct{}
	records    map[moot.Key]*Record
	changed    map[moot.Key]struct{}           // records that are not stored
	distrusted map[moot.MemberID]time.Time     // since when
	used       map[moot.MemberID]time.Duration // of slots, in turns between members
	random     *rand.Rand
	results    int // grows whenever a job's result arrives
	wg         sync.WaitGroup
}

// New opens the queue.
func New(ctx context.Context, cfg Config) (*Coordinator, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Retain == nil {
		cfg.Retain = func() time.Duration { return DefaultRetention }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Name == nil {
		cfg.Name = moot.Key.Short
	}
	if cfg.Random == nil {
		var seed [32]byte
		_, _ = cryptorand.Read(seed[:]) // never fails
		cfg.Random = rand.New(rand.NewChaCha8(seed))
	}
	q, err := openQueue(ctx, cfg.Queue)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	return &Coordinator{
		ctx: ctx, stop: stop, cfg: cfg, queue: q, events: make(chan func(), 64), done: newOutbox(), random: cfg.Random,
		records: map[moot.Key]*Record{}, changed: map[moot.Key]struct{}{}, distrusted: map[moot.MemberID]time.Time{}, used: map[moot.MemberID]time.Duration{},
		results: 1, jobs: map[string]*job{}, workers: map[moot.Key]*worker{},
		followers: map[string]map[*follower]struct{}{},
	}, nil
}

// Backup writes a consistent copy of the queue to a new file.
func (c *Coordinator) Backup(ctx context.Context, path string) error {
	return sqlite.Copy(ctx, c.queue.read, path)
}

// Close closes the queue; Run must have ended.
func (c *Coordinator) Close() error { return c.queue.close() }

// Run resumes unfinished jobs and accepts new ones, until ctx ends.
func (c *Coordinator) Run(ctx context.Context) error {
	defer c.wg.Wait()
	defer c.stop()
	defer context.AfterFunc(ctx, c.stop)()
	unfinished, err := c.open()
	if err != nil {
		if c.ctx.Err() != nil {
			return nil
		}
		return err
	}
	c.wg.Go(c.commitLoop)
	for _, s := range unfinished {
		c.resume(s)
	}
	c.wg.Go(c.watch)
	c.wg.Go(c.sweepLoop)
	return c.loop()
}

// open trims the result cache, reads the records of workers, and returns unfinished jobs.
func (c *Coordinator) open() ([]stored, error) {
	if err := c.queue.trimCache(c.ctx); err != nil {
		return nil, err
	}
	if err := c.loadRecords(c.ctx); err != nil {
		return nil, err
	}
	return c.queue.unfinished(c.ctx)
}

// loop runs posted functions. It has no timers while there is no job.
func (c *Coordinator) loop() error {
	var refresh, notify <-chan time.Time
	for {
		if refresh == nil && len(c.jobs) > 0 {
			refresh = time.After(refreshEvery)
		}
		if notify == nil && c.dirty() {
			notify = time.After(notifyEvery)
		}
		select {
		case do := <-c.events:
			do()
			for len(c.events) > 0 {
				(<-c.events)()
			}
		case <-refresh:
			refresh = nil
			c.startDue()
			c.refreshWorkers()
			c.saveRecords()
		case <-notify:
			notify = nil
			c.notifyFollowers()
			continue
		case <-c.ctx.Done():
			return nil
		}
		c.assign()
	}
}

// post runs a function on the loop.
func (c *Coordinator) post(do func()) {
	select {
	case c.events <- do:
	case <-c.ctx.Done():
	}
}

// commitEvery is how often outcomes are committed at most: a batch costs what one does.
const commitEvery = 5 * time.Millisecond

// commitLoop commits outcomes in batches, and then posts them to the loop.
func (c *Coordinator) commitLoop() {
	for {
		select {
		case <-c.done.more:
		case <-c.ctx.Done():
			return
		}
		list := c.done.take()
		if len(list) == 0 {
			continue
		}
		err := c.queue.commit(c.ctx, list, c.cfg.Now())
		c.post(func() {
			for _, f := range list {
				c.committed(f, err)
			}
		})
		wait(c.ctx, commitEvery)
	}
}

// watch reads the submissions to this coordinator, present and future.
func (c *Coordinator) watch() {
	for c.ctx.Err() == nil {
		since, err := c.cfg.Node.Vector(c.ctx)
		if err == nil {
			for e, failed := range c.cfg.Node.Query(c.ctx, moot.Query{Kind: moot.KindJob}) {
				if err = failed; err != nil {
					break
				}
				c.received(e)
			}
		}
		if err == nil {
			for e, failed := range c.cfg.Node.Watch(c.ctx, since) {
				if err = failed; err != nil {
					break
				}
				switch e.Kind {
				case moot.KindJob:
					c.received(e)
				case moot.KindResult:
					c.post(func() { c.results++ })
				}
			}
		}
		if c.ctx.Err() == nil {
			c.cfg.Log.Debug("watch for jobs", "error", err)
			wait(c.ctx, refreshEvery)
		}
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// save saves a job's progress.
func (c *Coordinator) save(s *stored) error {
	return c.queue.update(c.ctx, func(tx *sql.Tx) error { return c.queue.save(tx, s) })
}
