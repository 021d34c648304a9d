package daemon

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/front/mailapi"
	"github.com/mootspace/moot/internal/front/mta"
	"github.com/mootspace/moot/internal/mail"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
)

// mailroom is where this node's messages are: its member's, those of accounts whose keys
// it keeps, and those it carries for others. Its index is opened when it is first asked
// for.
type mailroom struct {
	n *node

	mu     sync.Mutex
	index  *mail.Index
	post   *mail.Post
	boxes  map[boxKey]*mail.Box
	outbox *mta.Queue      // nil: nothing goes elsewhere
	life   context.Context // of the running node; nil if it does not run
}

// boxKey names a member's mail through one architecture.
type boxKey struct {
	member moot.Key
	via    cli.Via
}

// open opens the index once.
func (m *mailroom) open(ctx context.Context) (*mail.Index, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.index != nil {
		return m.index, nil
	}
	x, err := mail.OpenIndex(ctx, m.n.path("mail.db"))
	if err != nil {
		return nil, err
	}
	m.index, m.boxes = x, map[boxKey]*mail.Box{}
	m.post = mail.NewPost(mail.PostConfig{
		Feeds: m.n.store, Index: x, Self: m.n.self(), Have: m.n.holds, Fetch: m.carry, Drop: m.n.store.Drop,
		Online: m.n.online, Limits: m.limits, Log: m.n.log,
	})
	return x, nil
}

func (m *mailroom) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.index == nil {
		return nil
	}
	if m.outbox != nil {
		return errors.Join(m.index.Close(), m.outbox.Close())
	}
	return m.index.Close()
}

// relayer returns what passes mail on to people elsewhere; nil if nothing does.
func (m *mailroom) relayer() func(context.Context, string, []string, io.Reader) error {
	if m.outbox == nil {
		return nil
	}
	return m.relay
}

// roomer returns what looks after quotas; nil on who is no server.
func (m *mailroom) roomer() func(context.Context, []moot.Key, int64) error {
	if !m.n.serves {
		return nil
	}
	return m.room
}

// knows reports whether a blob is a message: those are passed on whatever names this
// home's owner wishes to show.
func (m *mailroom) knows(ctx context.Context, id string) bool {
	m.mu.Lock()
	post := m.post
	m.mu.Unlock()
	blob, err := moot.ParseBlobID(id)
	return err == nil && post != nil && post.Knows(ctx, blob)
}

// limits are what this node carries for others, as its owner wishes.
func (m *mailroom) limits() mail.Limits {
	w := m.n.wished.Load()
	return mail.Limits{All: m.n.serves, Copies: w.RelayCopies, Bytes: w.RelayBytes, Age: time.Duration(w.RelayDays) * 24 * time.Hour}
}

// retain is how long messages are kept here, as this home's owner wishes.
func (m *mailroom) retain() mail.Retention {
	const day = 24 * time.Hour
	w := m.n.wished.Load()
	return mail.Retention{Trash: time.Duration(w.TrashDays) * day, Junk: time.Duration(w.JunkDays) * day, Mail: time.Duration(w.MailDays) * day}
}

// carryTime bounds how long a message that is carried may take to come.
const carryTime = 5 * time.Minute

func (m *mailroom) carry(ctx context.Context, id moot.BlobID) error {
	ctx, cancel := context.WithTimeout(ctx, carryTime)
	defer cancel()
	peers, err := m.n.via(ctx, cli.ViaPeers)
	if err != nil {
		return err
	}
	return m.n.fetch(ctx, peers, id)
}

// own returns the mail of this home's member through an architecture.
func (m *mailroom) own(ctx context.Context, via cli.Via) (*mail.Box, error) {
	return m.box(ctx, m.n.key, m.n.signer, via)
}

