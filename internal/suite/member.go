package suite

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/jobs"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/node"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/store"
)

// Member is a device of a member of a world, with a node. Most members have one.
type Member struct {
	Name string
	Log  *record // what the node logged

	world     *World
	id        moot.MemberID
	label     string // the device's name
	key       ed25519.PrivateKey
	old       []ed25519.PrivateKey // of devices that this one is the heir of
	dir       string               // of the node's data
	link      members.Link         // with which it joined; zero for the founder
	skew      atomic.Int64         // ns by which its clock is ahead
	dishonest atomic.Bool          // its node sends wrong bytes
	restored  atomic.Bool          // its home comes from a backup, and has not heard of others since
	web, peer string               // where it listened, to listen there again
	node      *node.Node           // nil while it is stopped
	session   *app.Session         // of the node
	away      bool                 // cut off from everybody, under the world's lock
	end       func()               // ends the listeners
	listeners sync.WaitGroup       // running
}

func (m *Member) now() time.Time { return time.Now().Add(time.Duration(m.skew.Load())) }

// ID returns the member's ID; zero before its node was started.
func (m *Member) ID() moot.MemberID { return m.id }

// Key returns the device's key.
func (m *Member) Key() moot.Key { return seal.Public(m.key) }

// Node returns the member's running node.
func (m *Member) Node() *node.Node { return m.node }

// Store returns the node's own store.
func (m *Member) Store() *store.Store { return m.node.Store() }

func (m *Member) isServer() bool { return m.link.Version == 0 && m.world.Arch.Asks.Server }

// hasPeers reports whether the node has links with peers.
func (m *Member) hasPeers() bool {
	return m.world.Arch.Mesh && !(m.isServer() && m.world.ServerOnly)
}

// Session returns the member at work through the world's architecture.
func (m *Member) Session() *app.Session {
	m.world.t.Helper()
	if m.session == nil {
		s, err := m.node.Session(m.world.t.Context(), m.world.Arch.Asks)
		m.world.must(err)
		m.session = s
	}
	return m.session
}

// Files are the space's files as this member sees them.
func (m *Member) Files() app.Files { return m.Session().Files }

// Members are the space's members as this member sees them.
func (m *Member) Members() app.Members { return m.Session().Members }

// Jobs is where the member submits jobs.
func (m *Member) Jobs() jobs.Submitter { return m.Session().Jobs }

// Mail returns the member's mailbox.
func (m *Member) Mail() mail.Mailbox {
	m.world.t.Helper()
	box, err := m.Session().Mail(m.world.t.Context())
	m.world.must(err)
	return box
}

// prefer changes what the member prefers.
func (m *Member) prefer(change func(*policy.Preferences)) {
	ctx, control := m.world.t.Context(), m.Session().Control
	p, err := control.Preferences(ctx)
	m.world.must(err)
	change(&p)
	m.world.must(control.SetPreferences(ctx, p))
}

func (m *Member) config() node.Config {
	role := arch.Peer()
	if m.isServer() {
		role = arch.Server()
	}
	return node.Config{
		Space: m.world.space, Names: node.Names{Space: "world", Member: m.Name}, Key: m.key, Role: role, Data: node.Dir(m.dir),
		Store: Stores[m.world.Store].New(m.dir), OldKeys: m.old,
		Home:  node.Home{Ready: m.ready, Reached: func() { m.restored.Store(false) }},
		Known: node.Known{Servers: m.link.Servers, Peers: m.link.Peers, NoPeers: !m.hasPeers()},
		Now:   m.now, Log: m.Log.logger(),
		Timing: node.Timing{
			Repair: m.world.Repair, Stall: time.Second, Discover: 2 * time.Second, Refresh: 200 * time.Millisecond, Mirror: 200 * time.Millisecond,
			Copies: 200 * time.Millisecond, Away: time.Second,
		},
		Intercept: node.Intercept{
			Transport: m.transport, Seen: m.seen, Allow: func(k moot.Key) bool { return !m.world.separated(m.Key(), k) },
		},
	}
}

