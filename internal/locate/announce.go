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

// Announce implements moot.Locator: it queues the blob for Run, and never blocks. If the
// queue is full, the oldest are dropped: new blobs are requested most, and neighbours
// are found without the table.
func (m *Mesh) Announce(_ context.Context, id moot.BlobID) error {
	for {
		select {
		case m.announced <- id:
			return nil
		default:
		}
		select {
		case <-m.announced:
		default: // Run has dequeued one meanwhile
		}
	}
}

// provide announces the queued blobs in the table, until ctx ends.
func (m *Mesh) provide(ctx context.Context) {
	for {
		select {
		case id := <-m.announced:
			m.provideOne(ctx, id)
		case <-ctx.Done():
			return
		}
	}
}

// provideOne announces one blob, unless the table is empty.
func (m *Mesh) provideOne(ctx context.Context, id moot.BlobID) {
	if m.dht.RoutingTable().Size() == 0 {
		return
	}
	within, cancel := context.WithTimeout(ctx, provideWithin)
	defer cancel()
	if err := m.dht.Provide(within, cidOf(id), true); err != nil && ctx.Err() == nil {
		m.Log.Debug("announce", "blob", id, "error", err)
	}
}
