package locate

import (
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
)

// local is the search on the local network. It goes on only while members are missing:
// everybody hears what anybody says there, so that it costs a group the square of its
// size.
type local struct {
	mu      sync.Mutex   // not the Mesh's: ending a search waits for those whom it tells
	service mdns.Service // nil while nobody is looked for
	since   time.Time    // when it began to be otherwise than it should
}

// settled is how long members must be missing, or be there, before that counts.
const settled = 10 * time.Second

func (l *local) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.service != nil {
		l.service.Close()
	}
}

// lookAround begins or ends the search on the local network (RFC 6762). A machine
// without multicast is no reason to stay alone.
func (m *Mesh) lookAround(now time.Time) {
	if !m.MDNS {
		return
	}
	missing := m.missing()
	l := &m.local
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.service == nil && l.since.IsZero()
	if missing == (l.service != nil) && !first {
		l.since = now
		return
	}
	if !first && now.Sub(l.since) < settled {
		return
	}
	l.since = now
	if l.service != nil {
		l.service.Close()
		l.service = nil
		return
	}
	service := mdns.NewMdnsService(m.Host, serviceTag(m.Space), m)
	if err := service.Start(); err != nil {
		m.Log.Debug("mDNS does not work here", "error", err)
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
