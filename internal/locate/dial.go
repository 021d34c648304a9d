package locate

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/mootspace/moot"
)

const (
	maxNeighbours = 64
	maxDialing    = 8 // at once
	dialWithin    = 10 * time.Second
	firstRetry    = time.Second
	maxRetry      = time.Minute
	dialEvery     = time.Second
)

// retry is the back-off state of one member: when it may be dialed, and the next delay.
type retry struct {
	next time.Time
	wait time.Duration
	busy bool
}

// Run keeps this node connected with members until ctx ends.
func (m *Mesh) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { m.provide(ctx) })
	slots := make(chan struct{}, maxDialing)
	tick := time.NewTicker(dialEvery)
	defer tick.Stop()
	for {
		m.updateTable()
		m.updateSearch(time.Now())
		for _, key := range m.due() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				m.scheduleRetry(key, m.dial(ctx, key))
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
	slots := maxNeighbours - len(m.Host.Network().Peers())
	members := m.Members()
	rand.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range members {
		p := m.retries[key]
		if p == nil {
			p = &retry{wait: firstRetry}
			m.retries[key] = p
		}
		switch {
		case p.busy:
		case m.Host.Network().Connectedness(m.PeerID(key)) == network.Connected:
			// If the connection is lost, it is dialed soon, but not by all nodes at once.
			p.wait, p.next = firstRetry, now.Add(rand.N(firstRetry))
		case len(keys) < slots && !now.Before(p.next):
			p.busy = true
			keys = append(keys, key)
		}
	}
	return keys
}

// dial connects with a member at its known addresses, else at those from the table: it
// may have moved. Kind NotFound if no address is known.
func (m *Mesh) dial(ctx context.Context, key moot.Key) error {
	info := m.seen(key)
	if len(info.Addrs) > 0 {
		if err := m.connect(ctx, info); err == nil || m.dht.RoutingTable().Size() == 0 {
			return err
		}
	}
	info, err := m.lookUp(ctx, info.ID)
	if err != nil {
		return err
	}
	return m.connect(ctx, info)
}

// connect dials all addresses. The host's own back-off is longer than this node's, and is
// cleared.
func (m *Mesh) connect(ctx context.Context, info peer.AddrInfo) error {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	if s, ok := m.Host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	return m.Host.Connect(ctx, info)
}

// lookUp returns the addresses of a member from the table.
func (m *Mesh) lookUp(ctx context.Context, id peer.ID) (peer.AddrInfo, error) {
	if m.dht.RoutingTable().Size() == 0 {
		return peer.AddrInfo{}, moot.NotFound
	}
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	info, err := m.dht.FindPeer(ctx, id)
	if err == nil && len(info.Addrs) == 0 {
		err = moot.NotFound
	}
	return info, err
}

// scheduleRetry sets when a member is dialed again: twice as late after each failure.
func (m *Mesh) scheduleRetry(key moot.Key, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.retries[key]
	p.busy = false
	p.next = time.Now().Add(p.wait/2 + rand.N(p.wait))
	if err != nil {
		p.wait = min(2*p.wait, maxRetry)
		m.Log.Debug("a member cannot be reached", "member", key, "error", err)
	} else {
		p.wait = firstRetry
	}
}
