package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/accounts"
	"github.com/mootspace/moot/internal/app"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/dial"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/idle"
	"github.com/mootspace/moot/internal/keys"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// Node is one member's node in one process.
type Node struct {
	cfg     Config
	store   *store.Store
	signer  *sign.Signer
	network *network
	routes  *routes
	entries *replicator
	uploads *uploader
	mail    *mailService
	compute *computeService
	files   fileService
	access
	duties
	tasks   *group
	state   *state
	handler http.Handler // answers other nodes
}

// access is who may ask for what.
type access struct {
	accounts *accounts.Accounts
	tokens   *accounts.Tokens
	sessions *sessions
}

// duties are what the node says by itself about members.
type duties struct {
	witness *witness
	late    *lateEntries
	keys    *keyService
}

// state is what changes while a node runs.
type state struct {
	preferences atomic.Pointer[policy.Preferences]
	reviews     chan struct{}            // room for one: membership has changed
	forked      chan struct{}            // closed when this node's feed is known to have forked
	fork        sync.Once                //
	outlived    sync.Once                // people were told that another copy of the home goes on
	introduced  atomic.Bool              // the node has said where it is
	running     atomic.Bool              // until the process ends, not only for one session
	webAddrs    atomic.Pointer[[]string] // https addresses where it is reached
	mail        atomic.Pointer[app.MailSettings]
}

func newState() *state {
	return &state{reviews: make(chan struct{}, 1), forked: make(chan struct{})}
}

func (s *state) wakeReview() {
	select {
	case s.reviews <- struct{}{}:
	default:
	}
}

func (s *state) addrs() []string {
	if addrs := s.webAddrs.Load(); addrs != nil {
		return *addrs
	}
	return nil
}

// group runs functions until the node ends.
type group struct {
	wait  sync.WaitGroup
	end   context.CancelFunc
	start func(func(context.Context))
}

func newGroup(ctx context.Context) *group {
	g := &group{}
	ctx, g.end = context.WithCancel(context.WithoutCancel(ctx))
	g.start = func(f func(context.Context)) { g.wait.Go(func() { f(ctx) }) }
	return g
}

// New opens the node's store and services; nothing is connected yet. Close lets go of
// them.
func New(ctx context.Context, cfg Config) (_ *Node, err error) {
	cfg.setDefaults()
	roster := policy.NewRoster(cfg.Space, cfg.Now)
	clock := feed.NewClock(cfg.Now, 0)
	roster.Own(seal.Public(cfg.Key))
	live := &atomic.Bool{}
	n := &Node{access: access{sessions: newSessions()}, tasks: newGroup(ctx), state: newState()}
	cfg.Store.Gate = gate{roster, clock, cfg.Log, live, func() { n.witness.deviceRetired() }}
	cfg.Store.Log, cfg.Store.Now = cfg.Log, cfg.Now
	n.cfg = cfg
	if n.store, err = store.Open(ctx, cfg.Store); err != nil {
		return nil, err
	}
	if err = n.assemble(ctx, roster, clock); err != nil {
		return nil, errors.Join(err, n.store.Close())
	}
	live.Store(true)
	roster.OnChange(func() {
		n.Disconnect()
		n.witness.wake()
		n.keys.wake()
		n.files.copies.wake()
		n.state.wakeReview()
	})
	n.tasks.start(n.review)
	n.state.wakeReview()
	return n, nil
}

