package suite

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/files"
	"github.com/mootspace/moot/internal/gossip"
	"github.com/mootspace/moot/internal/locate"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
	"github.com/mootspace/moot/internal/wire"
)

// Member is somebody in a world, with a node.
type Member struct {
	Name string
	Node *ask.Node // the architecture
	Log  *memo     // what the node had to say

	home    atomic.Pointer[home]
	world   *World
	key     ed25519.PrivateKey
	config  store.Config
	skew    atomic.Int64 // by how many ns its clock is ahead
	link    Link
	addrs   []string
	bound   string // what the link listened on, to listen there again
	running bool
	lies    func(moot.Node) moot.Node // how others see this member's store; nil: as it is
	pen     *feed.Author
	signing sync.Mutex
	end     context.CancelFunc
	life    context.Context // while it runs
	index   *mail.Index
	box     *mail.Account // nil until it is asked for
	bench   bench
	queue   string // file of its jobs
	crew    sync.WaitGroup
}

// now is what the member's clock shows.
func (m *Member) now() time.Time { return time.Now().Add(time.Duration(m.skew.Load())) }

// home is what a member has opened. It is replaced as a whole, because others look at
// it while the member is stopped and started.
type home struct {
	store  *store.Store
	roster *policy.Roster
	clock  *feed.Clock
}

// Store returns the member's store; nil while it is closed.
func (m *Member) Store() *store.Store {
	if h := m.home.Load(); h != nil {
		return h.store
	}
	return nil
}

// Key returns the member's key.
func (m *Member) Key() moot.Key { return seal.Public(m.key) }

func (m *Member) isServer() bool { return m.world.Member(0) == m }

// Files are the space's files as this member sees them.
func (m *Member) Files() *files.Files {
	return files.New(m.Node, m, files.Options{Linker: m.Store()})
}

// Members are the space's members as this member sees them.
func (m *Member) Members() *members.Members { return members.New(m.world.space, m.Node, m) }

// peer is how others reach the member.
func (m *Member) peer() moot.Peer {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	return moot.Peer{ID: m.Key(), Addrs: m.addrs, Name: m.Name}
}

// listenOn returns where the member listened before it was stopped.
func (m *Member) listenOn(first string) string {
	if m.bound != "" {
		return m.bound
	}
	return first
}

// server is the locator of a client; the server itself asks nobody.
func (m *Member) server(own moot.Locator) moot.Locator {
	if m.isServer() {
		return own
	}
	s := m.world.Member(0)
	return locate.Fixed(s.peer())
}

func (m *Member) near() moot.Locator { return neighbourhood{m} }

func (m *Member) others() (peers []moot.Peer) {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	for _, o := range m.world.members {
		if o != m && o.running {
			peers = append(peers, moot.Peer{ID: o.Key(), Addrs: o.addrs, Name: o.Name})
		}
	}
	return peers
}

// partners are those whose feeds this member's are compared with: a client has its
// server, and a server of clients waits to be asked.
func (m *Member) partners() []moot.Peer {
	switch s := m.world.Member(0); {
	case !m.world.Centralised():
		return m.others()
	case m != s:
		return []moot.Peer{s.peer()}
	}
	return nil
}

// dial reaches another member unless the two are separated.
func (m *Member) dial(p moot.Peer) (moot.Node, error) {
	node, err := m.link.Dial(m, p)
	if err != nil {
		return nil, err
	}
	s := &severed{node, func() error {
		if m.world.separated(m.Key(), p.ID) {
			return moot.Errorf(moot.Unavailable, "cut off")
		}
		return nil
	}}
	return s, nil
}

// open opens the store; a member whose store is in memory has it open for ever.
func (m *Member) open() error {
	if m.Log == nil {
		m.Log = &memo{}
	}
	h := &home{roster: policy.NewRoster(m.world.space, m.now), clock: feed.NewClock(m.now, 0)}
	cfg := m.config
	cfg.Gate, cfg.Log = &gate{h.roster, h.clock}, m.Log.logger()
	var err error
	if h.store, err = store.Open(context.Background(), cfg); err != nil {
		return err
	}
	m.home.Store(h)
	m.pen = feed.NewAuthor(m.world.space, m.key, h.clock, nil)
	return nil
}

