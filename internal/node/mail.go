package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/arch"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// mailService holds this node's messages: its member's, those of accounts, and those it
// relays for others. Its index is opened when it is first used.
type mailService struct {
	mailConfig

	mu       sync.Mutex
	index    *mail.Index
	relay    *mail.Relay
	boxes    map[mailboxKey]*mail.Account
	names    *mail.Names         // whom names meant; opened with the index
	watched  func(*mail.Account) // keeps an account up to date; nil until the node runs
	outbound relayFunc           // passes mail on to people elsewhere; nil: nothing does
	queue    MailQueue           // of outbound
}

type relayFunc = func(ctx context.Context, from string, to []string, mime io.Reader) error

type mailConfig struct {
	space       moot.SpaceID
	data        Data
	store       *store.Store
	roster      *policy.Roster
	network     *network
	routes      *routes
	preferences func() policy.Preferences
	hosts       func(moot.MemberID) bool // whether this node keeps a device of a member
	identities  func(ed25519.PrivateKey) func(context.Context) []seal.Identity
	exchange    func(context.Context)
	central     bool  // this node holds messages for every member
	quota       int64 // bytes of a mailbox; 0 for no limit
	now         func() time.Time
	log         *slog.Logger
}

// mailboxKey names a device's mail through one architecture.
type mailboxKey struct {
	device moot.Key
	via    moot.Architecture
}

// open opens the index once.
func (m *mailService) open(ctx context.Context) (*mail.Index, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.index != nil {
		return m.index, nil
	}
	index, err := mail.OpenIndex(ctx, m.data.Path("mail.db"))
	if err != nil {
		return nil, err
	}
	if m.names, err = mail.OpenNames(m.data); err != nil {
		return nil, errors.Join(err, index.Close())
	}
	m.index, m.boxes = index, map[mailboxKey]*mail.Account{}
	m.relay = mail.NewRelay(mail.RelayConfig{
		Feeds: m.store, Index: index, Self: m.network.self, Roster: m.roster, Drop: m.store.Drop, Online: m.network.online,
		Have:  func(ctx context.Context, id moot.BlobID) bool { return complete(ctx, m.store, id) },
		Fetch: m.fetch, Limits: m.limits, Now: m.now, Log: m.log,
	})
	return index, nil
}

func (m *mailService) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	if m.queue != nil {
		err = m.queue.Close()
	}
	if m.index != nil {
		err = errors.Join(err, m.index.Close())
	}
	return err
}

// outQueue returns the queue of mail to people elsewhere; nil if there is none.
func (m *mailService) outQueue() MailQueue {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.queue
}

// isMessage reports whether a blob is a message: messages are served whatever names the
// node's owner publishes.
func (m *mailService) isMessage(ctx context.Context, id string) bool {
	m.mu.Lock()
	relay := m.relay
	m.mu.Unlock()
	blob, err := moot.ParseBlobID(id)
	return err == nil && relay != nil && relay.IsMessage(ctx, blob)
}

// limits are what this node relays for others.
func (m *mailService) limits() mail.Limits {
	p := m.preferences()
	return mail.Limits{All: m.central, Copies: p.RelayCopies, Bytes: p.RelayBytes, Age: time.Duration(p.RelayDays) * 24 * time.Hour}
}

// retention is how long messages are kept here.
func (m *mailService) retention() mail.Retention {
	const day = 24 * time.Hour
	p := m.preferences()
	return mail.Retention{Trash: time.Duration(p.TrashDays) * day, Junk: time.Duration(p.JunkDays) * day, Mail: time.Duration(p.MailDays) * day}
}

// relayFetchTimeout bounds how long a message that is relayed may take to come.
const relayFetchTimeout = 5 * time.Minute

func (m *mailService) fetch(ctx context.Context, id moot.BlobID) error {
	ctx, cancel := context.WithTimeout(ctx, relayFetchTimeout)
	defer cancel()
	return fetch(ctx, m.store, routed{m.routes, arch.PeerToPeer().Asks}, id)
}

