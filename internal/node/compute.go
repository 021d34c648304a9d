package node

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/idle"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// computeService is this node's part in computing: it coordinates jobs, and runs tasks
// for members to whom its owner lends processors. Both begin when they are first needed.
type computeService struct {
	computeConfig

	mu          sync.Mutex
	coordinator *jobs.Coordinator
	local       *localWorker

	machine      *idle.Monitor // of what other programs use
	watchMachine sync.Once
}

type computeConfig struct {
	data        Data
	store       *store.Store
	signer      *sign.Signer
	roster      *policy.Roster
	files       *files.Index
	network     *network
	routes      *routes
	uploads     *uploader
	preferences func() policy.Preferences
	role        arch.Role
	webAddrs    func() []string // where this node answers HTTPS
	notify      func(context.Context, jobs.Job) error
	start       func(func(context.Context)) // runs a function until the node ends
	oneShot     func() bool                 // the node ends with this session
	now         func() time.Time
	log         *slog.Logger
}

// coordinate returns the coordinator, which runs from then on until the node ends.
func (c *computeService) coordinate(ctx context.Context) (*jobs.Coordinator, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coordinator != nil {
		return c.coordinator, nil
	}
	node := c.node(ctx)
	write := c.signer.Through(node)
	coordinator, err := jobs.New(ctx, jobs.Config{
		Self: c.network.self, Node: node, Local: c.store, Write: write, Queue: c.data.Path(jobsFile), Now: c.now, Workers: c.workers, Quota: c.checkQuota, Retain: c.jobsFor, Notify: c.notify, Log: c.log,
		Name:   c.nameOf,
		Member: c.roster.Owner, Files: files.New(node, write, files.Options{Index: c.files, Local: c.store, Member: c.roster.Owner, Log: c.log}),
	})
	if err != nil {
		return nil, err
	}
	c.coordinator = coordinator
	c.start(func(ctx context.Context) {
		if err := coordinator.Run(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("jobs", "error", err)
		}
	})
	return coordinator, nil
}

// nameOf names a device by its member's name and a part of its key.
func (c *computeService) nameOf(device moot.Key) string {
	if name := c.network.nameOf(device); name != "" {
		return name + " (" + device.Short() + ")"
	}
	return device.Short()
}

// node is where jobs that this node coordinates are read and their results stored.
func (c *computeService) node(ctx context.Context) moot.Node {
	return routed{c.routes, c.routes.preferred(ctx)}
}

// maxWaiting is how many tasks of one member may wait at a server.
const maxWaiting = 500_000

// checkQuota keeps one member from filling a server's queue. Kind Full.
func (c *computeService) checkQuota(_ moot.MemberID, tasks, waiting int) error {
	if c.role.HoldsMail && tasks+waiting > maxWaiting {
		return moot.Errorf(moot.Full, "%d of your tasks are waiting, and a member may have %d: wait until some are done", waiting, maxWaiting)
	}
	return nil
}

func (c *computeService) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if c.coordinator != nil {
		err = c.coordinator.Close()
	}
	if c.local != nil {
		err = errors.Join(err, c.local.close())
	}
	return err
}

// submitter returns where this node's member submits jobs through an architecture, for
// workers of a pool.
func (c *computeService) submitter(via, pool moot.Architecture) jobs.Submitter {
	node := routed{c.routes, via}
	return jobs.NewSubmitter(jobs.SubmitterConfig{
		Self: c.network.member(c.network.self), Node: node, Write: c.signer.Through(node), Member: c.roster.Owner, IsServer: c.roster.MayServe, Now: c.now,
		Select: func(ctx context.Context) (moot.Key, moot.Architecture, error) { return c.selectCoordinator(ctx, pool) },
		Follow: c.follow, Records: c.records, Pardon: c.pardon,
	})
}

// selectCoordinator returns which node coordinates a job, and who may run its tasks.
func (c *computeService) selectCoordinator(ctx context.Context, via moot.Architecture) (moot.Key, moot.Architecture, error) {
	key, err := c.routes.rules(via).Coordinator(arch.Candidates{
		Self: c.network.self, Servers: c.network.Servers(ctx), Answers: c.network.answers(ctx),
	})
	return key, via, err
}

// records returns what this node, as a coordinator, knows of workers.
func (c *computeService) records(ctx context.Context) ([]jobs.Record, error) {
	coordinator, err := c.coordinate(ctx)
	if err != nil {
		return nil, err
	}
	return coordinator.Records(ctx)
}

func (c *computeService) pardon(ctx context.Context, member moot.MemberID) error {
	coordinator, err := c.coordinate(ctx)
	if err != nil {
		return err
	}
	return coordinator.Pardon(ctx, member)
}

// follow asks a job's coordinator.
func (c *computeService) follow(ctx context.Context, coordinator moot.Key, id string, logs bool) iter.Seq2[jobs.Event, error] {
	if coordinator == c.network.self {
		return c.followOwn(ctx, id, logs)
	}
	if c.oneShot() {
		c.uploads.flush(ctx) // a server that coordinates may not be able to fetch what was put here
	}
	peer := moot.Peer{ID: coordinator}
	for _, s := range c.network.Servers(ctx) {
		if s.ID == coordinator {
			peer = s
		}
	}
	remote, err := c.network.dial.Client(moot.Peer{ID: peer.ID, Addrs: dial.HTTPS(peer.Addrs)})
	if err != nil {
		return failed[jobs.Event](moot.Wrap("ask the job's coordinator", err))
	}
	rt, base := remote.Transport()
	return followRemote(ctx, rt, base, id, logs)
}

// followOwn follows a job that this node coordinates.
func (c *computeService) followOwn(ctx context.Context, id string, logs bool) iter.Seq2[jobs.Event, error] {
	coordinator, err := c.coordinate(ctx)
	if err != nil {
		return failed[jobs.Event](err)
	}
	return coordinator.Follow(ctx, id, logs)
}