// box returns a member's mail through an architecture.
func (m *mailroom) box(ctx context.Context, key ed25519.PrivateKey, pen *sign.Signer, via cli.Via) (*mail.Box, error) {
	index, err := m.open(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := m.n.via(ctx, via); err != nil {
		return nil, err
	}
	through := through{m.n, via}
	m.mu.Lock()
	defer m.mu.Unlock()
	id := boxKey{seal.Public(key), via}
	if b := m.boxes[id]; b != nil {
		return b, nil
	}
	var keep mail.Keeper
	if via == cli.ViaServer && !m.n.serves {
		keep = m.n.store
	}
	b, err := mail.New(ctx, mail.Config{
		Keep: keep,
		Node: through, Write: pen.Through(through), Key: key, Index: index, Log: m.n.log,
		Directory: func(ctx context.Context) (mail.Directory, error) { return m.directory(ctx, via, through) },
		Servers:   func(ctx context.Context) []moot.Key { return m.servers(ctx, through) },
		Spread: func(ctx context.Context, id moot.BlobID, to []moot.Key) int {
			return m.n.spread(ctx, via, id, to)
		},
		Release: m.post.Release, Relay: m.relayer(), Room: m.roomer(),
		TellRead: func() bool { return !m.n.wished.Load().HideReading }, Retain: m.retain,
	})
	if err == nil {
		m.boxes[id] = b
	}
	return b, err
}

// directory tells who is who, as the architecture knows it.
func (m *mailroom) directory(ctx context.Context, via cli.Via, through moot.Node) (d mail.Directory, err error) {
	all := members.New(m.n.settings.Space, through, nil)
	d.Roster = m.n.roster
	if via == cli.ViaServer && !m.n.serves { // this home may have heard nothing for long
		if d.Roster, err = all.Roster(ctx); err != nil {
			return d, err
		}
	}
	d.Domain, _, err = all.Mail(ctx)
	return d, err
}

func (m *mailroom) servers(ctx context.Context, through moot.Node) []moot.Key {
	_, servers, err := members.New(m.n.settings.Space, through, nil).Mail(ctx)
	if err != nil {
		m.n.log.Warn("read the servers", "error", err)
	}
	return servers
}

// run keeps the mail of a running node up to date until ctx ends.
func (m *mailroom) run(ctx context.Context) error {
	b, err := m.own(ctx, m.n.prefers(ctx))
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.life = ctx
	m.mu.Unlock()
	m.attend(b)
	if err := m.n.accounts.attendAll(ctx); err != nil {
		return err
	}
	m.n.crew.Go(func() {
		if err := m.post.Run(ctx); err != nil && ctx.Err() == nil {
			m.n.log.Error("mail", "error", err)
		}
	})
	return nil
}

// attend keeps one member's mail up to date while the node runs.
func (m *mailroom) attend(b *mail.Box) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.life == nil {
		return
	}
	m.post.Add(b)
	m.n.crew.Go(func() { b.Run(m.life) })
}

// syncTime is what a command waits for messages that cannot be fetched at once.
const syncTime = 15 * time.Second

// ready returns this home's mail as a command sees it: with what has come. In a running
// node what comes is taken in all the time.
func (m *mailroom) ready(ctx context.Context, via cli.Via) (mail.Mailbox, error) {
	b, err := m.own(ctx, via)
	if err != nil {
		return nil, err
	}
	if m.n.running && via == m.n.prefers(ctx) {
		return b, nil
	}
	brief, cancel := context.WithTimeout(ctx, syncTime)
	defer cancel()
	if err := b.Sync(brief); err != nil && brief.Err() == nil {
		return nil, err
	}
	return b, ctx.Err()
}

// handler answers commands about this home's mail.
func (m *mailroom) handler(via cli.Via) http.Handler {
	return mailapi.Handler(func(r *http.Request) (mail.Mailbox, error) { return m.ready(r.Context(), via) })
}

// holds reports whether all of a blob is on this machine.
func (n *node) holds(ctx context.Context, id moot.BlobID) bool {
	h, err := n.store.Have(ctx, id)
	return err == nil && h.Complete()
}

// online returns the members who are connected now.
func (n *node) online() (keys []moot.Key) {
	for _, p := range n.neighbours() {
		keys = append(keys, p.ID)
	}
	return keys
}

// spreadAgain is how often others are asked whether they hold a message by now.
const spreadAgain = 100 * time.Millisecond

// spread waits until all whom a message is for hold it, or two others do, and returns
// how many do.
func (n *node) spread(ctx context.Context, via cli.Via, id moot.BlobID, to []moot.Key) int {
	if via == cli.ViaServer && !n.serves {
		return 1 // it was put there
	}
	if ctx.Err() == nil && !n.running {
		n.compareAll(ctx) // nobody else tells them
	}
	again := time.NewTicker(spreadAgain)
	defer again.Stop()
	held := map[moot.Key]bool{}
	for _, k := range to {
		if n.accounts.has(k) {
			held[k] = true
		}
	}
	for {
		others := slices.DeleteFunc(n.neighbours(), func(p moot.Peer) bool { return held[p.ID] })
		for _, k := range n.holders(ctx, others, id) {
			held[k] = true
		}
		all := !slices.ContainsFunc(to, func(k moot.Key) bool { return k != n.self() && !held[k] })
		if len(held) >= 2 || all || ctx.Err() != nil {
			return len(held)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
		}
	}
}

// holders asks peers whether they hold all of a blob, and returns those that do.
func (n *node) holders(ctx context.Context, peers []moot.Peer, id moot.BlobID) (keys []moot.Key) {
	var crew sync.WaitGroup
	var mu sync.Mutex
	for _, p := range peers {
		crew.Go(func() {
			remote, err := n.dial.Dial(p)
			if err != nil {
				return
			}
			if h, err := remote.Have(ctx, id); err == nil && h.Complete() {
				mu.Lock()
				defer mu.Unlock()
				keys = append(keys, p.ID)
			}
		})
	}
	crew.Wait()
	return keys
}