// account returns a member's mail through an architecture.
func (m *mailService) account(ctx context.Context, key ed25519.PrivateKey, signer *sign.Signer, via moot.Architecture) (*mail.Account, error) {
	index, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := m.routes.through(ctx, via); err != nil {
		return nil, err
	}
	node, rules := routed{m.routes, via}, m.routes.rules(via)
	m.mu.Lock()
	defer m.mu.Unlock()
	id := mailboxKey{seal.Public(key), via}
	if b := m.boxes[id]; b != nil {
		return b, nil
	}
	cfg := mail.Config{
		Node: node, Local: !rules.Delegates, Member: m.network.member(seal.Public(key)), Write: signer.Through(node), Key: key, Index: index, Now: m.now, Log: m.log,
		Identities: m.identities(key), Names: m.names,
		Directory: func(ctx context.Context) (mail.Directory, error) { return m.directory(ctx, node) },
		Servers:   func(ctx context.Context) []moot.MemberID { return m.servers(ctx, node) },
		Replicate: func(ctx context.Context, id moot.BlobID, to []moot.MemberID) int {
			if rules.Delegates {
				return 1 // the server, where it was put
			}
			return m.replicate(ctx, id, to)
		},
		Reclaim: m.relay.Reclaim, Outbound: m.outbound,
		SendReceipts: func() bool { return !m.preferences().HideReading }, Retain: m.retention,
	}
	if rules.Delegates {
		cfg.Mirror = m.store
	}
	if m.central {
		cfg.Quota, cfg.MaxMailbox = m.checkQuota, m.quota
	}
	b, err := mail.New(ctx, cfg)
	if err == nil {
		m.boxes[id] = b
	}
	return b, err
}

// directory tells which members and aliases there are.
func (m *mailService) directory(ctx context.Context, node moot.Node) (d mail.Directory, err error) {
	d.Roster, d.Aliases = m.roster, func() (mail.Aliases, error) { return mail.ReadAliases(ctx, m.store) }
	d.Domain, _, err = m.members(node).Mail(ctx)
	return d, err
}

func (m *mailService) members(node moot.Node) *members.Members {
	return members.New(members.Config{Space: m.space, Node: node, Roster: m.roster})
}

// servers returns the members whose devices exchange mail with other domains.
func (m *mailService) servers(ctx context.Context, node moot.Node) (list []moot.MemberID) {
	_, servers, err := m.members(node).Mail(ctx)
	if err != nil {
		m.log.Warn("read the servers", "error", err)
	}
	for _, k := range servers {
		if id := m.network.member(k); !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// run relays messages until ctx ends. start runs a function until then.
func (m *mailService) run(ctx context.Context, start func(func(context.Context))) error {
	if _, err := m.open(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watched = func(b *mail.Account) {
		m.relay.Add(b)
		start(b.Run)
	}
	start(func(ctx context.Context) {
		if err := m.relay.Run(ctx); err != nil && ctx.Err() == nil {
			m.log.Error("mail", "error", err)
		}
	})
	return nil
}

// attend keeps an account's mail up to date while the node runs.
func (m *mailService) attend(b *mail.Account) {
	m.mu.Lock()
	watched := m.watched
	m.mu.Unlock()
	if watched != nil {
		watched(b)
	}
}

// syncTimeout is how long a session waits for messages that cannot be fetched at once.
const syncTimeout = 15 * time.Second

// synced returns an account's mail with what has come.
func (m *mailService) synced(ctx context.Context, b *mail.Account) (mail.Mailbox, error) {
	brief, cancel := context.WithTimeout(ctx, syncTimeout)
	defer cancel()
	if err := b.Sync(brief); err != nil && brief.Err() == nil {
		return nil, err
	}
	return b, ctx.Err()
}

// replicaPoll is how often others are asked whether they hold a message by now.
const replicaPoll = 100 * time.Millisecond

// replicate waits until devices of all recipients hold a message, or two others do, and
// returns how many do.
func (m *mailService) replicate(ctx context.Context, id moot.BlobID, to []moot.MemberID) int {
	if ctx.Err() == nil {
		m.exchange(ctx)
	}
	poll := time.NewTicker(replicaPoll)
	defer poll.Stop()
	reached := map[moot.MemberID]bool{m.network.member(m.network.self): true}
	held := map[moot.Key]bool{}
	hosted := 0
	for _, member := range to {
		if m.hosts(member) && !reached[member] {
			reached[member] = true
			hosted++
		}
	}
	for {
		others := slices.DeleteFunc(m.network.Connected(), func(p moot.Peer) bool { return held[p.ID] })
		for _, k := range m.holders(ctx, others, id) {
			held[k] = true
			reached[m.network.member(k)] = true
		}
		all := !slices.ContainsFunc(to, func(member moot.MemberID) bool { return !reached[member] })
		if n := len(held) + hosted; n >= 2 || all || ctx.Err() != nil {
			return n
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
		}
	}
}

// holders asks peers whether they hold all of a blob, and returns those that do.
func (m *mailService) holders(ctx context.Context, peers []moot.Peer, id moot.BlobID) (keys []moot.Key) {
	var asking sync.WaitGroup
	var mu sync.Mutex
	for _, p := range peers {
		asking.Go(func() {
			remote, err := m.network.dial.Dial(p)
			if err != nil || !complete(ctx, remote, id) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			keys = append(keys, p.ID)
		})
	}
	asking.Wait()
	return keys
}
