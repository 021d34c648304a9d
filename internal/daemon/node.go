// Package daemon assembles one running node out of all the other parts: it is the
// one place that names them. It holds the home directory, gives each architecture
// its Locator, opens the doors (HTTPS, libp2p, a socket in the home) and carries out
// what the command line asks. It must not hold meaning (that is files and members)
// nor mechanism (store, wire, link …): only who is connected to whom.
package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/ask"
	"github.com/mootspace/moot/internal/feed"
	"github.com/mootspace/moot/internal/front/cli"
	"github.com/mootspace/moot/internal/link"
	"github.com/mootspace/moot/internal/locate"
	"github.com/mootspace/moot/internal/members"
	"github.com/mootspace/moot/internal/policy"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/store"
)

// node is one member's node, in one process.
type node struct {
	*home
	log    *slog.Logger
	store  *store.Store
	roster *policy.Roster
	signer *sign.Signer
	clock  *feed.Clock
	dial   *dialer
	cutoff *cutoff
	in     *throttle // bytes of blobs from others
	out    *throttle // bytes to others
	wished atomic.Pointer[policy.Preferences]

	host *link.Host   // nil without peers
	mesh *locate.Mesh // nil without peers

	uploads  uploads
	shown    *shown
	mail     *mailroom
	work     *workshop
	accounts *accounts
	crew     sync.WaitGroup  // ends with the node's context
	life     context.Context // of what runs in this node from when it is first asked for
	die      context.CancelFunc

	running   bool     // in the foreground, with its doors open
	serves    bool     // as the space's server
	works     bool     // beside the space's server, as a worker
	webAddrs  []string // https addresses it listens on
	mailAddrs []string // where mail programs and other mail servers are answered

	mu         sync.Mutex
	vias       map[cli.Via]*ask.Node
	viaServers []moot.Peer // for which they were made
}

// openNode opens the home's database and blobs; nothing is connected yet.
func openNode(ctx context.Context, h *home, log *slog.Logger) (*node, error) {
	n := &node{home: h, log: log, cutoff: newCutoff(), in: &throttle{}, out: &throttle{}, vias: map[cli.Via]*ask.Node{}}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	n.shown = &shown{n: n}
	n.mail = &mailroom{n: n}
	n.work = &workshop{n: n}
	n.life, n.die = context.WithCancel(context.WithoutCancel(ctx))
	n.uploads.more = make(chan struct{}, 1)
	n.roster = policy.NewRoster(h.settings.Space, time.Now)
	n.clock = feed.NewClock(time.Now, 0)
	st, err := store.Open(ctx, store.Config{
		Database: orDefault(h.settings.Database, h.path("moot.db")),
		Blobs:    orDefault(h.settings.Blobs, h.path("blobs")),
		Gate:     gate{n.roster, n.clock},
		Log:      log,
	})
	if err != nil {
		return nil, moot.Wrap("open the home "+h.dir, err)
	}
	n.store = st
	if n.signer, err = sign.New(ctx, sign.Config{Space: h.settings.Space, Key: h.key, Clock: n.clock, Local: st, Ready: n.ready}); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	wishes, err := h.wishes()
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	n.wish(wishes)
	if n.accounts, err = openAccounts(ctx, n); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	n.dial = newDialer(n)
	n.roster.OnChange(n.cutStrangers)
	return n, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (n *node) wish(w policy.Preferences) {
	n.wished.Store(&w)
	n.in.limit(w.DownloadRate)
	n.out.limit(w.UploadRate)
}

// knows reports whether a connection with the key may exist at all: members, and
// holders of an invitation (also an expired one, who is to be told so).
func (n *node) knows(k moot.Key) bool {
	if n.isMember(k) {
		return true
	}
	_, err := n.roster.Invite(k)
	return err == nil || !errors.Is(err, moot.Stranger)
}

func (n *node) isMember(k moot.Key) bool {
	_, ok := n.roster.Role(k)
	return ok
}

// cutStrangers ends connections and requests of those who are members no more.
func (n *node) cutStrangers() {
	n.cutoff.cut(n.knows)
	if n.host == nil {
		return
	}
	for _, p := range n.host.Peers() {
		if !n.knows(p.ID) {
			n.host.Disconnect(p.ID)
		}
	}
}

// memberKeys returns the members in force, without this node's own.
func (n *node) memberKeys() (keys []moot.Key) {
	for _, m := range n.roster.Members() {
		if !m.Revoked && m.Key != n.self() {
			keys = append(keys, m.Key)
		}
	}
	return keys
}

// servers returns the space's servers other than this node: as announced in the
// space, else as the invitation named them.
func (n *node) servers(ctx context.Context) []moot.Peer {
	announced, err := members.New(n.settings.Space, n.store, nil).Servers(ctx)
	if err != nil {
		n.log.Warn("read the servers", "err", err)
	}
	servers := slices.Concat(announced, n.settings.Servers)
	seen := map[moot.Key]bool{n.self(): true}
	return slices.DeleteFunc(servers, func(p moot.Peer) bool {
		gone := seen[p.ID] || !n.isMember(p.ID) && len(announced) > 0
		seen[p.ID] = true
		return gone
	})
}

// neighbours are the peers connected now.
func (n *node) neighbours() []moot.Peer {
	if n.host == nil {
		return nil
	}
	peers := n.host.Peers()
	for i := range peers {
		if m, ok := n.roster.Member(peers[i].ID); ok {
			peers[i].Name = m.Name
		}
	}
	return slices.DeleteFunc(peers, func(p moot.Peer) bool { return !n.isMember(p.ID) })
}

// Close lets go of everything; acknowledged work is safe already.
func (n *node) close() error {
	var err error
	if n.mesh != nil {
		err = n.mesh.Close()
	}
	if n.host != nil {
		n.rememberPeers()
		err = errors.Join(err, n.host.Close())
	}
	n.dial.close()
	return errors.Join(err, n.work.close(), n.mail.close(), n.store.Close())
}

// rememberPeers writes down where members were seen, for the next start.
func (n *node) rememberPeers() {
	if peers := n.neighbours(); len(peers) > 0 {
		if err := writeJSON(n.path("peers.json"), peers); err != nil {
			n.log.Warn("remember peers", "err", err)
		}
	}
}
