package locate

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/mootspace/moot"
)

const (
	maxNeighbours = 64
	dialing       = 8 // at once
	dialWithin    = 10 * time.Second
	firstRetry    = time.Second
	lastRetry     = time.Minute
	lookAgain     = time.Second
	maxAddrs      = 16 // kept for each member
)

// patience is when a member may be dialed again, and how long to wait after that.
type patience struct {
	until time.Time
	wait  time.Duration
	busy  bool
}

// Add learns where a member may be reached.
func (m *Mesh) Add(p moot.Peer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.addrs[p.ID]
	for _, a := range p.Addrs {
		if len(a) > 0 && a[0] == '/' && !slices.Contains(known, a) {
			known = append(known, a)
		}
	}
	m.addrs[p.ID] = known[max(0, len(known)-maxAddrs):]
	delete(m.again, p.ID)
}

// HandlePeerFound implements mdns.Notifee.
func (m *Mesh) HandlePeerFound(info peer.AddrInfo) {
	if key, err := m.KeyOf(info.ID); err == nil && m.isMember(info.ID) {
		m.Add(moot.Peer{ID: key, Addrs: texts(info)})
	}
}

// Run keeps this node connected with members until ctx ends.
func (m *Mesh) Run(ctx context.Context) {
	var crew sync.WaitGroup
	defer crew.Wait()
	crew.Go(func() { m.provide(ctx) })
	slots := make(chan struct{}, dialing)
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		for _, key := range m.due() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			crew.Go(func() {
				m.dial(ctx, key)
				<-slots
			})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// due returns members that are not connected and may be dialed now.
func (m *Mesh) due() (keys []moot.Key) {
	connected := len(m.Host.Network().Peers())
	members := m.Members()
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range members {
		if connected+len(keys) >= maxNeighbours {
			break
		}
		p := m.again[key]
		if p == nil {
			p = &patience{wait: firstRetry}
			m.again[key] = p
		}
		if p.busy || now.Before(p.until) || m.Host.Network().Connectedness(m.PeerID(key)) == network.Connected {
			continue
		}
		p.busy = true
		keys = append(keys, key)
	}
	return keys
}

// dial connects with a member, where it was seen or where the table says it is.
func (m *Mesh) dial(ctx context.Context, key moot.Key) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	info := peer.AddrInfo{ID: m.PeerID(key), Addrs: m.Host.Peerstore().Addrs(m.PeerID(key))}
	m.mu.Lock()
	for _, s := range m.addrs[key] {
		if a, err := ma.NewMultiaddr(s); err == nil {
			if a, _ = peer.SplitAddr(a); a != nil {
				info.Addrs = append(info.Addrs, a)
			}
		}
	}
	m.mu.Unlock()
	if len(info.Addrs) == 0 && m.dht.RoutingTable().Size() > 0 {
		if found, err := m.dht.FindPeer(ctx, info.ID); err == nil {
			info = found
		}
	}
	var err error = moot.NotFound
	if len(info.Addrs) > 0 {
		err = m.Host.Connect(ctx, info)
	}
	m.settle(key, err)
}

// settle decides when a member is dialed again: twice as late after each failure.
func (m *Mesh) settle(key moot.Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.again[key]
	if p == nil { // Add has learned of a new address meanwhile
		return
	}
	p.busy = false
	if err == nil {
		p.wait = firstRetry
	} else {
		m.Log.Debug("a member cannot be reached", "member", key, "error", err)
	}
	p.until = time.Now().Add(p.wait/2 + rand.N(p.wait))
	if err != nil {
		p.wait = min(2*p.wait, lastRetry)
	}
}

func texts(info peer.AddrInfo) []string {
	list := make([]string, 0, len(info.Addrs))
	for _, a := range info.Addrs {
		list = append(list, a.String())
	}
	return list
}
