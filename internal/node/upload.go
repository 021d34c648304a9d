package node

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
)

// Bounds of what is handed over at once, and of the time until the next attempt.
const (
	uploadBlobs = 1000
	uploadBytes = 4 << 20
	firstRetry  = 2 * time.Second
	lastRetry   = 5 * time.Minute
)

// uploader hands blobs that were stored here to servers that cannot fetch them: this
// node ends soon, or the server is not among the peers. What cannot be handed over stays
// queued, and is tried again while the node runs.
type uploader struct {
	local   moot.Blobs
	servers func(context.Context) []moot.Peer
	dial    moot.Dialer
	log     *slog.Logger

	mu      sync.Mutex
	waiting []moot.BlobID
	queued  map[moot.BlobID]bool // those in waiting
	more    chan struct{}        // room for one
}

func newUploader(local moot.Blobs, n *network) *uploader {
	return &uploader{local: local, servers: n.Servers, dial: n.dial.Dial, log: n.log, more: make(chan struct{}, 1)}
}

// add queues blobs.
func (u *uploader) add(ids ...moot.BlobID) {
	u.queue(ids)
	select {
	case u.more <- struct{}{}:
	default:
	}
}

func (u *uploader) queue(ids []moot.BlobID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, id := range ids {
		if u.queued == nil {
			u.queued = map[moot.BlobID]bool{}
		}
		if !u.queued[id] {
			u.queued[id] = true
			u.waiting = append(u.waiting, id)
		}
	}
}

func (u *uploader) take() []moot.BlobID {
	u.mu.Lock()
	defer u.mu.Unlock()
	ids := u.waiting
	u.waiting, u.queued = nil, nil
	return ids
}

// run uploads to servers that are no peers, as blobs are added, until ctx ends. What fails
// is tried again after a time that doubles.
func (u *uploader) run(ctx context.Context) {
	var retry <-chan time.Time
	delay := firstRetry
	for {
		select {
		case <-u.more:
		case <-retry:
		case <-ctx.Done():
			return
		}
		if u.upload(ctx, func(server moot.Peer) bool { return !isPeer(server) }) {
			retry, delay = nil, firstRetry
			continue
		}
		retry, delay = time.After(delay), min(2*delay, lastRetry)
	}
}

// flush uploads all that waits to all servers.
func (u *uploader) flush(ctx context.Context) {
	if !u.upload(ctx, func(moot.Peer) bool { return true }) {
		u.add() // while the node runs it is tried again
	}
}

// upload hands the queued blobs to the chosen servers that lack them, and queues again what
// one of them did not take. It reports whether nothing is left.
func (u *uploader) upload(ctx context.Context, to func(moot.Peer) bool) bool {
	ids := u.take()
	if len(ids) == 0 {
		return true
	}
	done := true
	for _, server := range u.servers(ctx) {
		if !to(server) {
			continue
		}
		left, err := u.handOver(ctx, server, ids)
		if err == nil {
			continue
		}
		u.log.Warn("the server does not have what was shared yet: it stays here, where others can fetch it while this node runs",
			"server", server.Addrs, "blobs", len(left), "error", err)
		u.queue(left)
		done = false
	}
	return done
}

// isPeer reports whether a server is among the peers, too, and so fetches what it lacks.
func isPeer(server moot.Peer) bool {
	return slices.ContainsFunc(server.Addrs, func(a string) bool { return strings.HasPrefix(a, "/") })
}

// handOver gives a server what it lacks. It returns those that it did not take, and why.
func (u *uploader) handOver(ctx context.Context, server moot.Peer, ids []moot.BlobID) (left []moot.BlobID, err error) {
	remote, err := u.dial(server)
	if err != nil {
		return ids, err
	}
	for i := 0; i < len(ids); i += moot.MaxMany {
		some := ids[i:min(i+moot.MaxMany, len(ids))]
		failed, why := u.handOverSome(ctx, remote, some)
		left = append(left, failed...)
		err = cmp.Or(why, err)
		if moot.KindOf(why) == moot.Unavailable {
			return append(left, ids[i+len(some):]...), err
		}
	}
	return left, err
}

// handOverSome is handOver for at most moot.MaxMany blobs.
func (u *uploader) handOverSome(ctx context.Context, server moot.Node, ids []moot.BlobID) (left []moot.BlobID, err error) {
	held, err := server.HaveMany(ctx, ids)
	if err != nil {
		return ids, err
	}
	lacking := map[moot.BlobID]bool{}
	for i, id := range ids {
		if !held[i] {
			lacking[id] = true
		}
	}
	if err := u.uploadSmall(ctx, server, lacking); err != nil {
		return slices.Collect(maps.Keys(lacking)), err
	}
	for id := range lacking {
		failed := u.uploadOne(ctx, server, id)
		if failed != nil {
			left, err = append(left, id), failed
		}
	}
	return left, err
}

// uploadSmall hands over the small ones, many at a time, and takes them out of lacking.
func (u *uploader) uploadSmall(ctx context.Context, server moot.Node, lacking map[moot.BlobID]bool) error {
	var batch []moot.Small
	size := 0
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		contents := make([][]byte, len(batch))
		for i, s := range batch {
			contents[i] = s.Data
		}
		if _, err := server.PutMany(ctx, contents); err != nil {
			return err
		}
		for _, s := range batch {
			delete(lacking, s.ID)
		}
		batch, size = nil, 0
		return nil
	}
	for s, err := range u.local.GetMany(ctx, slices.Collect(maps.Keys(lacking))) {
		if err != nil {
			return err
		}
		if len(batch) == uploadBlobs || size+len(s.Data) > uploadBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		batch, size = append(batch, s), size+len(s.Data)
	}
	return flush()
}

// uploadOne hands over one blob. What is not held here any more needs no upload.
func (u *uploader) uploadOne(ctx context.Context, server moot.Node, id moot.BlobID) error {
	if complete(ctx, server, id) {
		return nil
	}
	rc, err := u.local.Get(ctx, id, moot.Whole)
	if moot.KindOf(err) == moot.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer rc.Close()
	_, err = server.Put(ctx, io.Reader(blob.NewDecoder(rc, id, moot.Whole)))
	return err
}

// complete reports whether a node holds all of a blob.
func complete(ctx context.Context, at moot.Blobs, id moot.BlobID) bool {
	h, err := at.Have(ctx, id)
	return err == nil && h.Complete()
}