// assemble makes the services, each from what it needs.
func (n *Node) assemble(ctx context.Context, roster *policy.Roster, clock *feed.Clock) (err error) {
	cfg := n.cfg
	n.network = n.newNetwork(roster)
	preferences, err := loadPreferences(cfg.Data)
	if err != nil {
		return err
	}
	n.apply(preferences)
	if n.signer, err = sign.New(ctx, sign.Config{Self: n.Self(), Author: feed.NewAuthor(cfg.Space, cfg.Key, clock, nil), Local: n.store, Ready: cfg.Home.Ready, Check: countsOf(roster, n.Self())}); err != nil {
		return err
	}
	n.files = newFiles(n.store, n.network, cfg.Log)
	n.uploads = newUploader(n.store, n.network)
	n.routes = n.newRoutes(clock)
	n.entries = &replicator{network: n.network, local: n.store, names: policy.Named, interval: cfg.Timing.Repair, log: cfg.Log, reached: n.exchanged, introduce: n.introduceHeir}
	n.late = &lateEntries{node: n, old: cfg.OldKeys}
	n.witness = n.newWitness(roster)
	n.keys = n.newKeys(roster)
	if n.accounts, err = n.openAccounts(ctx, roster, clock); err != nil {
		return err
	}
	if n.tokens, err = accounts.OpenTokens(cfg.Data, cfg.Now, cfg.Log); err != nil {
		return err
	}
	if n.files.folders, err = n.openFolders(ctx); err != nil {
		return err
	}
	n.files.copies = n.newCopies()
	n.mail = n.newMail(roster)
	n.compute = n.newCompute(roster)
	n.handler = n.newHandler(roster)
	return nil
}

func (n *Node) newNetwork(roster *policy.Roster) *network {
	cfg := n.cfg
	var seen []moot.Peer
	_ = cfg.Data.Load(peersFile, &seen) // without it the invitation's peers are asked
	net := &network{networkConfig: networkConfig{
		space: cfg.Space, key: cfg.Key, self: seal.Public(cfg.Key), feeds: n.store, roster: roster,
		servers: cfg.Known.Servers, known: slices.Concat(seen, cfg.Known.Peers), allow: cfg.Intercept.Allow, log: cfg.Log,
	}}
	net.dial = dial.New(dial.Config{Key: cfg.Key, Host: net.Host, In: &net.in, Out: &net.out, Wrap: cfg.Intercept.Transport})
	return net
}

func (n *Node) newRoutes(clock *feed.Clock) *routes {
	cfg := n.cfg
	return &routes{
		network: n.network, server: cfg.Role.Copies, noPeers: cfg.Known.NoPeers, made: map[moot.Architecture]*ask.Node{},
		ask: ask.Config{
			Local: n.files.store, Self: n.network.self, Dial: n.network.dial.Dial, Log: cfg.Log, Verify: verify(clock), Stored: n.uploads.add, Name: n.network.nameOf,
			Stall: cfg.Timing.Stall, Discover: cfg.Timing.Discover, Refresh: cfg.Timing.Refresh,
		},
	}
}

func (n *Node) openAccounts(ctx context.Context, roster *policy.Roster, clock *feed.Clock) (*accounts.Accounts, error) {
	return accounts.Open(ctx, accounts.Config{
		Space: n.cfg.Space, Own: accounts.Account{Key: n.cfg.Key, Signer: n.signer}, Data: n.cfg.Data, Feeds: n.store,
		Roster: roster, Clock: clock, Now: n.cfg.Now, Ready: n.cfg.Home.Ready, Domains: []string{mail.StableDomain, n.cfg.Mail.Domain},
		Admit: n.witness.admit, Added: n.added, Label: n.cfg.Names.Account, MayBeNamed: n.mayBeNamed,
	})
}

func (n *Node) newKeys(roster *policy.Roster) *keyService {
	return &keyService{
		roster: roster, data: n.cfg.Data, old: n.cfg.OldKeys, devices: n.kept, ready: n.cfg.Home.ready, log: n.cfg.Log,
		say: func(signer *sign.Signer, device moot.Key) *members.Members {
			return members.New(members.Config{Space: n.cfg.Space, Self: device, Node: n.store, Write: signer.Through(n.store), Roster: roster, Now: n.cfg.Now})
		},
		rings: map[moot.Key]*keys.Ring{}, wakeup: make(chan struct{}, 1),
	}
}

// kept returns the devices whose keys this node has.
func (n *Node) kept() []keptDevice {
	list := []keptDevice{{n.cfg.Key, n.signer}}
	for _, a := range n.accounts.Hosted() {
		list = append(list, keptDevice{a.Key, a.Signer})
	}
	return list
}