// start opens the node, prepares it and runs it.
func (m *Member) start(prepare func(context.Context, *node.Node) error) (err error) {
	ctx := m.world.t.Context()
	n, err := node.New(ctx, m.config())
	if err != nil {
		return err
	}
	serving, end := context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			end()
			m.listeners.Wait()
			err = errors.Join(err, n.Close())
		}
	}()
	if prepare != nil {
		if err := prepare(ctx, n); err != nil {
			return err
		}
	}
	serve, err := m.listen(ctx, n)
	if err != nil {
		return err
	}
	err = n.Start(ctx, func() {
		for _, f := range serve {
			m.listeners.Go(func() {
				if err := f(serving); err != nil {
					m.Log.logger().Error("serve", "error", err)
				}
			})
		}
	})
	if err != nil {
		return err
	}
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	m.node, m.end, m.id = n, end, n.Member()
	return nil
}

// listen binds what the node serves on, and returns what serves it.
func (m *Member) listen(ctx context.Context, n *node.Node) (serve []func(context.Context) error, err error) {
	if m.isServer() {
		ln, addr, err := m.world.link.Web(m.web)
		if err != nil {
			return nil, err
		}
		m.web = addr
		n.SetWebAddrs([]string{"https://" + addr})
		serve = append(serve, func(ctx context.Context) error {
			return link.ServeTLS(ctx, ln, n.Keys(), nil, n.Handler(), m.Log.logger())
		})
	}
	if m.hasPeers() {
		if m.peer == "" {
			m.peer = m.world.link.Peers
		}
		if err := n.Connect(ctx, []string{m.peer}, false); err != nil {
			return serve, err
		}
		addrs := n.Addrs()
		m.peer = addrs[len(addrs)-1]
		serve = append(serve, n.ServePeers)
	}
	return serve, nil
}

// Stop ends the node until Restart; a member that is stopped may be stopped.
func (m *Member) Stop() {
	if Stores[m.world.Store].Volatile {
		m.world.isolate(m)
		return
	}
	m.close()
}

// close ends the node.
func (m *Member) close() {
	if m.node == nil {
		return
	}
	m.world.isolate(m) // ends its requests, for which the listeners would wait
	m.end()
	m.listeners.Wait()
	if err := m.node.Close(); err != nil {
		m.world.t.Logf("%s: close: %v", m.Name, err)
	}
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	m.node, m.session, m.away = nil, nil, false // what does not run cannot be separated
}

// Restart starts a stopped node again.
func (m *Member) Restart() {
	m.world.t.Helper()
	if m.node != nil {
		m.world.mu.Lock()
		defer m.world.mu.Unlock()
		m.away = false
		return
	}
	m.world.must(m.start(nil))
}

// Lose ends the node, throws away all it had but its key, and starts it again with what
// another member tells of the space.
func (m *Member) Lose(from *Member) {
	m.world.t.Helper()
	m.close()
	m.dir = m.world.t.TempDir()
	m.world.must(m.start(func(ctx context.Context, n *node.Node) error {
		return m.world.ask(from, m.key, func(c dial.Client) error { return n.Learn(ctx, c, m.link) })
	}))
}

// address is how others reach the member.
func (m *Member) address() moot.Peer {
	return moot.Peer{ID: m.Key(), Addrs: m.node.Addrs(), Name: m.Name}
}

// ask asks a member's node in the name of a key whose own node does not run.
func (w *World) ask(member *Member, key ed25519.PrivateKey, do func(dial.Client) error) error {
	to := member.address()
	in := node.Introduce(members.Link{Peers: []moot.Peer{to}}, key).Through(w.over)
	defer in.Close()
	c, err := in.Client(to)
	if err != nil {
		return err
	}
	defer c.Close()
	return do(c)
}

// holds reports whether the member's own store holds all of a blob.
func (m *Member) holds(ctx context.Context, id moot.BlobID) bool {
	h, err := m.Store().Have(ctx, id)
	return err == nil && h.Complete()
}
