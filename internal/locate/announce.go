package locate

import (
	"context"
	"time"

	"github.com/mootspace/moot"
)

const (
	maxAnnounced  = 4096 // blobs that wait to be announced
	provideWithin = 30 * time.Second
)

// Announce implements moot.Locator: it has Run tell the table, and never waits. When
// more wait than can be told, the oldest are left out: what is new is wanted most,
// and neighbours are asked directly anyway.
func (m *Mesh) Announce(_ context.Context, id moot.BlobID) error {
	for {
		select {
		case m.announced <- id:
			return nil
		default:
		}
		select {
		case <-m.announced:
		default: // Run has taken one meanwhile
		}
	}
}

// provide tells the table what this node holds, until ctx ends.
func (m *Mesh) provide(ctx context.Context) {
	for {
		select {
		case id := <-m.announced:
			m.tell(ctx, id)
		case <-ctx.Done():
			return
		}
	}
}

// tell announces one blob. With nobody in the table there is nobody to tell.
func (m *Mesh) tell(ctx context.Context, id moot.BlobID) {
	if m.dht.RoutingTable().Size() == 0 {
		return
	}
	within, cancel := context.WithTimeout(ctx, provideWithin)
	defer cancel()
	if err := m.dht.Provide(within, cidOf(id), true); err != nil && ctx.Err() == nil {
		m.Log.Debug("announce", "blob", id, "error", err)
	}
}
