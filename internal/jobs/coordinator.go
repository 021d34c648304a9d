package jobs

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/sign"
)

// Config is what a Coordinator is made of.
type Config struct {
	Self  moot.Key
	Node  moot.Node   // where jobs are read and results put
	Write sign.Writer // signs as Self
	Files *files.Files
	Queue string // file of the queue; empty: in memory
	// Pool returns the workers that may now be asked on behalf of a member. It must be
	// quick: it is asked about every second, and when a job comes.
	Pool func(ctx context.Context, member moot.Key, pool Pool) []Worker
	// Room returns an error of kind Denied or Full if a member may not have a job of so
	// many tasks done here, with so many waiting. nil: there is room.
	Room func(member moot.Key, tasks, waiting int) error

	Now func() time.Time
	Log *slog.Logger
}

// Worker is somebody who runs tasks.
type Worker struct {
	Key    moot.Key
	Slots  int // tasks at once
	Runner moot.Runner
	Blobs  moot.Blobs // where outcomes' bytes can be had
}

// poolEvery is how often a coordinator looks who can be asked.
const poolEvery = time.Second

// Coordinator finds workers for the tasks of jobs, and keeps what came of them. All of
// its state belongs to one loop: what happens elsewhere is handed to it as a function.
type Coordinator struct {
	cfg    Config
	queue  *queue
	events chan func()
	done   chan finished   // outcomes to be kept
	ctx    context.Context // until Run ends
	stop   context.CancelFunc

	// The loop's own.
	jobs      map[string]*job
	workers   map[moot.Key]*worker
	followers map[string]map[*follower]struct{}
	crew      sync.WaitGroup
}

// New opens the queue.
func New(ctx context.Context, cfg Config) (*Coordinator, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	q, err := openQueue(ctx, cfg.Queue)
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	return &Coordinator{
		ctx: life, stop: stop, cfg: cfg, queue: q, events: make(chan func(), 64), done: make(chan finished, 256),
		jobs: map[string]*job{}, workers: map[moot.Key]*worker{},
		followers: map[string]map[*follower]struct{}{},
	}, nil
}

// Close closes the queue; Run must have ended.
func (c *Coordinator) Close() error { return c.queue.close() }

// Run goes on with unfinished jobs and takes on new ones, until ctx ends.
func (c *Coordinator) Run(ctx context.Context) error {
	defer c.crew.Wait()
	defer c.stop()
	defer context.AfterFunc(ctx, c.stop)()
	unfinished, err := c.open()
	if err != nil {
		if c.ctx.Err() != nil { // it was not to run for long
			return nil
		}
		return err
	}
	c.crew.Go(c.keep)
	for _, s := range unfinished {
		c.resume(s)
	}
	c.crew.Go(c.watch)
	return c.loop()
}

// open tidies up the queue, and returns what is to be gone on with.
func (c *Coordinator) open() ([]stored, error) {
	if err := c.queue.forget(c.ctx); err != nil {
		return nil, err
	}
	return c.queue.unfinished(c.ctx)
}

// loop does what is handed to it. Without jobs it does not wake up by itself.
func (c *Coordinator) loop() error {
	var look, show <-chan time.Time
	for {
		if look == nil && len(c.jobs) > 0 {
			look = time.After(poolEvery)
		}
		if show == nil && c.dirty() {
			show = time.After(showEvery)
		}
		select {
		case do := <-c.events:
			do()
			for len(c.events) > 0 {
				(<-c.events)()
			}
		case <-look:
			look = nil
			c.lookRound()
		case <-show:
			show = nil
			c.show()
			continue
		case <-c.ctx.Done():
			return nil
		}
		c.assign()
	}
}

// post hands something to the loop.
func (c *Coordinator) post(do func()) {
	select {
	case c.events <- do:
	case <-c.ctx.Done():
	}
}

// keep writes outcomes down, as many at once as have come, and only then tells the loop.
func (c *Coordinator) keep() {
	for {
		var list []finished
		select {
		case f := <-c.done:
			list = append(list, f)
		case <-c.ctx.Done():
			return
		}
		for len(c.done) > 0 && len(list) < 256 {
			list = append(list, <-c.done)
		}
		err := c.queue.finish(c.ctx, list, c.cfg.Now())
		c.post(func() {
			for _, f := range list {
				c.kept(f, err)
			}
		})
	}
}

// watch reads the orders for this coordinator, those that stand and those that come.
func (c *Coordinator) watch() {
	for c.ctx.Err() == nil {
		since, err := c.cfg.Node.Vector(c.ctx)
		if err == nil {
			for e, failed := range c.cfg.Node.Query(c.ctx, moot.Query{Kind: moot.KindJob}) {
				if err = failed; err != nil {
					break
				}
				c.ordered(e)
			}
		}
		if err == nil {
			for e, failed := range c.cfg.Node.Watch(c.ctx, since) {
				if err = failed; err != nil {
					break
				}
				if e.Kind == moot.KindJob {
					c.ordered(e)
				}
			}
		}
		if c.ctx.Err() == nil {
			c.cfg.Log.Debug("watch for jobs", "error", err)
			wait(c.ctx, poolEvery)
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

// save keeps how far a job is.
func (c *Coordinator) save(s *stored) error {
	return c.queue.update(c.ctx, func(tx *sql.Tx) error { return c.queue.save(tx, s) })
}
