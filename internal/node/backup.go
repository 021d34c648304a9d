package node

import (
	"context"
	"iter"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/app"
)

// Contents is what a backup of a node has beside the small files of its home.
type Contents struct {
	Databases []Database                                            // in the order in which they must be copied
	Held      func(ctx context.Context) iter.Seq2[moot.Blob, error] // blobs; any may come twice
	Blobs     moot.Blobs                                            // where they are read
	Size      int64                                                 // bytes of Held, about
}

// Database is a file of the home, or a folder, that is copied while it is in use.
type Database struct {
	Name string
	Copy func(ctx context.Context, path string) error
}

// Names of databases in a home.
const (
	EntriesFile  = "moot.db"
	jobsFile     = "jobs.db"
	OutboxFolder = "outbox" // mail on its way to people elsewhere
)

// MailQueue holds mail on its way to people elsewhere.
type MailQueue interface {
	// Backup copies the queue to a folder, which it makes.
	Backup(ctx context.Context, folder string) error
	Close() error
}

// Backup implements app.Control.
func (c control) Backup(ctx context.Context, dir string, o app.BackupOptions) (b app.Backup, err error) {
	if c.cfg.Home.Backup == nil {
		return b, moot.Errorf(moot.Unavailable, "this node has no home that could be backed up")
	}
	if peers := c.network.Connected(); len(peers) > 0 { // a restored home looks for them
		if err := c.cfg.Data.Save(peersFile, peers); err != nil {
			return b, err
		}
	}
	defer c.store.HoldCollection()()
	unread, release := c.files.folders.Read(ctx)
	defer release()
	contents, err := c.contents(ctx)
	if err != nil {
		return b, err
	}
	b, err = c.cfg.Home.Backup(ctx, dir, o, contents)
	b.Folders = unread
	return b, err
}

// contents lists databases so that none names what one before it, or a blob, does not have.
func (n *Node) contents(ctx context.Context) (c Contents, err error) {
	coordinator, err := n.compute.coordinate(ctx)
	if err != nil {
		return c, err
	}
	use, err := n.store.Usage(ctx)
	if err != nil {
		return c, err
	}
	c = Contents{Held: n.heldBlobs, Blobs: n.store, Size: use.Bytes + use.Linked}
	for _, f := range n.files.folders.List() {
		c.Size += f.Bytes
	}
	if queue := n.mail.outQueue(); queue != nil {
		c.Databases = append(c.Databases, Database{OutboxFolder, queue.Backup})
	}
	c.Databases = append(c.Databases, Database{foldersFile, n.files.folders.Backup}, Database{jobsFile, coordinator.Backup}, Database{EntriesFile, n.store.Backup})
	return c, nil
}

// heldBlobs yields what is in the store, and what lies in synced folders.
func (n *Node) heldBlobs(ctx context.Context) iter.Seq2[moot.Blob, error] {
	return func(yield func(moot.Blob, error) bool) {
		for b, err := range n.store.Blobs(ctx) {
			if !yield(b, err) || err != nil {
				return
			}
		}
		for b := range n.files.folders.Blobs() {
			f, _, ok := n.files.folders.Open(b.ID) // else it was changed: its content is about to be another
			if ok && (f.Close() != nil || !yield(b, nil)) {
				return
			}
		}
	}
}
