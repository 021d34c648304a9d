package mail

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"iter"
	"log/slog"
	"strings"
	"time"

	"github.com/mootspace/moot"
	"github.com/mootspace/moot/internal/blob"
	"github.com/mootspace/moot/internal/seal"
	"github.com/mootspace/moot/internal/sign"
	"github.com/mootspace/moot/internal/sqlite"
)

// Config has the dependencies of an Account. The first block is required.
type Config struct {
	Node      moot.Node // the architecture
	Local     bool      // Node's feeds are this machine's store, which the Relay follows
	Member    moot.MemberID
	Key       ed25519.PrivateKey // of the device
	Write     sign.Writer        // signs as the device
	Index     *Index
	Directory func(context.Context) (Directory, error)

	// Identities returns what opens the member's messages, the newest mailbox key first.
	// nil: the device's key alone.
	Identities func(context.Context) []seal.Identity
	// Names remembers which member a name meant. nil: nothing is remembered.
	Names *Names
	// Mirror is this machine's store, if Node stores blobs on other machines: it holds a second copy
	// of what the member writes, because others drop it once it is delivered.
	Mirror BlobStore
	// Servers returns the members whose devices are the space's servers, which exchange
	// mail with other domains. nil: there are none.
	Servers func(context.Context) []moot.MemberID
	// Outbound relays a member's message to addresses in other domains; only a server has
	// it. The message is durable when it returns nil.
	Outbound func(ctx context.Context, from string, to []string, mime io.Reader) error
	// Quota returns an error of kind Full if a mailbox on this node is full. nil: no quota.
	Quota func(ctx context.Context, to []moot.MemberID, size int64) error
	// MaxMailbox is how many bytes of messages Quota allows; 0: any number.
	MaxMailbox int64
	// Replicate pushes an announced message to other nodes until ctx ends, and returns how
	// many hold it. nil: others pull it.
	Replicate func(ctx context.Context, id moot.BlobID, to []moot.MemberID) int
	// Reclaim frees the blob of a message that the member has removed. nil: it stays.
	Reclaim func(ctx context.Context, id moot.BlobID)
	// SendReceipts reports whether authors get read receipts. nil: they do.
	SendReceipts func() bool

	// Retain returns the retention periods. nil: messages stay for ever.
	Retain func() Retention

	MaxMessage int64 // bytes; default 256 MiB
	Now        func() time.Time
	Log        *slog.Logger
}

// BlobStore stores blobs.
type BlobStore interface {
	Put(ctx context.Context, r io.Reader) (moot.Blob, error)
}

// Account is one member's mailbox on one device, over a node and an index.
type Account struct {
	cfg    Config
	self   moot.MemberID
	device moot.Key
	index  *accountIndex
	sealed sealedToOthers
	handed handover

	wake chan struct{}
}

var _ Mailbox = (*Account)(nil)

// New opens the member's account.
func New(ctx context.Context, cfg Config) (*Account, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxMessage <= 0 {
		cfg.MaxMessage = 256 << 20
	}
	b := &Account{cfg: cfg, self: cfg.Member, device: seal.Public(cfg.Key), wake: make(chan struct{}, 1)}
	var err error
	if b.index, err = cfg.Index.forMember(ctx, b.self, cfg.Now()); err == nil {
		b.index.addDevice(b.device, cfg.Write)
	}
	return b, err
}

// Member returns whose account it is.
func (acc *Account) Member() moot.MemberID { return acc.self }

// Device returns the key of the account's device.
func (acc *Account) Device() moot.Key { return acc.device }

// Inbound returns the members to whom mail from other domains to an address leads. Kinds:
// as Directory.Inbound.
func (acc *Account) Inbound(ctx context.Context, address string) (list []moot.MemberID, err error) {
	dir, err := acc.cfg.Directory(ctx)
	if err != nil {
		return nil, err
	}
	found, err := dir.Inbound(address)
	for _, t := range found {
		list = append(list, t.Member)
	}
	return list, err
}

// Folders implements Mailbox.
func (acc *Account) Folders(ctx context.Context) ([]Folder, error) { return acc.index.folders(ctx) }

// Quota implements Mailbox.
func (acc *Account) Quota(ctx context.Context) (used, limit int64, err error) {
	used, err = acc.index.Used(ctx, acc.self)
	return used, acc.cfg.MaxMailbox, err
}

// List implements Mailbox.
func (acc *Account) List(ctx context.Context, q Query) ([]Item, error) { return acc.index.list(ctx, q) }

// Open implements Mailbox.
func (acc *Account) Open(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	m, err := acc.index.find(acc.index.read, id)
	if err != nil {
		return nil, err
	}
	plain, err := acc.unseal(ctx, id)
	if err != nil {
		return nil, moot.Wrap("open the message", err)
	}
	return joined{io.MultiReader(strings.NewReader(m.preface), plain), plain}, nil
}

// unseal opens a blob that is sealed to the member.
func (acc *Account) unseal(ctx context.Context, id moot.BlobID) (io.ReadCloser, error) {
	rc, err := acc.cfg.Node.Get(ctx, id, moot.Whole)
	if err != nil {
		return nil, err
	}
	r, err := seal.Decrypt(blob.NewDecoder(rc, id, moot.Whole), acc.identities(ctx)...)
	if moot.KindOf(err) == moot.Denied {
		err = errors.Join(errSealed, err)
	}
	if err != nil {
		return nil, errors.Join(err, rc.Close())
	}
	return joined{r, rc}, nil
}

type joined struct {
	io.Reader
	io.Closer
}

// Watch implements Mailbox.
func (acc *Account) Watch(ctx context.Context) iter.Seq[[]string] {
	return acc.index.watchers.watch(ctx)
}

func (acc *Account) update(ctx context.Context, do func(*sqlite.Tx) ([]string, error)) error {
	var changed []string
	err := acc.index.update(ctx, func(tx *sqlite.Tx) (err error) {
		if changed, err = do(tx); err != nil {
			return err
		}
		return acc.index.touch(tx, changed)
	})
	if err == nil && len(changed) > 0 {
		acc.index.watchers.notify(changed)
	}
	return err
}
