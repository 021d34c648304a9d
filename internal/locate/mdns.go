package locate

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
)

// mdnsSearch is the search on the local network. It runs only while members are missing:
// every node receives every message there, so that the cost is the square of the number
// of nodes.
type mdnsSearch struct {
	mu      sync.Mutex   // not the Mesh's: Close waits for calls of HandlePeerFound
	service mdns.Service // nil while no search runs
	changed time.Time    // when service last agreed with missing, or was changed
}

// debounce is how long members must be missing, or not, before the search changes.
const debounce = 10 * time.Second

func (l *mdnsSearch) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.service != nil {
		l.service.Close()
	}
}

// updateSearch begins or ends the search on the local network (RFC 6762). A machine
// without multicast is no error.
func (m *Mesh) updateSearch(now time.Time) {
	if !m.MDNS {
		return
	}
	missing := m.missing()
	l := &m.search
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.service == nil && l.changed.IsZero()
	if missing == (l.service != nil) && !first {
		l.changed = now
		return
	}
	if !first && now.Sub(l.changed) < debounce {
		return
	}
	l.changed = now
	if l.service != nil {
		l.service.Close()
		l.service = nil
		return
	}
	service := mdns.NewMdnsService(m.Host, serviceTag(m.Space), m)
	if err := service.Start(); err != nil {
		m.Log.Debug("mDNS is not available", "error", err)
		return
	}
	l.service = service
}

// missing reports whether any member is not connected.
func (m *Mesh) missing() bool {
	for _, key := range m.Members() {
		if m.Host.Network().Connectedness(m.PeerID(key)) != network.Connected {
			return true
		}
	}
	return false
}
