// Package store is a [moot.Node] on this machine: entries in SQLite and blobs in a
// directory, or both in memory. It makes whatever it acknowledges durable, verifies
// whatever it accepts and whatever it hands out, and merges entries into the view
// of versions in force.
//
// It must not know any other node, network, architecture or role, nor what entries
// mean: who may append is asked of a [Gate].
//
// Order of durability: a blob's bytes and tree (fsync), their names (rename, fsync
// of the folder), then the entry (commit of a WAL with synchronous=FULL). After a
// failed fsync nothing is known about what the disk holds, and asking again would
// wrongly succeed ("Can Applications Recover from fsync Failures?", Rebello et al.,
// ATC 2020): the store then refuses to write until it is opened anew.
package store

import (
	"context"
	"database/sql"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/durable"
	"github.com/mootspace/moot/internal/sqlite"
)

// Config states where data is stored and who decides on entries.
type Config struct {
	Database string // path of the SQLite file; "" keeps entries in memory
	Blobs    string // folder for blobs; "" keeps them in memory
	Gate     Gate   // nil admits every entry that verifies, and all count
	Log      *slog.Logger
	Now      func() time.Time // for leases; nil: time.Now

	disk disk // for tests: replaces Blobs
}

// Store is a node on this machine. Its methods may be called concurrently. They
// fail with kind Unavailable once it is closed and, as far as they write, with kind
// Internal after a failed fsync.
type Store struct {
	gate  Gate
	log   *slog.Logger
	write *sql.DB            // one connection
	read  *sql.DB            // several, read-only; nil in memory
	reads *sqlite.Statements // of read; in memory of write
	blobs *blobs
	small *smallBlobs
	sql   statements
	locks []*durable.Locked

	places     atomic.Pointer[Places]
	collecting sync.RWMutex
	now        func() time.Time

	maxLag int64 // entries by which a watcher may fall behind
	view   view

	requests chan *request // to the writer
	closing  chan struct{} // closed by Close
	done     chan struct{} // closed when the writer has ended
	close    sync.Once

	mu      sync.Mutex
	stopped error         // why nothing can be written any more
	notify  chan struct{} // closed and replaced when entries were stored
	parts   map[moot.BlobID]*part
}

var _ moot.Node = (*Store)(nil)

// view is what is known of the merged view beside the database. All but the revision is
// the writer's.
type view struct {
	revision  atomic.Uint64     // how often it has changed but for what was stored: moot.Vector.Shown
	uncounted map[moot.Key]bool // authors of whom the gate has yet to be asked
	applied   int64             // the row up to which the gate's decisions are in the database
	saved     int64             // applied, as the database has it
}

// Close waits for what is being written, and closes the store.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		close(s.closing)
		<-s.done
		err = s.release()
	})
	return err
}

// release closes the databases and then lets other processes in.
func (s *Store) release() error {
	var err error
	if s.small != nil {
		err = s.small.close()
	}
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			err = cmpErr(err, db.Close())
		}
	}
	for _, lock := range s.locks {
		err = cmpErr(err, lock.Close())
	}
	return moot.Wrap("close the store", err)
}

// usable reports why the store may not be used at all: it is closed.
func (s *Store) usable(ctx context.Context) error {
	select {
	case <-s.closing:
		return errClosed()
	default:
		return ctx.Err()
	}
}

// writable reports why nothing may be written.
func (s *Store) writable(ctx context.Context) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

// stop ends all writing after a failed fsync or a failed write of the database. It
// returns err with its kind: Full leaves the store usable, anything else does not.
func (s *Store) stop(err error) error {
	if durable.IsFull(err) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped == nil {
		s.stopped = moot.Errorf(moot.Internal, "the disk failed, and nothing more is accepted until this node is started again: %w", err)
		s.log.Error("the store has stopped accepting", "error", err)
	}
	return s.stopped
}

// orClosed returns err, or that the store was closed meanwhile, for which database/sql
// has no error of its own.
func (s *Store) orClosed(err error) error {
	select {
	case <-s.closing:
		return errClosed()
	default:
		return err
	}
}

func errClosed() error { return moot.Errorf(moot.Unavailable, "the store is closed") }

func cmpErr(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