// start opens the store, and the node around it.
func (m *Member) start() error {
	if m.Store() == nil {
		if err := m.open(); err != nil {
			return err
		}
	}
	m.link = Links[m.world.Link](m)
	addrs, err := m.link.Listen(m, wire.Handler(m.seen(), m.guard(), wire.Options{Runner: m}))
	if err != nil {
		return err
	}
	m.world.mu.Lock()
	m.addrs, m.running = addrs, true
	m.world.mu.Unlock()
	m.Node = ask.New(ask.Config{
		Local: m.Store(), Self: m.Key(), Locator: Architectures[m.world.Architecture](m), Dial: m.dial, Log: m.Log.logger(),
		Verify: m.verify, Stall: time.Second, Discover: 2 * time.Second, Refresh: 200 * time.Millisecond,
	})
	ctx, end := context.WithCancel(context.Background())
	m.end, m.life = end, ctx
	m.crew.Go(func() {
		gossip.Run(ctx, gossip.Config{
			Space: m.world.space, Self: m.Key(), Local: m.Store(), Interval: interval, Dial: m.dial,
			Neighbours: m.partners, Servers: func(context.Context) []moot.Peer { return nil }, Log: m.Log.logger(),
		})
	})
	return nil
}

// verify judges an entry that the server answers with; what this member says next is
// later than it.
func (m *Member) verify(e moot.Entry) error {
	err := feed.Verify(e)
	if err == nil {
		err = m.home.Load().clock.Observe(e.Time)
	}
	return err
}

// seen is what others are shown.
func (m *Member) seen() moot.Node {
	if m.lies != nil {
		return m.lies(m.Store())
	}
	return m.Store()
}

// Stop ends the node; the store stays for Restart. A stopped member may be stopped.
func (m *Member) Stop() {
	m.world.mu.Lock()
	was := m.running
	m.running = false
	m.world.mu.Unlock()
	if was {
		m.end()
		m.crew.Wait()
		m.closeMail()
		m.link.Close()
	}
	if s := m.Store(); s != nil && m.config.Database != "" {
		s.Close()
		m.home.Store(&home{roster: m.home.Load().roster, clock: m.home.Load().clock})
	}
}

// Restart starts a stopped node again.
func (m *Member) Restart() {
	m.world.t.Helper()
	m.world.must(m.start())
}

// Lose stops the node and throws away all it had but its key.
func (m *Member) Lose() {
	m.Stop()
	m.index = nil
	m.home.Store(nil)
	m.config = Stores[m.world.Store](m.world.t)
}

// Append signs statements and appends them, through the architecture.
func (m *Member) Append(ctx context.Context, mode moot.Mode, statements ...sign.Statement) (entries []moot.Entry, err error) {
	m.signing.Lock()
	defer m.signing.Unlock()
	for _, s := range statements {
		if err := m.resume(ctx); err != nil {
			return entries, err
		}
		e := m.pen.Next(s.Kind, s.Key, s.Replaces, s.Body)
		if err := m.Node.Append(ctx, mode, e); err != nil {
			return entries, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// resume finds the end of the member's feed.
func (m *Member) resume(ctx context.Context) error {
	v, err := m.Store().Vector(ctx)
	if err != nil || v[m.Key()] == m.pen.Seq() {
		return err
	}
	for e, err := range m.Store().Query(ctx, moot.Query{Author: m.Key(), History: true}) {
		if err != nil {
			return err
		}
		m.pen.Reset(&e)
	}
	return nil
}

// enter hands the entry that makes this newcomer a member to whoever takes it, with
// the invitation's key as its own, and then reads the space.
func (m *Member) enter(l members.Link) error {
	e, err := members.Enter(l, m.key, m.Name, m.now)
	if err != nil {
		return err
	}
	invited := &Member{world: m.world, key: seal.FromSeed(l.Seed)}
	err = invited.visit(func(n moot.Node) error { return n.Append(context.Background(), moot.Merge, e) })
	if err != nil {
		return err
	}
	if err := m.open(); err != nil {
		return err
	}
	return m.visit(func(n moot.Node) error {
		_, _, err := gossip.Reconcile(context.Background(), m.Store(), n)
		return err
	})
}

// visit does something at the first member that is there, as one who is not running.
func (m *Member) visit(do func(moot.Node) error) error {
	if m.home.Load() == nil {
		m.home.Store(&home{roster: policy.NewRoster(m.world.space, m.now)})
	}
	m.link = Links[m.world.Link](m)
	if _, err := m.link.Listen(m, nil); err != nil {
		return err
	}
	defer func() { m.link.Close(); m.bound = "" }()
	err := error(moot.Unavailable)
	for _, p := range m.others() {
		if m.world.separated(m.Key(), p.ID) {
			continue
		}
		node, dialErr := m.link.Dial(m, p)
		if dialErr != nil {
			return dialErr
		}
		if err = do(node); err == nil || !errors.Is(err, moot.Unavailable) {
			return err
		}
	}
	return err
}