func (n *Node) newMail(roster *policy.Roster) *mailService {
	return &mailService{mailConfig: mailConfig{
		space: n.cfg.Space, data: n.cfg.Data, store: n.store, roster: roster, network: n.network, routes: n.routes,
		preferences: n.preferences, hosts: n.accounts.Hosts, identities: n.keys.identities, central: n.cfg.Role.HoldsMail, quota: n.cfg.Mail.Quota, now: n.cfg.Now, log: n.cfg.Log,
		exchange: func(ctx context.Context) {
			if !n.state.running.Load() { // else the replicator passes entries on
				n.entries.exchangeAll(ctx)
			}
		},
	}}
}

func (n *Node) newCompute(roster *policy.Roster) *computeService {
	return &computeService{machine: idle.New(nil), computeConfig: computeConfig{
		data: n.cfg.Data, store: n.store, signer: n.signer, roster: roster, network: n.network, routes: n.routes, files: n.files.index,
		uploads: n.uploads, preferences: n.preferences, role: n.cfg.Role, webAddrs: n.state.addrs,
		notify: n.notifyJob, start: n.tasks.start, oneShot: func() bool { return !n.state.running.Load() }, now: n.cfg.Now, log: n.cfg.Log,
	}}
}

func (n *Node) newWitness(roster *policy.Roster) *witness {
	return &witness{
		members: n.members(n.store, n.signer.Through(n.store), roster), ready: n.cfg.Home.ready, log: n.cfg.Log,
		backlog: n.network.unconfirmed, wakeup: make(chan struct{}, 1),
	}
}

func (n *Node) preferences() policy.Preferences { return *n.state.preferences.Load() }

// apply puts preferences into effect.
func (n *Node) apply(p policy.Preferences) {
	n.state.preferences.Store(&p)
	n.network.in.Limit(p.DownloadRate)
	n.network.out.Limit(p.UploadRate)
}

// Key returns the private key of the node.
func (n *Node) Key() ed25519.PrivateKey { return n.cfg.Key }

// Keys returns the node's private key, and those that the home had before.
func (n *Node) Keys() []ed25519.PrivateKey {
	return append([]ed25519.PrivateKey{n.cfg.Key}, n.cfg.OldKeys...)
}

// Self returns the key of the device that the node is.
func (n *Node) Self() moot.Key { return n.network.self }

// Member returns the member to whom the device belongs; zero until the space tells.
func (n *Node) Member() moot.MemberID { return n.network.member(n.Self()) }

// Version returns the version of the program.
func (n *Node) Version() string { return n.cfg.Version }

// Store returns the node's own store.
func (n *Node) Store() *store.Store { return n.store }

// Tokens returns what programs authenticate with.
func (n *Node) Tokens() *accounts.Tokens { return n.tokens }

// Identity says whose node this is.
func (n *Node) Identity() app.Identity {
	id := app.Identity{Space: n.cfg.Space, Name: n.cfg.Names.Space, Member: n.Member(), Device: n.Self(), As: n.cfg.Names.Member, Home: n.cfg.Data.Path("")}
	if m, ok := n.network.roster.Member(id.Member); ok {
		id.As = m.Name
	}
	if d, ok := n.network.roster.Device(id.Device); ok {
		id.Label = d.Name
	}
	return id
}

// Role returns the member's role; "" for no member.
func (n *Node) Role() policy.Role {
	role, _ := n.network.roster.Role(n.Member())
	return role
}

// rules returns an architecture as this node carries it out; the zero choice is what the
// space and the node prefer.
func (n *Node) rules(ctx context.Context, via moot.Architecture) arch.Architecture {
	if via.IsZero() {
		via = n.routes.preferred(ctx)
	}
	return n.routes.rules(via)
}

// Close ends everything that the node runs and lets go of it; acknowledged work is safe
// already.
func (n *Node) Close() error {
	n.tasks.end()
	n.tasks.wait.Wait()
	if peers := n.network.Connected(); len(peers) > 0 {
		if err := n.cfg.Data.Save(peersFile, peers); err != nil {
			n.cfg.Log.Warn("remember peers", "error", err)
		}
	}
	return errors.Join(n.network.close(), n.compute.close(), n.mail.close(), n.files.folders.Close(), n.store.Close())
}
